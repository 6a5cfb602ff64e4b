"""Making a plan: read the deployment, decide nothing twice, change nothing."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock, parse_iso, pretty_duration
from engine.config import Deployment
from engine.errors import OpsError, Refused
from engine.operations import validate
from engine.operations.configuration import changes, hash_of
from engine.operations.force import verified_holder
from engine.operations.journal import facts_of, list_operations, records_of
from engine.operations.lock import held_by, holder
from engine.operations.model import HOLD_STEP, Operation
from engine.operations.order import planned
from engine.operations.own_steps import sealed
from engine.operations.places import existing
from engine.operations.plan import Evidence, Orders, OwnStep, Plan
from engine.operations.preflight import preflight
from engine.operations.rehearsed import last_rehearsal
from engine.operations.reserve import reserve_problem
from engine.operations.room import size
from engine.operations.started import new_release_started, runs_of
from engine.operations.steps import steps_of
from engine.operations.watchers import watchers, watching_in_words
from engine.records import harmless
from engine.services import open_service
from engine.services.active import ActiveRelease, active_release
from engine.services.build import build_hash
from engine.snapshots import PassedOver, Snapshot, choices, list_snapshots, passed_over, staged_path, trees
from engine.snapshots.manifest import walk
from engine.snapshots.take import TREE


def plan_cutover(deployment: Deployment, *, hold: bool = False, clock: Clock | None = None) -> Plan:
    """What a cutover would do now; ``refusals`` says why it cannot. ``hold``: it waits before phase 3 for a go."""
    now = _read(deployment.active_config)
    then = _read(deployment.paths.release(deployment.console.releases.new))
    operations = _acting(deployment)
    rests_on = _rests_on(deployment, None, operations)
    plan = Plan(
        kind="cutover",
        release_from=deployment.console.releases.old,
        release_to=deployment.console.releases.new,
        build_from=build_hash(deployment, deployment.console.releases.old),
        build_to=build_hash(deployment, deployment.console.releases.new),
        config_now=hash_of(deployment.active_config),
        config_then=hash_of(deployment.paths.release(deployment.console.releases.new)),
        changes=changes(now, then),
        not_covered=tuple(deployment.console.snapshot.not_covered),
        evidence=(*_cutover_evidence(deployment, operations), *_people(deployment, None)),
        expected_seconds=_expected(operations, "cutover"),
        basis=_hashed(rests_on),
        rests_on=rests_on,
        made_at=(clock or SystemClock()).now().wall,
        config_kept=hash_of(deployment.paths.release(deployment.console.releases.old)),
        own_steps=sealed(deployment.console),
        lock_holder=held_by(deployment),
    )
    return arranged(plan, hold=hold)


def arranged(plan: Plan, *, hold: bool = False) -> Plan:
    """The plan with its steps in their order, with or without a hold."""
    plan = msgspec.structs.replace(plan, hold=hold)
    return msgspec.structs.replace(plan, steps=planned(steps_of(plan), (*plan.own_steps, *plan.undoes)))


def plan_rollback(
    deployment: Deployment, snapshot: str | None = None, *, clock: Clock | None = None, force: bool = False
) -> Plan:
    """What a rollback would do now, to the newest sealed snapshot or to the one named. Refused for an unknown one.

    With ``force`` a rollback that runs is gone on with, its worker ended first. LockHeld when that is not certain.
    """
    operations = _acting(deployment)
    running = next((item for item in operations if item.running), None)
    unfinished = next((item for item in operations if item.kind == "rollback" and item.open), None)
    if force and running is not None and running.kind == "rollback":
        running, unfinished = None, running
    started = new_release_started(deployment, operations)
    chosen = _chosen(deployment, snapshot)
    old, new = deployment.console.releases.old, deployment.console.releases.new
    held = held_by(deployment)
    if force and held:
        verified_holder(deployment)  # the worker looks again, and ends it
        held = ""
    takes_over = running.id if running is not None and running.kind == "cutover" else None
    now, then = _read(deployment.active_config), _old_config(deployment, chosen)
    rests_on = _rests_on(deployment, chosen, operations)
    aside = _written_since(deployment, chosen) if started else (0, 0, 0)
    closes = tuple(item.id for item in operations if item.kind == "cutover" and (item.open or item.running))
    plan = Plan(
        kind="rollback",
        release_from=new,
        release_to=old,
        build_from=_build(deployment, new),
        build_to=_build(deployment, old),
        config_now=hash_of(deployment.active_config),
        config_then=hashlib.sha256(then).hexdigest() if then else "",
        changes=changes(now, then) if then else (),
        snapshot=chosen.id if chosen else None,
        snapshot_at=chosen.manifest.taken_at if chosen and chosen.manifest else None,
        snapshot_files=len(chosen.manifest.files) if chosen and chosen.manifest else 0,
        snapshot_bytes=chosen.manifest.bytes if chosen and chosen.manifest else 0,
        sets_aside_runs=aside[0],
        sets_aside_files=aside[1],
        sets_aside_bytes=aside[2],
        not_covered=tuple(deployment.console.snapshot.not_covered),
        evidence=(
            *_rollback_evidence(deployment, operations, chosen, started),
            *_people(deployment, takes_over, force=force),
        ),
        expected_seconds=_expected(operations, "rollback"),
        basis=_hashed(rests_on),
        rests_on=rests_on,
        made_at=(clock or SystemClock()).now().wall,
        abort_only=not started,
        takes_over=takes_over,
        resumes=unfinished.id if unfinished and running is None else None,
        closes=closes,
        own_steps=tuple(own for own in sealed(deployment.console) if own.operation == "rollback"),
        undoes=_undoes(deployment, closes[-1]) if closes else (),
        undoes_of=closes[-1] if closes else "",
        lock_holder=held if takes_over is None else "",
    )
    return arranged(plan)


def plan_validation(deployment: Deployment, *, clock: Clock | None = None) -> Plan:
    """A validation needs no sheet: it changes nothing and takes no lock."""
    release = active_release(deployment).name or ""
    return Plan(
        kind="validate",
        release_from=release,
        release_to=release,
        build_from="",
        build_to="",
        config_now=hash_of(deployment.active_config),
        config_then="",
        steps=validate.PLANNED,
        basis="",
        made_at=(clock or SystemClock()).now().wall,
    )


def changed_since(deployment: Deployment, plan: Plan, this: str) -> list[str]:
    """What has changed of what the plan rests on, for a plan that became the operation ``this``; nothing when none."""
    try:
        chosen = _chosen(deployment, plan.snapshot) if plan.snapshot else None
    except Refused as error:
        return [error.what]
    now = _rests_on(deployment, chosen, [item for item in _acting(deployment) if item.id < this])
    if _hashed(now) == plan.basis:
        return []
    named = [what for what in now if now[what] != plan.rests_on.get(what, now[what])]
    return named or ["what it was made from"]


def _rests_on(deployment: Deployment, snapshot: Snapshot | None, operations: list[Operation]) -> dict[str, str]:
    """What a plan is made from: active and staged configurations, the snapshot's manifest, the last operation."""
    releases = deployment.console.releases
    last = operations[-1] if operations else None
    return {
        "the active configuration": hash_of(deployment.active_config),
        f"the staged configuration of {releases.old}": hash_of(deployment.paths.release(releases.old)),
        f"the staged configuration of {releases.new}": hash_of(deployment.paths.release(releases.new)),
        "the snapshot": hash_of(snapshot.path / "manifest.json") if snapshot else "",
        "the last operation": f"{last.id} {last.state} {last.past_no_return}" if last else "",
    }


