"""Which validations something rests on: a decision still to be made or made lately, a snapshot, the verdict of now."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from engine.config import Deployment
from engine.snapshots import newest_first
from engine.validation.history import Kept
from engine.validation.stint import present_stint

Span = tuple[datetime, datetime]


def relied_on(deployment: Deployment, kept: Sequence[Kept]) -> frozenset[str]:
    """The reports of validations that must be kept whatever their number and age."""
    moments = [found.manifest.taken_at for found in newest_first(deployment) if found.manifest is not None]
    starts = [stint.at for release in deployment.releases if (stint := present_stint(deployment, release)) is not None]
    watched = watch_seconds(deployment)
    return needed(kept, [*moments, *starts], [(start, start + timedelta(seconds=watched)) for start in starts])


def watch_seconds(deployment: Deployment) -> float:
    """From a start of a release to its last decision, and the slot that serves it."""
    last = max((float(point.at) for point in deployment.checklist.decisions), default=0.0)
    every = float(deployment.checklist.schedule.validation_every)
    return (last + every) / float(deployment.console.time_scale)


def needed(kept: Sequence[Kept], moments: Sequence[datetime], spans: Sequence[Span]) -> frozenset[str]:
    """Of validations, oldest first: the newest live one, the last live one before each moment, all within the spans."""
    live = [one for one in kept if one.live]
    found = {live[-1].report} if live else set()
    for moment in moments:
        before = [one for one in live if one.at <= moment]
        found |= {before[-1].report} if before else set()
    found |= {one.report for one in live for since, until in spans if since <= one.at <= until}
    return frozenset(found)
