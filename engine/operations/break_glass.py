"""Break glass: ``.rollback/RETURN.sh``, the way back in plain ``sh`` for the night when Python itself does not start.

The program is the file ``RETURN.sh`` beside this module; each cutover fills in what it knows and writes it into its
deployment before the new release first starts. It is never withdrawn: what it may do it reads from the journals when
it is run, so that a rollback that has succeeded makes it say "nothing to go back from". A file that vanishes, or one
rewritten at each turn, could be wrong after a crash in between; the journals are not.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine import __version__
from engine.clock import Clock
from engine.config import Deployment
from engine.errors import OpsError
from engine.operations import rollback
from engine.operations.configuration import changes
from engine.operations.incident import people_to_tell
from engine.operations.order import arranged, planned
from engine.operations.own_steps import UNDO, by_hand
from engine.operations.plan import OwnStep, Plan
from engine.records import write_file
from engine.services.build import BUILD_VARIABLE
from engine.services.remains import MARK_VARIABLE
from engine.snapshots import TREE, Entry, Manifest, Snapshot, staged_path, trees
from engine.snapshots.manifest import sha256_of
from engine.snapshots.take import MANIFEST

NAME = "RETURN.sh"
_MODE = 0o750
_BEGIN, _END = "# >>> what the cutover wrote in", "# <<< what the cutover wrote in"
_OWN = "own_"
"""How the functions of one's own steps begin, so that no name of theirs is one of the script's."""
_SUMS, _ENTRIES = "sha256sums", "entries"
"""Beside the manifest, for programs that cannot read it: hashes for ``sha256sum -c``, and every name with its kind."""


@dataclass(frozen=True, slots=True)
class Return:
    """What is filled in: the deployment, the cutover it goes back from, and the snapshot it restores."""

    deployment: Deployment
    cutover: str
    plan: Plan
    """The cutover's."""
    snapshot: Snapshot
    manifest: Manifest


def write_return(deployment: Deployment, cutover: str, plan: Plan, snapshot: Snapshot, clock: Clock) -> Path:
    """Write the lists of the snapshot, then the script, each wholly and synced; returns the script's path.

    OpsError where a name cannot be written into a script; OSError.
    """
    if snapshot.manifest is None:
        raise OpsError(f"snapshot {snapshot.id}: {snapshot.problem}", "abaco-ops snapshots verify")
    back = Return(deployment, cutover, plan, snapshot, snapshot.manifest)
    names = [str(deployment.root), *snapshot.manifest.covers]
    if any("\n" in name for name in names):
        raise OpsError(f"a line end in the name {names[0]!r} or in what snapshots cover", "rename it")
    for name, lines in ((_SUMS, sums_of(snapshot.manifest)), (_ENTRIES, lines_of(snapshot.manifest))):
        write_file(snapshot.path / name, b"".join(line + b"\n" for line in lines))
    path = deployment.paths.rollback / NAME
    write_file(path, os.fsencode(script(back, clock)), _MODE)
    return path


def script(back: Return, clock: Clock) -> str:
    """The whole script."""
    template = Path(__file__).with_name(NAME).read_text(encoding="utf-8")
    head, _, rest = template.partition(_BEGIN)
    told, _, rest = rest.partition("\n")
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}{told}\n{_settings(back, clock)}{_END}{tail}"


def sums_of(manifest: Manifest) -> list[bytes]:
    """A line for each file, in the form of ``sha256sum`` (whose names, if need be, are escaped)."""
    return sorted((_sum_line(entry) for entry in manifest.files), key=lambda line: line.lstrip(b"\\")[66:])


def lines_of(manifest: Manifest) -> list[bytes]:
    """A line for each name: ``f PATH``, ``d PATH`` or ``l PATH -> TARGET``, sorted by their bytes."""
    return sorted(_line(entry) for entry in manifest.entries)


def _sum_line(entry: Entry) -> bytes:
    name = os.fsencode(entry.path)
    escaped = name.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return (b"\\" if escaped != name else b"") + entry.sha256.encode() + b"  " + escaped


def _line(entry: Entry) -> bytes:
    line = f"{entry.type[0]} {entry.path}" + (f" -> {entry.target}" if entry.type == "link" else "")
    return os.fsencode(line)