def _hashed(rests_on: dict[str, str]) -> str:
    return hashlib.sha256("\n".join(rests_on.values()).encode()).hexdigest()


def _people(deployment: Deployment, takes_over: str | None, *, force: bool = False) -> list[Evidence]:
    """Who operates and who watches: nobody meets another by surprise."""
    watching = watching_in_words(watchers(deployment))
    found = [Evidence("--", "watching", watching)] if watching else []
    held = holder(deployment)
    if held is None:
        return [Evidence("ok", "nobody operates", watching or "no other console is open")]
    told = held.told(SystemClock().now().wall)
    if force:
        return [Evidence("--", "force", f"ends the worker of {told}"), *found]
    return [Evidence("--" if takes_over else "no", "operates", told), *found]


def _acting(deployment: Deployment) -> list[Operation]:
    """Cutovers and rollbacks that were accepted, oldest first; validations and refusals change nothing."""
    found = list_operations(deployment.paths.operations)
    return [item for item in found if item.kind != "validate" and item.started is not None]


def _undoes(deployment: Deployment, cutover: str) -> tuple[OwnStep, ...]:
    """The own steps of a cutover that can be undone; none where its plan cannot be read: the way back stays open."""
    try:
        data = (deployment.paths.operation(cutover) / "plan.json").read_bytes()
        plan = msgspec.json.decode(data, type=Orders).plan
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return ()
    return tuple(own for own in plan.own_steps if own.operation == "cutover" and own.undo)


