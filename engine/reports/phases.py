"""The phase of the watch at any moment of a report, from cutovers, rollbacks and the schedule. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from engine.reports.found import Found
from engine.state.model import Phase
from engine.state.trail import phase_of


def phase_at(found: Found, moment: datetime) -> Phase:
    """The phase then, as the console names it."""
    bake, last = _lengths(found)
    done = [item for item in found.operations if item.state == "SUCCEEDED" and item.ended and item.ended <= moment]
    ends = {kind: [item.ended for item in done if item.kind == kind and item.ended] for kind in ("cutover", "rollback")}
    cutover_at = max(ends["cutover"], default=None)
    since = found.span.cutover_at
    if cutover_at is None and since is not None and since <= moment:
        cutover_at = since  # known from the trail alone
    return phase_of(
        cutover_at,
        max(ends["rollback"], default=None),
        moment,
        bake=bake,
        stabilise=last,
        cutover_runs=any(
            item.kind == "cutover" and item.started and item.started <= moment and (item.ended or moment) > moment
            for item in found.operations
        ),
    )


def phase_edges(found: Found) -> list[datetime]:
    """Moments at which the phase may have changed."""
    edges = [moment for item in found.operations for moment in (item.started, item.ended) if moment is not None]
    since = found.span.cutover_at
    if since is not None:
        edges += [since, *(since + timedelta(seconds=length) for length in _lengths(found))]
    return edges


def _lengths(found: Found) -> tuple[float, float]:
    """Seconds from a cutover to the end of BAKE, and to the end of STABILISE."""
    checklist, scale = found.deployment.checklist, found.span.scale
    bake = float(checklist.schedule.validation_for)
    last = max((float(point.at) for point in checklist.decisions), default=bake)
    return bake / scale, last / scale
