"""The beginning of a rollback: what to restore, the new release stopped for sure, what is live written down."""

from __future__ import annotations

import msgspec

from engine.errors import OpsError
from engine.operations.configuration import must_be_readable
from engine.operations.journal import list_operations
from engine.operations.rollback_swaps import moved
from engine.operations.service_steps import stop_surely, surely_stopped
from engine.operations.started import new_release_started
from engine.operations.step import Outcome, StepFailed
from engine.operations.work import Work
from engine.services.build import build_hash
from engine.snapshots import (
    Origin,
    PassedOver,
    Snapshot,
    choices,
    let_read,
    passed_over,
    read_snapshot,
    stage,
    staged_problem,
    unread,
    verify_snapshot,
)
from engine.snapshots.catalogue import UNREADABLE


def choose_snapshot(work: Work) -> Outcome:
    """Take the planned snapshot, or the next verified one, and have its tree staged and verified; the account must be
    allowed to start the old release, or nothing would be live afterwards.
    """
    if refused := work.service(work.old).refusal():
        raise StepFailed(f"{work.old} could not be started: {refused}", "nothing was stopped")
    must_be_readable(work.deployment.active_config)
    if work.facts.get("abort_only") is not False:  # once it has started, that stays so
        work.fact("abort_only", not _new_has_started(work))
    if work.facts["abort_only"]:
        found = (snapshot for snapshot in choices(work.deployment, work.old) if not verify_snapshot(snapshot))
        good = next(found, None)
        work.fact("snapshot", good.id if good else None)
        return Outcome(f"{work.new} has not started since: the metrics are not touched")
    already = moved(work)
    snapshot = chosen(work) if already else _first_good(work)
    work.fact("snapshot", snapshot.id)
    problem = staged_problem(work.deployment, snapshot, work.checkpoint, but=already, remembered=work.remembered)
    if problem:
        work.warn(f"{problem}; staged now")
        for kept in stage(work.deployment, snapshot, origin_aside(work), work.checkpoint, but=already):
            work.warn(f"something else stood where the tree is staged: kept as snapshot {kept}")
    manifest = snapshot.manifest
    size = f"{len(manifest.files)} files, {manifest.bytes} bytes" if manifest else ""
    return Outcome(f"snapshot {snapshot.id}: {size}, every hash verified, staged")


def snapshot_ready(work: Work) -> bool:
    """Whether an earlier attempt's choice still stands: hashed again, as long as anything is left to be swapped in."""
    if work.facts.get("abort_only") is None or "snapshot" not in work.facts:
        return False
    if work.facts["abort_only"]:
        return not _new_has_started(work)
    already = moved(work)
    if already:
        snapshot = chosen(work)
    else:
        snapshot = _read(work)
        if verify_snapshot(snapshot, work.checkpoint):
            return False
    return not staged_problem(work.deployment, snapshot, work.checkpoint, but=already, remembered=work.remembered)


def stop_new(work: Work) -> Outcome:
    """Stop it and be sure; while that is unsure nothing else happens."""
    return Outcome(stop_surely(work, work.new).detail)


def new_stopped(work: Work) -> bool:
    """Whether nothing of the new release runs."""
    return surely_stopped(work, work.new)


def chosen(work: Work) -> Snapshot:
    """The snapshot that this rollback restores. StepFailed when it cannot be read any more."""
    snapshot = _read(work)
    if snapshot.manifest is None:
        raise StepFailed(f"snapshot {snapshot.id} cannot be used any more: {snapshot.problem}", "delete nothing")
    return snapshot


def _read(work: Work) -> Snapshot:
    return read_snapshot(work.deployment, work.deployment.paths.snapshots / str(work.facts["snapshot"]))


def origin_aside(work: Work) -> Origin:
    """Where a side snapshot comes from: the new release, displaced by this operation."""
    try:
        build = build_hash(work.deployment, work.new)
    except (OSError, OpsError) as error:  # a broken installation of the new release must not stop the way back
        work.warn(f"the build of {work.new} cannot be read: {error}")
        build = ""
    return Origin("side", work.orders.operation, work.new, build, work.clock.now().wall)


def _new_has_started(work: Work) -> bool:
    return new_release_started(work.deployment, list_operations(work.deployment.paths.operations))


def _first_good(work: Work) -> Snapshot:
    """The planned one, or the newest whose every hash is right; what is passed over for it is said and kept."""
    found = list(choices(work.deployment, work.old))
    planned = work.plan.snapshot
    if planned is not None and work.plan.takes_over is None:
        found = [item for item in found if item.id == planned] + [item for item in found if item.id != planned]
        if not any(item.id == planned for item in found):
            work.warn(f"the planned snapshot {planned} cannot be restored any more")
    damaged: dict[str, str] = {}
    for snapshot in found:
        problem = verify_snapshot(snapshot, work.checkpoint)
        if not problem:
            if snapshot.id != planned or work.plan.takes_over is not None:
                _stop_at_unread(work, snapshot, damaged)
            _say_what_is_passed_over(work, snapshot, damaged)
            return snapshot
        if problem.startswith(UNREADABLE):  # it may be whole: an older one would leave out what only it holds
            raise StepFailed(f"snapshot {snapshot.id} {problem}", let_read(work.deployment, snapshot.id))
        damaged[snapshot.id] = problem
        work.warn(f"snapshot {snapshot.id} is damaged: {problem}; taking the next one")
    _stop_at_unread(work, None, damaged)
    work.fact("snapshot", None)  # nobody is to be told to copy from one that was chosen before and is damaged now
    raise StepFailed("no snapshot can be restored", "nothing was changed; see abaco-ops snapshots verify")


def _passed_over(work: Work, snapshot: Snapshot | None, damaged: dict[str, str]) -> list[PassedOver]:
    return passed_over(work.deployment, work.old, snapshot, damaged, frozenset({str(work.facts.get("side"))}))


def _stop_at_unread(work: Work, snapshot: Snapshot | None, damaged: dict[str, str]) -> None:
    """What the worker's account cannot read whoever planned it may have read: an older one is not taken for it."""
    newer = unread(_passed_over(work, snapshot, damaged))
    if newer is not None:
        raise StepFailed(f"snapshot {newer.id} {newer.reason}", let_read(work.deployment, newer.id))


def _say_what_is_passed_over(work: Work, snapshot: Snapshot, damaged: dict[str, str]) -> None:
    passed = _passed_over(work, snapshot, damaged)
    if msgspec.to_builtins(passed) == work.facts.get("passed_over", []):
        return
    work.fact("passed_over", msgspec.to_builtins(passed))
    for item in passed:
        work.warn(str(item))