def _cutover_evidence(deployment: Deployment, operations: list[Operation]) -> list[Evidence]:
    old, new = deployment.console.releases.old, deployment.console.releases.new
    active = active_release(deployment)
    status = open_service(deployment, new).status()
    found = [_old_is_live(old, active)]
    if status.state in ("STOPPED", "FAILED"):
        found.append(Evidence("ok", "new", f"{new} is stopped"))
    elif active.name != new:  # else it was just said
        found.append(Evidence("no", "new", f"{new} is {status.state} already"))
    for item in operations:
        if item.open:
            text = f"{item.id} stopped half-way: roll back, resume or resolve it first"
            found.append(Evidence("no", "unfinished", text))
    found.append(_tape(deployment))
    found.append(_validated(deployment))
    found.append(_rehearsed(deployment))
    return [*found, *_space(deployment)]


def _old_is_live(old: str, active: ActiveRelease) -> Evidence:
    if active.name == old:
        return Evidence("ok", "live", f"{old} is live")
    why = f"{active.name} is live already" if active.name else f"{old} is not live: {active.reason}"
    return Evidence("no", "live", why)


def _rollback_evidence(
    deployment: Deployment, operations: list[Operation], chosen: Snapshot | None, started: bool
) -> list[Evidence]:
    old = deployment.console.releases.old
    found: list[Evidence] = []
    unfinished = [item for item in operations if item.open or item.running]
    if active_release(deployment).name == old and not started and not unfinished:
        found.append(Evidence("no", "live", f"{old} is live and nothing is unfinished: nothing to roll back"))
    passed = _passed_over(deployment, chosen, unfinished) if started else []
    if chosen is None and started:
        why = "".join(f"; {item.id}: {item.reason}" for item in passed)
        found.append(Evidence("no", "snapshot", f"there is no sealed snapshot to go back to{why}"))
    elif chosen is not None and chosen.manifest is not None:
        files = len(chosen.manifest.files)
        found.append(Evidence("ok", "snapshot", f"{chosen.id} sealed, {files} files; every hash is checked first"))
        found.extend(Evidence("--", "refused", f"{item}. {chosen.id} is restored instead") for item in passed)
        found.append(_staged(deployment, chosen))
    found.extend(Evidence("--", "takes over", f"{item.id} is {item.state} and ends first") for item in unfinished)
    if not started:
        found.append(Evidence("--", "metrics", f"{deployment.console.releases.new} never started: metrics stay"))
    return [*found, _space_to_go_back(deployment)]


def _passed_over(deployment: Deployment, chosen: Snapshot | None, unfinished: list[Operation]) -> list[PassedOver]:
    """Newer snapshots that cannot be restored; what an unfinished rollback is setting aside is none of them."""
    aside = set()
    for item in unfinished:
        with contextlib.suppress(OSError, OpsError):  # a damaged journal must not stop the way back
            aside.add(str(facts_of(records_of(deployment.paths.operation(item.id))).get("side")))
    return passed_over(deployment, deployment.console.releases.old, chosen, but=frozenset(aside))


def _tape(deployment: Deployment) -> Evidence:
    if deployment.tape.exists():
        return Evidence("ok", "tape", f"{deployment.console.paths.tape} is there")
    return Evidence("no", "tape", f"the tape {deployment.console.paths.tape} is missing")


def _validated(deployment: Deployment) -> Evidence:
    """The newest validation report, with its age: evidence for a person, no condition."""
    path = deployment.paths.validation_report
    try:
        report = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        age = SystemClock().now().wall.timestamp() - path.stat().st_mtime
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return Evidence("--", "validation", "no validation report")
    status = str(report.get("status"))
    text = f"{status} of {report.get('release')}, {pretty_duration(age)} ago"
    return Evidence("ok" if status == "PASS" else "--", "validation", text)


