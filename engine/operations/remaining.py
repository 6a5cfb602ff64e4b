"""The exact commands that remain for a person when an operation has stopped: nothing in them deletes anything.

They lead to the old release with its configuration and its metrics, in this order: nothing runs, the configuration,
the metrics, the old release starts, the records are closed. With ``bash -e`` the first one that fails is the last:
while it is unsure whether the new release is gone, the old one is not started.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.config.own_steps import LAST_PHASE
from engine.operations.configuration import hash_of, release_in
from engine.operations.journal import list_operations
from engine.operations.model import OperationStep
from engine.operations.own_steps import UNDO, by_hand, to_undo
from engine.operations.rollback_swaps import swap_of
from engine.operations.work import JournalLost, Work
from engine.snapshots import TREE, Snapshot, read_snapshot, staged_path, swapped, trees
from engine.snapshots.exchange import inode

BY_HAND = "# or by hand, in this order, stopping at the first that fails (bash -e):"
_WHY = "--reason 'put right by hand'"


def remaining_commands(work: Work) -> list[str]:
    """What is not done yet, as shell commands; none where nothing was changed, or where a rollback has to do it."""
    return _of_rollback(work) if work.plan.kind == "rollback" else _of_cutover(work)


def _of_rollback(work: Work) -> list[str]:
    facts = work.facts
    known = facts.get("abort_only") is not None and "snapshot" in facts
    own = [step for step in work.plan.own_steps if step.operation == "rollback"]
    if not known and not own:
        return []  # it had not chosen what to restore: nothing was changed
    abort_only = bool(facts["abort_only"] if known else work.plan.abort_only)
    snapshot = _snapshot(work, facts["snapshot"] if known else work.plan.snapshot)
    if snapshot is None and not abort_only:
        return [f"{_abaco(work)} snapshots verify"]  # none can be restored: nothing to copy
    configuration = _configuration(work, snapshot, abort_only) if snapshot else []
    metrics = _metrics(work, snapshot) if snapshot and not abort_only else []
    phases = {
        1: _stop(work, old_too=bool(configuration or metrics)),
        2: configuration,
        3: metrics,
        4: [_start(work), *_undone(work)],
        5: [f"{_abaco(work)} service status {work.old}"],
    }
    commands: list[str] = []
    for phase in range(LAST_PHASE["rollback"] + 1):
        commands += _own(work, before=phase)
        commands += phases.get(phase, [])
        commands += _own(work, after=phase)
    return [*commands, *_resolve(work, also_cutovers=True)]


def _of_cutover(work: Work) -> list[str]:
    """Before the new release's first start; after it the way is a rollback."""
    if work.plan.kind != "cutover" or _past_no_return(work):
        return []
    active, planned = work.deployment.active_config, work.plan.config_now
    try:
        switched = hash_of(active) != planned and not _is_of(active, work.old)
    except OSError:
        switched = True
    if not switched and work.service(work.old).status().state == "RUNNING":
        return []
    backup = work.deployment.paths.rollback / str(work.facts.get("config_backup"))
    if not switched:
        return _around(work, [])
    return _around(work, _put_back(work, backup)) if hash_of(backup) == planned else []


def _around(work: Work, restore: list[str]) -> list[str]:
    """Of a cutover: stop what may run, then these, then start the old release, undo one's own steps, close it."""
    status = f"{_abaco(work)} service status {work.old}"
    stop = _stop(work, old_too=bool(restore))
    return [*stop, *restore, _start(work), *_own_of_cutover(work), status, *_resolve(work)]


def _stop(work: Work, *, old_too: bool) -> list[str]:
    releases = [work.new, work.old] if old_too else [work.new]
    return [f"{_abaco(work)} service stop {release}" for release in releases]


def _start(work: Work) -> str:
    return f"{_abaco(work)} service start {work.old} --force {_WHY}"


def _resolve(work: Work, *, also_cutovers: bool = False) -> list[str]:
    """Close the records: this one's, and those of cutovers that a rollback would have closed."""
    found = list_operations(work.deployment.paths.operations) if also_cutovers else []
    cutovers = [item.id for item in found if item.kind == "cutover" and item.open]
    return [f"{_abaco(work)} resolve {name} {_WHY}" for name in (work.orders.operation, *cutovers)]


