"""The middle of a rollback: configuration, metrics, and what the new release wrote set aside."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

from engine.operations.configuration import hash_of, release_in
from engine.operations.displaced_config import DISPLACED_CONFIG, keep_what_came_out, replace_active_config
from engine.operations.rollback_prepare import chosen, origin_aside
from engine.operations.rollback_swaps import known_swap, live_problem, moved, swap_of, write_down
from engine.operations.room import size
from engine.operations.service_steps import identity_fact, stop_surely, surely_stopped
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.records import make_directory
from engine.records.counted import counted
from engine.snapshots import (
    COMPLETE,
    TREE,
    Manifest,
    Snapshot,
    displaced,
    give_back_owners,
    move_tree,
    new_snapshot,
    plan_swap,
    seal_displaced,
    staged_path,
    swap_in,
    swapped,
    take_back,
    trees,
)
from engine.snapshots.copying import copy_file


def restore_config(work: Work) -> Outcome:
    """The snapshot's configuration, byte for byte; what was active is kept beside the journal first."""
    if config_is_old(work):
        return Outcome("the old configuration is active already")
    _nothing_runs(work)
    active = work.deployment.active_config
    displaced_hash = replace_active_config(work, _old_config(work))
    return Outcome(f"{displaced_hash[:6] or 'nothing'} -> {hash_of(active)[:6]}")


def config_is_old(work: Work) -> bool:
    """Whether the snapshot's configuration is active; without a swap of metrics, one of the old release is enough."""
    active = work.deployment.active_config
    if work.facts["abort_only"] and active.exists() and release_in(active.read_bytes()) == work.old:
        return True
    return work.facts["snapshot"] is not None and hash_of(active) == _sealed_hash(work)


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
        if covered not in moved(work):
            _plan(work, snapshot, covered)
        swap = known_swap(work, covered)
        began = time.monotonic()
        done = swap_in(swap)
        how.append(f"{covered}: {done} in {(time.monotonic() - began) * 1000:.2f} ms")
        if kept := _owners_left(work, snapshot, covered):
            how.append(kept)
    return Outcome("; ".join(how))


def _owners_left(work: Work, snapshot: Snapshot, covered: str) -> str:
    """Whose files could not be given back, in words: told, and no reason to stop the way back."""
    try:
        return give_back_owners(work.deployment.root, snapshot.manifest.below(covered) if snapshot.manifest else ())
    except OSError as error:
        return f"owners not given back: {error}"


def metrics_in_place(work: Work) -> bool:
    """Whether every staged tree is the live one, and still is what the snapshot holds."""
    return not _not_in_place(work)


def metrics_must_be_in_place(work: Work) -> None:
    """StepFailed unless they are, with the reason."""
    problem = _not_in_place(work)
    if problem:
        raise StepFailed(f"the metrics of the snapshot are not in place: {problem}", "delete nothing; compare the two")


def set_aside(work: Work) -> Outcome:
    """Move what was displaced into a numbered side snapshot, and seal it. Nothing of it is deleted."""
    if work.facts["abort_only"]:
        return Outcome(f"nothing was displaced: {work.new} never started", skipped=True)
    if "side" not in work.facts:
        work.fact("side", new_snapshot(work.deployment).name)
    directory = side_directory(work)
    for covered in trees(work.deployment, chosen(work)):
        place = displaced(known_swap(work, covered))
        if place is not None:
            move_tree(place, directory / TREE / covered)
    keep_what_came_out(work, _old_config(work))
    kept = work.directory / DISPLACED_CONFIG
    target = directory / TREE / work.deployment.console.paths.active_config
    if kept.exists() and not target.exists():
        make_directory(target.parent)
        copy_file(kept, target)
    restored = chosen(work).manifest
    covers = restored.covers if restored else None
    manifest = seal_displaced(work.deployment, directory, origin_aside(work), work.checkpoint, work.remembered, covers)
    return Outcome(f"side snapshot {directory.name}: {_what_is_aside(work, manifest, restored)}")


def _what_is_aside(work: Work, aside: Manifest, restored: Manifest | None) -> str:
    """What the new release added since the snapshot, as the plan counts it, and what stands there besides."""
    known = {entry.path for entry in restored.entries} if restored else set()
    new = [entry.size for entry in aside.files if entry.path not in known]
    rest = [entry.size for entry in aside.files if entry.path in known]
    own = f"{counted(len(new), 'file')} of {work.new}'s own, {size(sum(new))}"
    if not rest:
        return own
    return f"{own}; besides {counted(len(rest), 'file')}, {size(sum(rest))}, that snapshot {chosen(work).id} has too"


def is_set_aside(work: Work) -> bool:
    """Whether the side snapshot is sealed."""
    if work.facts["abort_only"]:
        return True
    return "side" in work.facts and (side_directory(work) / COMPLETE).is_file()


def side_directory(work: Work) -> Path:
    """The side snapshot's directory."""
    return work.deployment.paths.snapshots / str(work.facts["side"])


def _plan(work: Work, snapshot: Snapshot, covered: str) -> None:
    """Write down who is who; what an earlier attempt wrote down counts only while it is still so."""
    known = swap_of(work, covered)
    if known is not None and not swapped(known):
        take_back(known)
    staged = staged_path(work.deployment, snapshot.id, covered)
    swap = plan_swap(work.deployment.root / covered, staged)
    if swap.staged_inode is None and snapshot.manifest and snapshot.manifest.below(covered):
        raise StepFailed(f"{staged} is not there", "it was verified a moment ago: find who removed it")
    if swap != known:
        write_down(work, covered, swap)


def _not_in_place(work: Work) -> str:
    """Why the metrics are not the snapshot's.

    Once the old release may have run, only who is who can be told here: it publishes, and removes what it keeps no
    longer. The proof at the end accounts for every file then.
    """
    if work.facts["abort_only"]:
        return ""
    snapshot = chosen(work)
    ran = _old_may_have_run(work)
    for covered in trees(work.deployment, snapshot):
        swap = swap_of(work, covered)
        if swap is None or not swapped(swap):
            return f"{covered} is not the staged tree"
        problem = "" if ran or snapshot.manifest is None else live_problem(work, snapshot.manifest, covered)
        if problem:
            return f"live: {problem}"
    return ""


def _old_may_have_run(work: Work) -> bool:
    return identity_fact(work, work.old) is not None or work.service(work.old).status().state != "STOPPED"


def _old_config(work: Work) -> bytes:
    """The snapshot's configuration, if it still is the one that was sealed: nothing else is ever activated."""
    path = chosen(work).path / TREE / work.deployment.console.paths.active_config
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != _sealed_hash(work):
        raise StepFailed(f"{path} is not the configuration that was sealed", "nothing was activated; delete nothing")
    return data


def _sealed_hash(work: Work) -> str:
    """The configuration's hash in the manifest."""
    snapshot = chosen(work)
    entry = snapshot.manifest.entry(work.deployment.console.paths.active_config) if snapshot.manifest else None
    if entry is None or not entry.sha256:
        raise StepFailed(f"snapshot {snapshot.id} holds no configuration", "choose another: abaco-ops snapshots")
    return entry.sha256


def _nothing_runs(work: Work) -> None:
    if not surely_stopped(work, work.new):
        raise StepFailed(f"{work.new} runs", "configuration and metrics are changed only while nothing runs")
    if not surely_stopped(work, work.old):  # someone started it by hand, on what is not restored yet
        work.warn(f"{work.old} was started meanwhile: {stop_surely(work, work.old).detail}")