def _rehearsed(deployment: Deployment) -> Evidence:
    """The newest rehearsal of the way back, with its age; one of another build proves nothing about this one."""
    found = last_rehearsal(deployment)
    if found is None:
        return Evidence("--", "rehearsal", "the rollback was never rehearsed: abaco-ops rehearse")
    age = pretty_duration(SystemClock().now().wall.timestamp() - found.at.timestamp())
    if not found.ok:
        return Evidence("--", "rehearsal", f"rehearsed {age} ago, NOT READY: {found.reason}")
    if found.build != _build(deployment, deployment.console.releases.old):
        return Evidence("--", "rehearsal", f"rehearsed {age} ago, with build {found.build[:6]}: not the one of now")
    return Evidence("ok", "rehearsal", f"rollback rehearsed {age} ago, {found.seconds:.1f} s")


def _space(deployment: Deployment) -> list[Evidence]:
    """Room and places for a cutover, only looked at. A place is refused by the worker, who may be another user."""
    try:
        found = preflight(deployment, probing=False)
    except (OSError, OpsError) as error:
        return [Evidence("--", "disk", harmless(f"cannot be measured: {error}"))]
    disk = Evidence("no", "disk", "; ".join(found.lacking)) if found.lacking else Evidence("ok", "disk", found.room)
    return [disk, *(Evidence("--", "places", harmless(problem)) for problem in found.refused[:2])]


def _space_to_go_back(deployment: Deployment) -> Evidence:
    """A rollback is never refused for want of room: its records have some kept back, and the staged tree is there."""
    free = shutil.disk_usage(existing(deployment.paths.rollback)).free
    missing = reserve_problem(deployment)
    return Evidence("--" if missing else "ok", "disk", f"{size(free)} free" + (f"; {missing}" if missing else ""))


def _staged(deployment: Deployment, chosen: Snapshot) -> Evidence:
    missing = [
        covered
        for covered in trees(deployment, chosen)
        if chosen.manifest
        and chosen.manifest.below(covered)
        and not staged_path(deployment, chosen.id, covered).exists()
    ]
    if missing:
        return Evidence("--", "staged", f"{', '.join(missing)} is not staged: it is copied first")
    return Evidence("ok", "staged", "ready to be swapped in, same file system")


def _chosen(deployment: Deployment, name: str | None) -> Snapshot | None:
    if name is None:
        found = choices(deployment, deployment.console.releases.old)
        return found[0] if found else None
    for snapshot in list_snapshots(deployment):
        if snapshot.id == name:
            if snapshot.problem or not snapshot.restorable:
                why = snapshot.problem or "it holds what a rollback set aside"
                raise Refused(f"snapshot {name} cannot be restored: {why}", "abaco-ops snapshots")
            return snapshot
    raise Refused(f"there is no snapshot {name}", "abaco-ops snapshots")


def _old_config(deployment: Deployment, chosen: Snapshot | None) -> bytes:
    return _read(chosen.path / TREE / deployment.console.paths.active_config) if chosen else b""


def _written_since(deployment: Deployment, chosen: Snapshot | None) -> tuple[int, int, int]:
    """Runs, files and bytes of the new release since the snapshot: what will be set aside."""
    if chosen is None or chosen.manifest is None:
        return 0, 0, 0
    known = {entry.path for entry in chosen.manifest.entries}
    new = [
        status.st_size
        for covered in trees(deployment, chosen)
        for path, status in walk(deployment.root, covered)
        if path not in known
    ]
    release, since = deployment.console.releases.new, chosen.manifest.taken_at.timestamp()
    runs = [record for record in (runs_of(deployment) or []) if record.get("release") == release]
    return sum(1 for run in runs if _began(run) > since), len(new), sum(new)


def _began(run: dict[str, object]) -> float:
    try:
        return parse_iso(str(run.get("started"))).timestamp()
    except ValueError:
        return 0.0


def _build(deployment: Deployment, release: str) -> str:
    """The build, or nothing where its files cannot be read: no reason to refuse a way back."""
    try:
        return build_hash(deployment, release)
    except Refused:
        return ""


def _expected(operations: list[Operation], kind: str) -> float | None:
    done = [item for item in operations if item.kind == kind and item.state == "SUCCEEDED" and item.seconds]
    if not done:
        return None
    held = sum(step.seconds or 0.0 for step in done[-1].steps if step.name == HOLD_STEP)
    return max((done[-1].seconds or 0.0) - held, 0.0)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
