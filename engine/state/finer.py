"""Between two kept evaluations, a minute apart, the single samples: values as they were measured, none in between."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from engine.config import Deployment
from engine.monitoring.conditions import shown
from engine.monitoring.model import ConditionReading, ResourceReading
from engine.monitoring.store import SampleStore
from engine.state.measured import Measured

TREND_POINTS = 40
_LATER = timedelta(milliseconds=1)


def finer(deployment: Deployment, seen: Measured, store: SampleStore, since: datetime, now: datetime) -> Measured:
    """``seen``, made at ``since``, with what was sampled from then until ``now``. sqlite3.Error.

    Levels and verdict stay those of the evaluation: one is kept whenever the verdict changes.
    """
    if now <= since:
        return seen
    conditions = deployment.monitoring.conditions
    newest: dict[str, list[tuple[datetime, float]]] = {}
    for item in seen.conditions:
        if item.value is not None and item.id in conditions:
            newest[item.id] = store.series(conditions[item.id].metric, since + _LATER, now)
    found = {name: values for name, values in newest.items() if values}
    texts = {name: shown(conditions[name], values[-1][1]) for name, values in found.items()}
    latest = max((values[-1][0] for values in found.values()), default=since)
    monitor = msgspec.structs.replace(seen.monitor, observed_at=latest)
    return replace(
        seen,
        monitor=monitor,
        conditions=tuple(_condition(item, found.get(item.id), texts.get(item.id, "")) for item in seen.conditions),
        resources=tuple(_resource(item, found.get(item.id), texts.get(item.id, "")) for item in seen.resources),
    )


def _condition(item: ConditionReading, values: list[tuple[datetime, float]] | None, text: str) -> ConditionReading:
    if not values:
        return item
    at, value = values[-1]
    return msgspec.structs.replace(item, value=value, text=text, observed_at=at)


def _resource(item: ResourceReading, values: list[tuple[datetime, float]] | None, text: str) -> ResourceReading:
    """A gauge whose text is not its condition's (free disk in GB) keeps the one it had: the size is not sampled."""
    if not values or item.value is None or not item.text or item.id == "DISK":
        return item
    at, value = values[-1]
    trend = (*item.trend, *(round(value, 4) for _, value in values))[-TREND_POINTS:]
    way = item.fraction * value / item.value if item.fraction is not None and item.value > 0 else item.fraction
    fraction = min(max(way, 0.0), 1.0) if way is not None else None
    return msgspec.structs.replace(item, value=value, text=text, observed_at=at, trend=trend, fraction=fraction)