def _settings(back: Return, clock: Clock) -> str:
    deployment, snapshot = back.deployment, back.snapshot
    config = back.manifest.entry(deployment.console.paths.active_config)
    cadence = deployment.console.cadence
    old, new = deployment.old, deployment.new
    by_systemd = deployment.console.services.backend == "systemd"
    covered = trees(deployment, snapshot)
    contacts, told = people_to_tell(deployment)
    plan = _plan(back, clock)
    values: dict[str, str] = {
        "ROOT": str(deployment.root),
        "CUTOVER": back.cutover,
        "SNAPSHOT": snapshot.id,
        "OLD": old.release,
        "NEW": new.release,
        "CONFIG": deployment.console.paths.active_config,
        "TREES": "\n".join(covered),
        "STAGED": "\n".join(str(staged_path(deployment, snapshot.id, tree)) for tree in covered),
        "START_LINE": _start_line(back),
        "SEAL": sha256_of(snapshot.path / MANIFEST),
        "SUMS": sha256_of(snapshot.path / _SUMS),
        "ENTRIES": sha256_of(snapshot.path / _ENTRIES),
        "CONFIG_SUM": config.sha256 if config else "",
        "IDENTITY": back.manifest.identity,
        "OLD_SERVICE": old.service.name,
        "OLD_MARK": mark_of(deployment, old.service.name),
        "OLD_BUILD": back.plan.build_from,
        "OLD_UNIT": old.service.unit_name if by_systemd else "",
        "NEW_UNIT": new.service.unit_name if by_systemd else "",
        "NEW_SERVICE": new.service.name,
        "NEW_MARK": mark_of(deployment, new.service.name),
        "STOP_DEADLINE": str(round(cadence.stop_deadline * 100)),
        "VERIFY_HOLD": str(round(cadence.verify_hold * 100)),
        "PLAN_JSON": _json(plan),
        "STEPS_JSON": _json(
            [{"name": s.name, "title": s.title, "phase": s.phase} for s in arranged(rollback.STEPS, plan)]
        ),
        "MANIFEST_JSON": _json(_manifest(back)),
        "TELL_TEXT": told,
        "TELL_JSON": _json(contacts),
        "NOT_COVERED_JSON": _json(deployment.console.snapshot.not_covered),
        "BUILD_JSON": _json(_releases(back)),
    }
    lines = [f"{name}={shlex.quote(value)}" for name, value in values.items()]
    return "\n".join([*lines, *_functions(back, plan)]) + "\n"


def _functions(back: Return, plan: Plan) -> list[str]:
    """How the old release is started, one's own steps, and all steps in the order in which Python runs them."""
    deployment = back.deployment
    command = shlex.join(deployment.command(deployment.old.service.command, deployment.old.release)) or "/bin/false"
    own = {step.name: step for step in plan.own_steps}
    calls = []
    for step in arranged(rollback.STEPS, plan):
        call = f"    step {step.name} {shlex.quote(step.phase)} {str(step.no_return).lower()} {shlex.quote(step.title)}"
        if step.name in own:
            call += f" {_OWN}{step.name}" + ("" if own[step.name].needed else " optional")
        calls.append(call)
    lines = ["old_command() {", f'    "$@" {command}', "}"]
    for mine in plan.own_steps:
        lines += _own_function(deployment, mine)
    lines += _undo_function(deployment, plan)
    return [*lines, "all_steps() {", *calls, "}", "own_commands() {", *_own_commands(deployment, plan), "}"]


def _own_function(deployment: Deployment, step: OwnStep) -> list[str]:
    """One of one's own steps: looked for first, then its commands in turn."""
    found = " ".join(filter(None, ("own_found", step.name, f"{step.deadline:g}", _words(deployment, step.verify))))
    parts = (("precheck", step.precheck), ("do", step.do), ("verify", step.verify))
    calls = [
        f"    own {step.name} {part} {step.deadline:g} {_words(deployment, command)} || return 1"
        for part, command in parts
        if command
    ]
    return [f"{_OWN}{step.name}() {{", f"    ! {found} || return 0", *calls, "}"]


