"""The middle of a rollback: configuration, metrics, and what the new release wrote set aside."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.operations.configuration import activate, hash_of, release_in
from engine.operations.rollback_prepare import chosen, origin_aside
from engine.operations.service_steps import surely_stopped
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.records import make_directory, write_file
from engine.snapshots import (
    COMPLETE,
    TREE,
    Swap,
    displaced,
    move_tree,
    new_snapshot,
    plan_swap,
    seal_displaced,
    staged_path,
    swap_in,
    swapped,
    trees,
)
from engine.snapshots.copying import copy_file

_DISPLACED_CONFIG = "config_displaced.yml"


def restore_config(work: Work) -> Outcome:
    """The snapshot's configuration, byte for byte; what was active is kept beside the journal first."""
    if config_is_old(work):
        return Outcome("the old configuration is active already")
    _nothing_runs(work)
    active = work.deployment.active_config
    kept = work.directory / _DISPLACED_CONFIG
    if active.exists() and not kept.exists():
        write_file(kept, active.read_bytes())
    activate(active, _old_config(work))
    return Outcome(f"{hash_of(kept)[:6] or 'nothing'} -> {hash_of(active)[:6]}")


def config_is_old(work: Work) -> bool:
    """Whether the snapshot's configuration is active; without a swap of metrics, one of the old release is enough."""
    active = work.deployment.active_config
    if work.facts["abort_only"] and active.exists() and release_in(active.read_bytes()) == work.old:
        return True
    return active.exists() and work.facts["snapshot"] is not None and active.read_bytes() == _old_config(work)


def config_must_be_old(work: Work) -> None:
    """StepFailed unless it is."""
    if not config_is_old(work):
        raise StepFailed("the active configuration is not the snapshot's", "someone wrote to it meanwhile")


def restore_metrics(work: Work) -> Outcome:
    """Swap each staged tree in; who is who is journaled before anything moves."""
    if work.facts["abort_only"]:
        return Outcome(f"not touched: {work.new} never started", skipped=True)
    _nothing_runs(work)
    snapshot = chosen(work)
    how = []
    for covered in trees(work.deployment, snapshot):
        if _swap(work, covered) is None:
            staged = staged_path(work.deployment, snapshot.id, covered)
            swap = plan_swap(work.deployment.root / covered, staged)
            if swap.staged_inode is None and snapshot.manifest and snapshot.manifest.below(covered):
                raise StepFailed(f"{staged} is not there", "it was verified a moment ago: find who removed it")
            work.fact(f"swap:{covered}", msgspec.to_builtins(swap))
        swap = _known_swap(work, covered)
        how.append(f"{covered}: {swap_in(swap)}")
    return Outcome("; ".join(how))


def metrics_in_place(work: Work) -> bool:
    """Whether every staged tree is the live one."""
    if work.facts["abort_only"]:
        return True
    swaps = [_swap(work, covered) for covered in trees(work.deployment, chosen(work))]
    return all(swap is not None and swapped(swap) for swap in swaps)


def metrics_must_be_in_place(work: Work) -> None:
    """StepFailed unless they are."""
    if not metrics_in_place(work):
        raise StepFailed("the metrics of the snapshot are not in place", "nothing was deleted: see the staged trees")


def set_aside(work: Work) -> Outcome:
    """Move what was displaced into a numbered side snapshot, and seal it. Nothing of it is deleted."""
    if work.facts["abort_only"]:
        return Outcome(f"nothing was displaced: {work.new} never started", skipped=True)
    if "side" not in work.facts:
        work.fact("side", new_snapshot(work.deployment).name)
    directory = side_directory(work)
    for covered in trees(work.deployment, chosen(work)):
        place = displaced(_known_swap(work, covered))
        if place is not None:
            move_tree(place, directory / TREE / covered)
    kept = work.directory / _DISPLACED_CONFIG
    target = directory / TREE / work.deployment.console.paths.active_config
    if kept.exists() and not target.exists():
        make_directory(target.parent)
        copy_file(kept, target)
    manifest = seal_displaced(work.deployment, directory, origin_aside(work), work.checkpoint)
    return Outcome(f"side snapshot {directory.name}: {len(manifest.files)} files, {manifest.bytes} bytes")


def is_set_aside(work: Work) -> bool:
    """Whether the side snapshot is sealed."""
    if work.facts["abort_only"]:
        return True
    return "side" in work.facts and (side_directory(work) / COMPLETE).is_file()


def side_directory(work: Work) -> Path:
    """The side snapshot's directory."""
    return work.deployment.paths.snapshots / str(work.facts["side"])


def _swap(work: Work, covered: str) -> Swap | None:
    known = work.facts.get(f"swap:{covered}")
    return msgspec.convert(known, Swap) if known else None


def _known_swap(work: Work, covered: str) -> Swap:
    swap = _swap(work, covered)
    if swap is None:
        raise StepFailed(f"the swap of {covered} was never journaled", "nothing was moved")
    return swap


def _old_config(work: Work) -> bytes:
    return (chosen(work).path / TREE / work.deployment.console.paths.active_config).read_bytes()


def _nothing_runs(work: Work) -> None:
    for release in (work.new, work.old):
        if not surely_stopped(work, release):
            raise StepFailed(f"{release} runs", "configuration and metrics are changed only while nothing runs")
