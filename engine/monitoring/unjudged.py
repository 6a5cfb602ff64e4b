"""What is measured beside the conditions: threads, open files, disk I/O, the resident set. No limit judges it.

A condition of one's own may: its `metric` names one of these, and then it is judged and stored like any other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.model import ResourceReading
from engine.monitoring.process_source import FILES, READ, RESIDENT, THREADS, WRITTEN, Earlier
from engine.monitoring.reading import Missing, Reading, Value
from engine.monitoring.store import Measured

EVERY = 60.0
"""Seconds between two stored values; a count that changes is stored at once. A month of them stays small."""
TREND_POINTS = 40
_COUNTS = {THREADS: "THREADS", FILES: "FILES"}
_RATES = {READ: "READ", WRITTEN: "WRITE"}


@dataclass(slots=True)
class _Kept:
    """One metric of the present process."""

    era: str
    first: float
    first_at: datetime
    stored_at: float = -1e18
    stored: float | None = None
    since: list[float] = field(default_factory=list)
    """Values since the last stored one: a rate is stored as their mean."""
    trend: deque[float] = field(default_factory=lambda: deque(maxlen=TREND_POINTS))


class Unjudged:
    """Remembers how each process began, so that growth can be seen; an earlier monitor's samples are gone on with."""

    def __init__(self, deployment: Deployment, earlier: Earlier) -> None:
        judged = {condition.metric for condition in deployment.monitoring.conditions.values()}
        self._resident = RESIDENT not in judged
        self._names = {name: label for name, label in (_COUNTS | _RATES).items() if name not in judged}
        self._earlier = earlier
        self._kept: dict[str, _Kept] = {}

    def look(self, readings: Mapping[str, Reading], now: Instant) -> tuple[tuple[ResourceReading, ...], list[Measured]]:
        """The gauges of this tick, and what of it is to be stored."""
        shown, stored = [], self._resident_set(readings)
        for name, label in self._names.items():
            reading = readings.get(name, Missing("no source measures it"))
            if isinstance(reading, tuple) and reading:
                value = reading[-1]
                kept = self._of(name, value)
                new = _store(name, kept, value)
                if new is not None:
                    stored.append(new)
                shown.append(_gauge(name, label, kept, value))
            elif isinstance(reading, Missing):
                shown.append(_missing(label, reading.reason))
        return tuple(shown), stored

    def _resident_set(self, readings: Mapping[str, Reading]) -> list[Measured]:
        """Each sample, as of memory itself: growth and the medians of hours are made of it. It has no gauge."""
        reading = readings.get(RESIDENT)
        if not self._resident or not isinstance(reading, tuple):
            return []
        return [Measured(RESIDENT, one.value, Instant(one.wall, one.boot), one.era) for one in reading]

    def _of(self, name: str, value: Value) -> _Kept:
        kept = self._kept.get(name)
        if kept is not None and kept.era == value.era:
            return kept
        before = list(self._earlier(name, value.era, 0.0))
        boot, first = before[0] if before else (value.boot, value.value)
        made = _Kept(value.era, first, value.wall - timedelta(seconds=value.boot - boot))
        if before:
            made.stored_at, made.stored = before[-1]
        made.trend.extend(one for _, one in before[-TREND_POINTS:])
        self._kept[name] = made
        return made


def _store(name: str, kept: _Kept, value: Value) -> Measured | None:
    kept.since.append(value.value)
    waited = value.boot - kept.stored_at >= EVERY
    if not waited and (name in _RATES or value.value == kept.stored):
        return None
    kept.stored = round(fmean(kept.since), 3) if name in _RATES else value.value
    kept.stored_at = value.boot
    kept.since.clear()
    kept.trend.append(kept.stored)
    return Measured(name, kept.stored, Instant(value.wall, value.boot), value.era)


def _gauge(name: str, label: str, kept: _Kept, value: Value) -> ResourceReading:
    text = rate(value.value) if name in _RATES else f"{value.value:.0f}"
    if name in _COUNTS and value.value != kept.first:
        text += f", {value.value - kept.first:+.0f} since {kept.first_at:%H:%M}Z"
    return ResourceReading(
        id=label,
        label=label,
        value=value.value,
        text=text,
        fraction=None,
        trend=tuple(kept.trend),
        level="ok",
        limit="not judged",
        reason=None,
        observed_at=value.wall,
        stale=False,
    )


def _missing(label: str, reason: str) -> ResourceReading:
    return ResourceReading(label, label, None, "missing", None, (), "missing", "not judged", reason, None, False)


def rate(value: float) -> str:
    """Bytes per second as people say them: ``1.2 MB/s``."""
    for unit, size in (("GB/s", 1e9), ("MB/s", 1e6), ("kB/s", 1e3)):
        if value >= size:
            return f"{value / size:.1f} {unit}"
    return f"{value:.0f} B/s"
