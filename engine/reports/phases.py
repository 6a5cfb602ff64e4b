"""The phase of the watch at any moment of a report, from cutovers, rollbacks and the schedule. Pure."""

from __future__ import annotations

import math
from datetime import datetime, timedelta

from engine.monitoring.facts import Decided
from engine.reports.found import Found
from engine.state.model import Phase
from engine.state.trail import phase_ends, phase_of


def phase_at(found: Found, moment: datetime) -> Phase:
    """The phase then, as the console names it."""
    gone = {made.gate for made in _gone(found) if made.at <= moment}
    bake, last = phase_ends(found.deployment.checklist, gone, found.span.scale)
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
        cutover_runs=_runs(found, "cutover", moment),
        rollback_open=_runs(found, "rollback", moment),
    )


def _runs(found: Found, kind: str, moment: datetime) -> bool:
    done = (item for item in found.operations if item.kind == kind and item.started)
    return any(item.started and item.started <= moment and (item.ended or moment) > moment for item in done)


def phase_edges(found: Found) -> list[datetime]:
    """Moments at which the phase may have changed."""
    edges = [moment for item in found.operations for moment in (item.started, item.ended) if moment is not None]
    since = found.span.cutover_at
    if since is not None:
        lengths = phase_ends(found.deployment.checklist, {made.gate for made in _gone(found)}, found.span.scale)
        edges += [since, *(since + timedelta(seconds=length) for length in lengths if math.isfinite(length))]
    return edges + [made.at for made in _gone(found)]


def _gone(found: Found) -> list[Decided]:
    """The gates that were decided go in this watch, up to the moment."""
    since = found.span.cutover_at
    return [made for made in found.facts.decided if made.decision == "go" and since is not None and made.at >= since]
