"""Row 3: could we go back now, and how do we know."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.clock import pretty_duration
from engine.config import Deployment
from engine.state.absent import no_way_back
from engine.state.model import WayBackView
from engine.state.trail import Proof


def way_back(
    deployment: Deployment,
    proof: Proof | None,
    now: datetime,
    *,
    release: str | None,
    cutover_at: datetime | None,
    build: str,
) -> WayBackView:
    """The view. Ready only while the newest proof is good, fresh, and younger than the cutover it would undo."""
    old = deployment.console.releases.old
    if release == old:
        return no_way_back(deployment, build, f"{old} is live: nothing to go back from", proof.at if proof else None)
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
        reason = f"last proven {pretty_duration(age)} ago"
    return WayBackView(
        release=old,
        build=build,
        ready=proof.ok and not stale,
        reason=reason,
        seconds=proof.seconds,
        proven_at=proof.at,
        snapshot=proof.snapshot,
        stale=stale,
    )