def _undone(work: Work) -> list[str]:
    """What a cutover's own steps did, backwards, where the rollback has not undone it."""
    undone = [] if UNDO in work.done_steps else to_undo(work)
    return [by_hand(work.deployment, work.new, own.undo) for own in undone]


def _own_of_cutover(work: Work) -> list[str]:
    """The same for the cutover itself, which could not undo them."""
    acted = {step.name for step in _steps(work) if step.state not in ("waiting", "undone")}
    mine = [own for own in reversed(work.plan.own_steps) if own.operation == "cutover" and own.undo]
    return [by_hand(work.deployment, work.new, own.undo) for own in mine if own.name in acted]


def _own(work: Work, *, before: int | None = None, after: int | None = None) -> list[str]:
    waiting = [own for own in work.plan.own_steps if own.operation == "rollback" and own.name not in work.done_steps]
    found = [own for own in waiting if (own.before, own.after) == (before, after)]
    return [by_hand(work.deployment, work.old, own.do, own.verify) for own in found]


def _configuration(work: Work, snapshot: Snapshot, abort_only: bool) -> list[str]:
    """The snapshot's configuration; the one that it replaces is kept beside it as ``.~1~``."""
    active = work.deployment.active_config
    if abort_only and _is_of(active, work.old):
        return []
    name = work.deployment.console.paths.active_config
    entry = snapshot.manifest.entry(name) if snapshot.manifest else None
    source = snapshot.path / TREE / name
    if entry is None or not source.is_file() or hash_of(source) != entry.sha256:
        return [f"{_abaco(work)} snapshots verify"]
    try:
        return [] if hash_of(active) == entry.sha256 else _put_back(work, source)
    except OSError:
        return _put_back(work, source)


def _metrics(work: Work, snapshot: Snapshot) -> list[str]:
    """Each tree not in place: what is live is moved beside it, and the staged tree, else a copy, takes its place."""
    deployment = work.deployment
    commands: list[str] = []
    for covered in trees(deployment, snapshot):
        swap = swap_of(work, covered)
        if swap is not None and swapped(swap):
            continue
        live, staged = deployment.root / covered, staged_path(deployment, snapshot.id, covered)
        verified = "choose_snapshot" in work.done_steps if swap is None else inode(staged) == swap.staged_inode
        if live.exists():
            kept = live.with_name(f"{live.name}.of-{work.new}-{work.orders.operation}")
            commands.append(shlex.join(["mv", "-T", "--backup=numbered", str(live), str(kept)]))
        if staged.exists() and verified:
            commands.append(shlex.join(["mv", "-T", str(staged), str(live)]))
        elif (snapshot.path / TREE / covered).exists():
            commands.append(shlex.join(["cp", "-a", "-T", str(snapshot.path / TREE / covered), str(live)]))
    return commands


def _snapshot(work: Work, name: str | None) -> Snapshot | None:
    found = read_snapshot(work.deployment, work.deployment.paths.snapshots / str(name)) if name else None
    return found if found is not None and found.manifest is not None else None


def _past_no_return(work: Work) -> bool:
    try:
        return work.operation().past_no_return
    except JournalLost:
        return True


def _steps(work: Work) -> tuple[OperationStep, ...]:
    try:
        return work.operation().steps
    except JournalLost:
        return ()


def _is_of(configuration: Path, release: str) -> bool:
    return configuration.is_file() and release_in(configuration.read_bytes()) == release


def _put_back(work: Work, source: Path) -> list[str]:
    """A copy over what is active; what is there and cannot be read, or is no file, is moved away whole before."""
    active = work.deployment.active_config
    copy = shlex.join(["cp", "-p", "--backup=numbered", str(source), str(active)])
    try:
        hash_of(active)
    except OSError:
        away = active.with_name(f"{active.name}.of-{work.new}-{work.orders.operation}")
        return [shlex.join(["mv", "-T", "--backup=numbered", str(active), str(away)]), copy]
    return [copy]


def _abaco(work: Work) -> str:
    return f"abaco-ops --root {shlex.quote(str(work.deployment.root))}"
