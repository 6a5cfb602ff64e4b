"""Plots of what was measured, one below the other on the report's axis, each with its limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from engine.config.prometheus import seconds_between
from engine.monitoring.model import KpiReading
from engine.reports.found import Found
from engine.reports.gaps import silences
from engine.reports.kpis import limits_of, merged
from engine.reports.measured import POINTS, Point
from engine.reports.svg import LEFT, RIGHT, WIDTH, Axis, element, text, title

HEIGHT, GAP = 58.0, 14.0
_UNITS = {"LAT": "ms / 1,000 rows", "ERR": "% of rows", "MEM": "MB", "CPU": "% of all cores"}


@dataclass(frozen=True, slots=True)
class Plot:
    """One line over time."""

    name: str
    unit: str
    points: tuple[Point, ...]
    limits: tuple[tuple[str, float], ...]
    from_zero: bool
    """Measured amounts begin at 0, so that nothing looks larger than it is."""
    longest: float
    """Seconds between two points after which the line is broken."""
    gaps: tuple[tuple[datetime, datetime], ...]
    """Stretches that no line may cross, however rarely its values come."""


def plots(found: Found) -> list[Plot]:
    """Latency, errors, memory, CPU, then the KPIs."""
    made, gaps = list[Plot](), tuple(silences(found))
    step = (found.span.end - found.span.begin).total_seconds() / POINTS
    run = found.deployment.console.cadence.pipeline_run
    for name, points in found.series.items():
        condition = found.deployment.monitoring.conditions[name]
        sample = seconds_between(found.deployment.monitoring, condition, found.cadence)
        pace = sample if condition.per == "sample" else float(run or 3600.0)
        patience = pace * found.deployment.console.stale_after
        limits = tuple(limits_of(condition))
        made.append(Plot(name, _UNITS.get(name, condition.unit), points, limits, True, patience + 2 * step, gaps))
    return made + [_kpi(found, name) for name in found.deployment.kpis.kpis]


def _kpi(found: Found, name: str) -> Plot:
    """As the running release published it, from the states that the monitor kept."""
    definition = found.deployment.kpis.kpis[name]
    points = []
    for frame in found.frames:
        kpi: KpiReading | None = next((item for item in frame.kpis if item.id == name), None)
        if kpi is not None and kpi.value is not None and not kpi.stale:
            points.append(Point(frame.at, kpi.value, kpi.value, kpi.value))
    limits = (("warning", definition.warning), ("critical", definition.critical))
    step = (found.span.end - found.span.begin).total_seconds() / POINTS
    unit = definition.unit
    return Plot(
        definition.title,
        unit,
        tuple(points),
        tuple((word, float(limit)) for word, limit in limits if limit is not None),
        False,
        found.patience + 3 * step,
        tuple(silences(found)),
    )


def draw(plot: Plot, axis: Axis, top: float) -> str:
    """The plot below ``top``."""
    right, bottom = WIDTH - RIGHT, top + HEIGHT
    parts = [
        element("rect", x=LEFT, y=top, width=right - LEFT, height=HEIGHT, cls="frame"),
        text(plot.name, 0, top + 12, cls="name"),
        text(plot.unit, 0, top + 24, cls="unit"),
    ]
    if not plot.points:
        parts.append(text("missing: nothing was measured", (LEFT + right) / 2, top + HEIGHT / 2 + 3, cls="none"))
        return element("g", *parts)
    low, high = _range(plot)

    def y(value: float) -> float:
        return bottom - (value - low) / (high - low) * HEIGHT

    last = plot.points[-1].mean
    parts.append(text(f"{last:,.4g}", 0, top + 40, cls="value"))
    parts += [text(_short(high), LEFT - 4, top + 7, cls="scale"), text(_short(low), LEFT - 4, bottom, cls="scale")]
    parts += _limits(plot, y, low, high, top)
    for run in _runs(plot):
        parts += _line(run, axis, y)
    return element("g", title(f"{plot.name}, {plot.unit}"), *parts)


def _range(plot: Plot) -> tuple[float, float]:
    low, high = min(point.low for point in plot.points), max(point.high for point in plot.points)
    if plot.from_zero:
        near = [limit for _, limit in plot.limits if high < limit <= 2.2 * high]
        return 0.0, max(high * 1.15, *(limit * 1.08 for limit in near), 1e-3)
    pad = max((high - low) * 0.3, abs(high) * 0.03, 0.02)
    return low - pad, high + pad


def _limits(plot: Plot, y: Callable[[float], float], low: float, high: float, top: float) -> list[str]:
    """Lines for limits in range, words for those that lie above or below it."""
    parts, right, row = list[str](), WIDTH - RIGHT, 0
    taken: list[float] = []
    told = sorted(merged(plot.limits), key=lambda item: not low <= item[1] <= high)  # those in range take their place
    for words, limit in told:
        said = f"{words.replace('critical, ', 'crit, ')} {limit:g}"
        if low <= limit <= high:
            at = y(limit)
            tier = words.rpartition(", ")[2].replace(" ", "-")
            parts.append(element("line", x1=LEFT, x2=right, y1=at, y2=at, cls=f"limit {tier}"))
            taken.append(at)
            parts.append(text(said, right + 4, at + 3, cls="limit-word"))
            continue
        at = top + 8 + 10 * row
        while any(abs(at - 3 - other) < 9 for other in taken):
            row, at = row + 1, at + 10
        parts.append(text(f"{'↑' if limit > high else '↓'} {said}", right + 4, at, cls="limit-word off"))
        row += 1
    return parts


def _runs(plot: Plot) -> list[list[Point]]:
    """The points in pieces: a line never bridges a time of which nothing is known."""
    runs: list[list[Point]] = []
    before: datetime | None = None
    for point in plot.points:
        if before is None or (point.at - before).total_seconds() > plot.longest or _blind(plot, before, point.at):
            runs.append([])
        runs[-1].append(point)
        before = point.at
    return runs


def _blind(plot: Plot, before: datetime, after: datetime) -> bool:
    return any(since < after and until > before for since, until in plot.gaps)


def _line(run: list[Point], axis: Axis, y: Callable[[float], float]) -> list[str]:
    place = [(axis.x(point.at), point) for point in run]
    if len(place) == 1:
        x, point = place[0]
        return [element("circle", cx=x, cy=y(point.mean), r=1.4, cls="dot")]
    band = ""
    if any(point.high > point.low for point in run):
        upper = [f"{x:.1f},{y(point.high):.1f}" for x, point in place]
        lower = [f"{x:.1f},{y(point.low):.1f}" for x, point in reversed(place)]
        band = element("polygon", points=" ".join(upper + lower), cls="band")
    middle = " ".join(f"{x:.1f},{y(point.mean):.1f}" for x, point in place)
    return [band, element("polyline", points=middle, cls="line")]


def _short(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < 1000 else f"{value:,.0f}"
