"""Row 3: could we go back now, and how do we know."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

from engine.clock import pretty_duration
from engine.config import Deployment
from engine.operations.model import Operation
from engine.state.absent import no_way_back
from engine.state.model import WayBackView
from engine.state.trail import Proof

FINAL_STEP = "snapshot_final"
"""The step of a cutover that takes what a rollback restores, while nothing runs."""


def way_back(
    deployment: Deployment,
    proof: Proof | None,
    now: datetime,
    *,
    release: str | None,
    cutover_at: datetime | None,
    build: str,
    unfinished: Operation | None = None,
    rehearsal: Proof | None = None,
    rolled_back: Proof | None = None,
    past: bool = False,
) -> WayBackView:
    """The view. Ready only while the newest proof is good, fresh, and younger than the cutover it would undo.

    A ``rehearsal`` on a real snapshot is a proof too. Seconds and age are always there: those of the newest of real
    rollback, rehearsal and proof that went well.

    ``unfinished``: a cutover that runs, stopped half-way, or ended otherwise than by success. Until it has proven
    its way back, what it sealed before the new release started is the way back. ``past``: the journal alone is asked
    for that, since the disk tells of now.
    """
    examined = _newest(proof, rehearsal if rehearsal is not None and not rehearsal.own_snapshot else None)
    view = _judged(deployment, examined, now, release, cutover_at, build, unfinished, past)
    rests = _newest(*(found for found in (proof, rehearsal, rolled_back) if found and found.ok and found.seconds))
    note = view.note or _failed_rehearsal(rehearsal, examined, rolled_back, cutover_at) or _of_another(rests, build)
    return msgspec.structs.replace(
        view,
        seconds=rests.seconds if rests else None,
        basis=rests.how if rests else "",
        basis_at=rests.at if rests else None,
        note=note,
    )


def _newest(*found: Proof | None) -> Proof | None:
    return max((item for item in found if item is not None), key=lambda item: item.at, default=None)


def _failed_rehearsal(
    rehearsal: Proof | None, examined: Proof | None, rolled_back: Proof | None, cutover_at: datetime | None
) -> str:
    """A rehearsal that failed stands until the next one, a real rollback or a cutover: no lesser proof hides it."""
    if rehearsal is None or rehearsal.ok or (rehearsal is examined and not rehearsal.own_snapshot):
        return ""
    over = [moment for moment in (rolled_back.at if rolled_back else None, cutover_at) if moment is not None]
    if any(moment >= rehearsal.at for moment in over):
        return ""
    return f"rehearsal of {rehearsal.at:%H:%M}Z NOT READY: {rehearsal.reason}"


def _of_another(rests: Proof | None, build: str) -> str:
    """A rehearsal with another build of the old release tells nothing about the one that is installed."""
    if rests is None or not rests.build or not build or rests.build.startswith(build):
        return ""
    return f"rehearsed with build {rests.build[:6]}, not this one"


def _judged(
    deployment: Deployment,
    proof: Proof | None,
    now: datetime,
    release: str | None,
    cutover_at: datetime | None,
    build: str,
    unfinished: Operation | None,
    past: bool,
) -> WayBackView:
    old = deployment.console.releases.old
    if unfinished is not None and not _proven_by(unfinished, proof) and (unfinished.past_no_return or release != old):
        return _of_unfinished(deployment, unfinished, build, release, past)
    if release == old:
        return no_way_back(deployment, build, f"{old} is live: nothing to go back from", proof.at if proof else None)
    if proof is None and cutover_at is None and release == deployment.console.releases.new:
        return no_way_back(deployment, build, f"{release} runs without a cutover: no snapshot was taken", None)
    if proof is None and cutover_at is None:
        return no_way_back(deployment, build, "no cutover yet: nothing to go back from", None)
    if proof is None:
        return no_way_back(deployment, build, "never proven: abaco-ops monitor proves it", None)
    if cutover_at is not None and proof.at < cutover_at - timedelta(minutes=1):
        return no_way_back(deployment, build, "not proven since the cutover", proof.at)
    # as every value: stale after so many of its cadences
    limit = deployment.console.stale_after * deployment.console.cadence.prove_way_back
    age = (now - proof.at).total_seconds()
    stale = age > limit
    reason = proof.reason or "the last proof failed" if not proof.ok else ""
    if proof.ok and stale:
        reason = f"last {proof.how} {pretty_duration(age)} ago"
    return WayBackView(
        release=old,
        build=build,
        ready=proof.ok and not stale,
        reason=reason,
        seconds=proof.seconds,
        proven_at=proof.at,
        snapshot=proof.snapshot,
        stale=stale,
        read_at=proof.read_at,
        note=proof.reason if proof.ok else "",
    )


def _proven_by(cutover: Operation, proof: Proof | None) -> bool:
    return proof is not None and cutover.started is not None and proof.at >= cutover.started


def _of_unfinished(
    deployment: Deployment, cutover: Operation, build: str, release: str | None, past: bool
) -> WayBackView:
    """Ready when its final snapshot is sealed; before that it undoes what it did by itself, or is told to."""
    if taken_to_its_end(cutover) if past else sealed(deployment, cutover):
        old = deployment.console.releases.old
        return WayBackView(old, build, True, "", None, None, cutover.snapshot, False)
    if cutover.past_no_return or release is not None:
        return no_way_back(deployment, build, f"{cutover.id} has sealed no final snapshot", None)
    doing = "is undone by itself" if cutover.running else f"abaco-ops abort {cutover.id} undoes it"
    return no_way_back(deployment, build, f"{cutover.id} has not started {cutover.release_to}: {doing}", None)


def sealed(deployment: Deployment, cutover: Operation) -> bool:
    """Whether the snapshot that a rollback restores was taken to its end: by its journal, and by its seal on disk."""
    return taken_to_its_end(cutover) and deployment.paths.seal(str(cutover.snapshot)).is_file()


def taken_to_its_end(cutover: Operation) -> bool:
    """The same by its journal alone."""
    return bool(cutover.snapshot) and any(step.name == FINAL_STEP and step.state == "done" for step in cutover.steps)
