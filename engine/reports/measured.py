"""What the monitor measured in the stretch of a report: states of the console, series for the plots, gaps, counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypedDict

from engine.config import Deployment
from engine.monitoring.model import Evaluation
from engine.monitoring.store import HISTORY_EVERY
from engine.monitoring.stretch import StretchStore
from engine.reports.span import LEAD, Span
from engine.reports.tried import tried

FRAMES = 1500
"""States of the console that a report holds at most, beside those that changed the verdict."""
POINTS = 480
"""Points of one plot."""
PLOTTED = ("LAT", "ERR", "MEM", "CPU")
"""Conditions whose metric is plotted."""
_NO_FRAMES: tuple[Evaluation, ...] = ()
_NO_COUNTS: dict[str, int] = {}


@dataclass(frozen=True, slots=True)
class Point:
    """The values of one metric in one step of a plot."""

    at: datetime
    low: float
    mean: float
    high: float


class Measurements(TypedDict):
    """What :func:`measured` found, by the names of the report's own fields."""

    frames: tuple[Evaluation, ...]
    last: Evaluation | None
    state: Evaluation | None
    before: Evaluation | None
    series: dict[str, tuple[Point, ...]]
    gaps: tuple[tuple[datetime, datetime], ...]
    counts: dict[str, int]


def measured(deployment: Deployment, store: StretchStore, span: Span, problems: list[str]) -> Measurements:
    """Read it; what cannot be read is empty, and said in ``problems``."""
    name = deployment.paths.samples.name
    if not deployment.paths.samples.exists():
        problems.append(f"{name} is not there: nothing that was measured can be shown")
    length = (span.end - span.begin).total_seconds()
    console = deployment.console
    longest = float(console.cadence.sample * console.stale_after)
    frames = tried(lambda: tuple(store.evaluations(span.begin, span.end, length / FRAMES)), _NO_FRAMES, problems, name)
    last, state = _last(deployment, store, span, longest, problems)
    if last is not None and frames and last.at > frames[-1].at:
        frames = (*frames, last)  # of a long stretch not every state is looked at, but the moment's own is
    metrics = {
        one: deployment.monitoring.conditions[one].metric for one in PLOTTED if one in deployment.monitoring.conditions
    }
    return {
        "frames": frames,
        "last": last,
        "state": state,
        "before": _before(deployment, store, span, problems),
        "series": {one: _series(store, metric, span, problems) for one, metric in metrics.items()},
        "gaps": tuple(tried(lambda: store.gaps(span.begin, span.end, longest), [], problems, name)),
        "counts": tried(lambda: store.counts(span.begin, span.end), _NO_COUNTS, problems, name),
    }


def _before(deployment: Deployment, store: StretchStore, span: Span, problems: list[str]) -> Evaluation | None:
    if span.cutover_at is None or not deployment.paths.samples.exists():
        return None
    began = span.begin + (span.end - span.begin) * (LEAD / (1 + LEAD))
    kept = tried(lambda: store.evaluation_at(began), None, problems, "samples.db")
    return kept if kept is not None and kept.release == deployment.console.releases.old else None


def _series(store: StretchStore, metric: str, span: Span, problems: list[str]) -> tuple[Point, ...]:
    return points(tried(lambda: store.series(metric, span.begin, span.end), [], problems, "samples.db"), span)


def _last(
    deployment: Deployment, store: StretchStore, span: Span, longest: float, problems: list[str]
) -> tuple[Evaluation | None, Evaluation | None]:
    """The last state that was kept up to the moment, and the same where it is near enough to speak of the moment."""
    if not deployment.paths.samples.exists():
        return None, None
    kept = tried(lambda: store.evaluation_at(span.end), None, problems, "samples.db")
    near = timedelta(seconds=HISTORY_EVERY + 2 * longest)
    live = tried(store.newest_evaluation, None, problems, "samples.db") if span.at == "now" else None
    if live is not None and live.at <= span.end:
        kept, near = live, timedelta(seconds=longest)
    return kept, kept if kept is not None and span.end - kept.at <= near else None


def points(series: list[tuple[datetime, float]], span: Span) -> tuple[Point, ...]:
    """A series as at most POINTS points, each with the lowest, mean and highest value of its step."""
    step = max((span.end - span.begin).total_seconds() / POINTS, 0.001)
    groups: dict[int, list[tuple[datetime, float]]] = {}
    for at, value in series:
        groups.setdefault(int((at - span.begin).total_seconds() / step), []).append((at, value))
    found = []
    for group in groups.values():
        values = [value for _, value in group]
        found.append(Point(group[len(group) // 2][0], min(values), sum(values) / len(values), max(values)))
    return tuple(found)