def _undo_function(deployment: Deployment, plan: Plan) -> list[str]:
    """What the cutover's own steps did is undone, backwards, where the new release has never started."""
    if not plan.undoes:
        return []
    new = deployment.new.release
    undo = [
        f"    ! own_acted {step.name} || own {step.name} undo {step.deadline:g} "
        f"{shlex.join(deployment.command(list(step.undo), new))} || return 1"
        for step in reversed(plan.undoes)
    ]
    skip = f"    [ -n \"$ABORT_ONLY\" ] || {{ KIND=skipped DETAIL='{new} has started: not undone'; return 0; }}"
    return [f"{UNDO}() {{", skip, *undo, "    DETAIL='what had acted is undone'", "}"]


def _own_commands(deployment: Deployment, plan: Plan) -> list[str]:
    lines = [
        f"    case $DONE_STEPS in *' {step.name} '*) ;; *) printf '%s\\n' "
        f"{shlex.quote(by_hand(deployment, deployment.old.release, step.do, step.verify))} ;; esac"
        for step in plan.own_steps
    ]
    return lines or ["    :"]


def _words(deployment: Deployment, command: Sequence[str]) -> str:
    return shlex.join(deployment.command(list(command), deployment.old.release)) if command else ""


def _start_line(back: Return) -> str:
    """The one command that starts the old release by hand, so that abaco-ops knows it again."""
    deployment, old = back.deployment, back.deployment.old
    if deployment.console.services.backend == "systemd":
        # its unit asks abaco-ops which release may start, and none may while a rollback is unfinished
        return shlex.join(["sudo", "sh", str(deployment.paths.rollback / NAME), "--yes"])
    output = deployment.paths.services / old.service.name / "output.log"
    command = deployment.command(old.service.command, old.release)
    environment = {MARK_VARIABLE: mark_of(deployment, old.service.name), BUILD_VARIABLE: back.plan.build_from}
    words = ["setsid", "-f", "env", *(f"{name}={value}" for name, value in environment.items()), *command]
    root = shlex.quote(str(deployment.root))
    return f"cd {root} && {shlex.join(words)} </dev/null >>{shlex.quote(str(output))} 2>&1"


def mark_of(deployment: Deployment, service: str) -> str:
    """What every process of a service carries in its environment."""
    return f"{deployment.root}|{service}"


def _plan(back: Return, clock: Clock) -> Plan:
    """The plan of the rollback, as one that Python can go on with."""
    deployment, manifest, plan = back.deployment, back.manifest, back.plan
    then = back.snapshot.path / TREE / deployment.console.paths.active_config
    now = deployment.paths.release(deployment.new.release)
    made = Plan(
        kind="rollback",
        release_from=deployment.new.release,
        release_to=deployment.old.release,
        build_from=plan.build_to,
        build_to=plan.build_from,
        config_now=plan.config_then,
        config_then=plan.config_now,
        changes=changes(_bytes(now), _bytes(then)),
        snapshot=back.snapshot.id,
        snapshot_at=manifest.taken_at,
        snapshot_files=len(manifest.files),
        snapshot_bytes=manifest.bytes,
        not_covered=tuple(deployment.console.snapshot.not_covered),
        basis="",
        made_at=clock.now().wall,
        own_steps=tuple(own for own in plan.own_steps if own.operation == "rollback"),
        undoes=tuple(own for own in plan.own_steps if own.operation == "cutover" and own.undo),
        undoes_of=back.cutover,
    )
    return msgspec.structs.replace(made, steps=planned(arranged(rollback.STEPS, made), (*made.own_steps, *made.undoes)))


def _manifest(back: Return) -> dict[str, object]:
    """What a manifest of a side snapshot says beside its number, its time and its entries."""
    known = msgspec.to_builtins(back.manifest)
    kept = ("version", "deployment", "root", "machine", "covers", "identity", "machine_id", "root_sha256")
    said = {"release": back.deployment.new.release, "build": back.plan.build_to, "probe": None}
    return {name: known[name] for name in kept} | said | {"tool": f"{NAME} of abaco-ops {__version__}"}


def _releases(back: Return) -> dict[str, object]:
    plan = back.plan
    return {
        "from": {"release": plan.release_to, "build": plan.build_to, "config": plan.config_then},
        "to": {"release": plan.release_from, "build": plan.build_from, "config": plan.config_now},
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value, order="deterministic").decode()  # as the engine's records are


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
