"""Conditions as gauges: the way of a value to its roll-back limit, and its trend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.config.monitoring import Condition, MonitoringConfig
from engine.monitoring.conditions import number
from engine.monitoring.disk import size_words
from engine.monitoring.model import ConditionReading, ResourceReading

GAUGES = ("LAT", "ERR", "MEM", "CPU", "DISK")
"""Shown as gauges where they are configured, in this order."""
TREND_POINTS = 40


def gauges(
    config: MonitoringConfig,
    readings: Sequence[ConditionReading],
    trends: Mapping[str, Sequence[float]],
    *,
    free: int | None,
    notes: Mapping[str, str],
) -> tuple[ResourceReading, ...]:
    """``trends``: newest values by metric, oldest first. ``free``: bytes free. ``notes``: how a metric was measured."""
    by_id = {reading.id: reading for reading in readings}
    return tuple(
        _gauge(config.conditions[name], by_id[name], trends.get(config.conditions[name].metric, ()), free, notes)
        for name in GAUGES
        if name in by_id
    )


def _gauge(
    condition: Condition,
    reading: ConditionReading,
    trend: Sequence[float],
    free: int | None,
    notes: Mapping[str, str],
) -> ResourceReading:
    text = reading.text
    if condition.metric == "disk_ratio" and free is not None:
        text = f"{size_words(free)} free"
    return ResourceReading(
        id=reading.id,
        label=reading.id,
        value=reading.value,
        text=text,
        fraction=_fraction(condition, reading.value),
        trend=tuple(round(value, 4) for value in trend),
        level=reading.level,
        limit=_limit(condition),
        reason=reading.reason,
        observed_at=reading.observed_at,
        stale=reading.stale,
        note=notes.get(condition.metric, ""),
    )


def _fraction(condition: Condition, value: float | None) -> float | None:
    limit = condition.rollback.enter if condition.rollback else None
    if value is None or not limit:
        return None
    way = value / limit if condition.worse_when == "higher" else (limit / value if value > 0 else 1.0)
    return round(min(max(way, 0.0), 1.0), 4)


def _limit(condition: Condition) -> str:
    tier = condition.rollback or condition.critical or condition.warning
    if tier is None:
        return ""
    word = "roll back" if condition.rollback else "critical" if condition.critical else "warning"
    sign = (">" if condition.worse_when == "higher" else "<") + ("=" if condition.inclusive else "")
    return f"{word} {sign}{number(condition, tier.enter)} {condition.unit}".rstrip()
