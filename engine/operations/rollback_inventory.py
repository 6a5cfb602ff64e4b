"""What was live when the rollback began, by hash: the list that the proof at its end has to account for."""

from __future__ import annotations

import os
from pathlib import Path

from engine.operations.configuration import hash_of, release_in
from engine.operations.displaced_config import DISPLACED_CONFIG, keep_active_config
from engine.operations.journal import list_operations
from engine.operations.recorded import Recorded, keep_runs, recorded
from engine.operations.rollback_prepare import chosen
from engine.operations.rollback_swaps import moved, undo_half_swaps
from engine.operations.service_steps import stop_surely, surely_stopped
from engine.operations.started import since_last_rollback
from engine.operations.step import Outcome
from engine.operations.work import Work
from engine.records import write_file
from engine.snapshots import Entry, entries_of, newest_first, trees
from engine.snapshots.manifest import decoded, encoded, sha256_of
from engine.snapshots.openers import who_has_open

INVENTORY = "inventory.json"
NOT_THERE = "recorded_not_there"


def take_inventory(work: Work) -> Outcome:
    """Hash everything that is live, and name whoever still has files open there."""
    if work.facts["abort_only"]:
        return Outcome("nothing is replaced", skipped=True)
    if not surely_stopped(work, work.old):
        work.warn(f"{work.old} was running beside {work.new}: {stop_surely(work, work.old).detail}")
    undo_half_swaps(work)
    odd: list[str] = []
    manifest = chosen(work).manifest
    covers = manifest.covers if manifest else ()  # what is swapped, whatever the configuration says by now
    if not _config_is_back(work):
        keep_active_config(work)
    live = entries_of(work.deployment.root, covers, work.checkpoint, remembered=work.remembered, passing=odd)
    entries = _with_replaced_config(work, live)
    write_file(work.directory / INVENTORY, encoded(entries))
    if odd:
        named = ", ".join(odd[:5])
        work.warn(f"{len(odd)} names are neither file, directory nor link: moved with their tree, not proven: {named}")
    for covered in trees(work.deployment, chosen(work)):
        for process in who_has_open(work.deployment.root / covered, but=os.getpid()):
            work.warn(f"{process} has files open in {covered}: what it still writes goes to the side snapshot")
            work.remembered.forget()  # it may have mapped them, and write unseen
    _compare_with_records(work, entries)
    files = sum(entry.type == "file" for entry in entries)
    return Outcome(f"{files} files, {sum(entry.size for entry in entries)} bytes are live")


def inventory_stands(work: Work) -> bool:
    """Whether an earlier attempt's inventory still tells what was live before anything moved.

    Until a tree has been swapped it is taken again whenever the rollback goes on: a release may have run meanwhile.
    """
    if work.facts["abort_only"]:
        return True
    return (work.directory / INVENTORY).is_file() and bool(moved(work))


def inventory(work: Work) -> tuple[Entry, ...]:
    """What :func:`take_inventory` wrote down."""
    data = (work.directory / INVENTORY).read_bytes()
    return decoded(data, tuple[Entry, ...])


def _with_replaced_config(work: Work, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """Where an earlier attempt has put the old configuration back already, the one that was live before it counts."""
    config = work.deployment.console.paths.active_config
    if not _config_is_back(work) or not (work.directory / INVENTORY).is_file():
        return entries
    before = [entry for entry in inventory(work) if entry.path == config]
    return (*before, *(entry for entry in entries if entry.path != config)) if before else entries


def _config_is_back(work: Work) -> bool:
    """Whether an earlier attempt has activated the snapshot's configuration."""
    manifest = chosen(work).manifest
    sealed = manifest.entry(work.deployment.console.paths.active_config) if manifest else None
    return sealed is not None and hash_of(work.deployment.active_config) == sealed.sha256


def _compare_with_records(work: Work, entries: tuple[Entry, ...]) -> None:
    """Name what the new release recorded as published, should have kept, and is nowhere: not lost by the rollback."""
    cutovers, since = since_last_rollback(list_operations(work.deployment.paths.operations))
    begun = [item.started for item in cutovers if item.past_no_return and item.started]
    published = recorded(work.deployment, work.new, begun[-1] if begun else since)
    if published.problem:
        work.warn(f"not every file that {work.new} published can be accounted for: {published.problem}")
    missing = _not_there(work, published, entries)
    if missing == work.facts.get(NOT_THERE, []):
        return
    work.fact(NOT_THERE, missing)
    if missing:
        named = ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        work.warn(
            f"{len(missing)} files that {work.new} recorded as published were gone already when this rollback began, "
            f"and are in no snapshot: {named}"
        )


def _not_there(work: Work, published: Recorded, entries: tuple[Entry, ...]) -> list[str]:
    live = {entry.sha256 for entry in entries}
    root = work.deployment.root
    missing = [
        output
        for output in published.due(keep_runs(_configuration_of_new(work)))
        if output.sha256 not in live and _hash(root / output.path) != output.sha256
    ]
    if not missing:
        return []
    kept = {
        entry.sha256
        for snapshot in newest_first(work.deployment)
        for entry in (snapshot.manifest.files if snapshot.manifest else ())
    }
    return sorted({output.path for output in missing if output.sha256 not in kept})


def _configuration_of_new(work: Work) -> bytes:
    """The new release's configuration: the active one while it is, else the one kept when it was replaced."""
    for path in (
        work.deployment.active_config,
        work.directory / DISPLACED_CONFIG,
        work.deployment.paths.release(work.new),
    ):
        try:
            data = path.read_bytes()
        except OSError:
            continue
        if release_in(data) == work.new:
            return data
    return b""


def _hash(path: Path) -> str:
    """Of a file that is there; empty otherwise. A path comes from a record: nothing but a file is opened."""
    try:
        return sha256_of(path) if path.is_file() else ""
    except OSError:
        return ""
