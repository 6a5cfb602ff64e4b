"""The exact commands that remain for a person when an operation has stopped: nothing in them deletes anything.

They lead to the old release with its configuration and its metrics, in this order: nothing runs, the configuration,
the metrics, the old release starts, the records are closed. With ``bash -e`` the first one that fails is the last:
while it is unsure whether the new release is gone, the old one is not started.
"""

from __future__ import annotations

import shlex
from pathlib import Path

from engine.operations.configuration import hash_of, release_in
from engine.operations.journal import list_operations
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
    if facts.get("abort_only") is None or "snapshot" not in facts:
        return []  # it had not chosen what to restore: nothing was changed
    snapshot = _snapshot(work)
    if snapshot is None and not facts["abort_only"]:
        return [f"{_abaco(work)} snapshots verify"]  # none can be restored: nothing to copy
    restore: list[str] = []
    if snapshot is not None:
        restore += _configuration(work, snapshot)
        restore += [] if facts["abort_only"] else _metrics(work, snapshot)
    open_too = [item.id for item in list_operations(work.deployment.paths.operations) if item.kind == "cutover"]
    return _around(work, restore, open_too)


def _of_cutover(work: Work) -> list[str]:
    """Before the new release's first start; after it the way is a rollback."""
    if work.plan.kind != "cutover" or _past_no_return(work):
        return []
    active, planned = work.deployment.active_config, work.plan.config_now
    switched = hash_of(active) != planned and not _is_of(active, work.old)
    if not switched and work.service(work.old).status().state == "RUNNING":
        return []
    backup = work.deployment.paths.rollback / str(work.facts.get("config_backup"))
    if not switched:
        return _around(work, [], [])
    return _around(work, [_copy(backup, active)], []) if hash_of(backup) == planned else []


def _around(work: Work, restore: list[str], others: list[str]) -> list[str]:
    """Stop what may run, then these, then start the old release and close the records."""
    here = _abaco(work)
    still_open = [
        item.id for item in list_operations(work.deployment.paths.operations) if item.id in others and item.open
    ]
    return [
        f"{here} service stop {work.new}",
        *([f"{here} service stop {work.old}"] if restore else []),
        *restore,
        f"{here} service start {work.old} --force {_WHY}",
        f"{here} service status {work.old}",
        *(f"{here} resolve {name} {_WHY}" for name in (work.orders.operation, *still_open)),
    ]


def _configuration(work: Work, snapshot: Snapshot) -> list[str]:
    """The snapshot's configuration; the one that it replaces is kept beside it as ``.~1~``."""
    active = work.deployment.active_config
    if work.facts["abort_only"] and _is_of(active, work.old):
        return []
    name = work.deployment.console.paths.active_config
    entry = snapshot.manifest.entry(name) if snapshot.manifest else None
    source = snapshot.path / TREE / name
    if entry is None or hash_of(source) != entry.sha256:
        return [f"{_abaco(work)} snapshots verify"]
    return [] if hash_of(active) == entry.sha256 else [_copy(source, active)]


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


def _snapshot(work: Work) -> Snapshot | None:
    name = work.facts.get("snapshot")
    found = read_snapshot(work.deployment, work.deployment.paths.snapshots / str(name)) if name else None
    return found if found is not None and found.manifest is not None else None


def _past_no_return(work: Work) -> bool:
    try:
        return work.operation().past_no_return
    except JournalLost:
        return True


def _is_of(configuration: Path, release: str) -> bool:
    return configuration.is_file() and release_in(configuration.read_bytes()) == release


def _copy(source: Path, target: Path) -> str:
    return shlex.join(["cp", "-p", "--backup=numbered", str(source), str(target)])


def _abaco(work: Work) -> str:
    return f"abaco-ops --root {shlex.quote(str(work.deployment.root))}"
