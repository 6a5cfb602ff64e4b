"""The KPIs as the running release published them: value, business tier, change, trend."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.config.kpis import KpiConfig, KpiDefinition
from engine.monitoring.model import KpiReading
from engine.monitoring.runs import Run
from engine.records import harmless
from engine.records.undecodable import UNDECODABLE
from engine.validation.agreement import variance

TREND_POINTS = 24
MOST_PERCENT = 1e6
"""A variance from 0, which no percentage tells."""
MAX_BYTES = 4_000_000
"""A published file larger than this is not what the contract describes."""


class Published(msgspec.Struct, frozen=True):
    """What one run published."""

    run_id: str
    release: str
    at: datetime
    tape_sha256: str | None
    measurement_date: str | None
    values: dict[str, float | None]
    unheld: dict[str, float | None]
    reasons: dict[str, str]
    trend: dict[str, tuple[float, ...]]
    """Over the tape's measurement dates, oldest first."""


def read_published(root: Path, run: Run) -> Published:
    """The JSON output of a run. ValueError with the reason when it cannot be used."""
    name = next((output.path for output in run.outputs if output.path.endswith(".json")), None)
    if name is None:
        raise ValueError(f"run {run.run_id[:8]} published no JSON")
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"run {run.run_id[:8]} names a file outside the deployment")
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"{name} is larger than {MAX_BYTES} bytes")
        content = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
        return _published(run, content)
    except OSError as error:
        raise ValueError(f"{name} cannot be read: {error.strerror}") from error
    except (AttributeError, TypeError, KeyError, *UNDECODABLE) as error:
        raise ValueError(f"{name} is not in the agreed form: {error}") from error


def _published(run: Run, content: dict[str, Any]) -> Published:
    kpis: dict[str, dict[str, Any]] = content["kpis"]
    trend: dict[str, list[float]] = {}
    for group in sorted(content.get("by") or [], key=lambda group: str(group.get("measurement_date"))):
        for name, kpi in group["kpis"].items():
            if (value := _number(kpi.get("value"))) is not None:
                trend.setdefault(name, []).append(value)
    return Published(
        run_id=run.run_id,
        release=run.release,
        at=run.ended,
        tape_sha256=run.tape_sha256,
        measurement_date=str(content["measurement_date"]) if content.get("measurement_date") else None,
        values={name: _number(kpi.get("value")) for name, kpi in kpis.items()},
        unheld={name: _number(kpi.get("unheld")) for name, kpi in kpis.items()},
        reasons={name: harmless(kpi["reason"], 200) for name, kpi in kpis.items() if kpi.get("reason")},
        trend={name: tuple(values[-TREND_POINTS:]) for name, values in trend.items()},
    )


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def business_status(kpi: KpiDefinition, value: float | None) -> str:
    """The portfolio's tier of a value: ok, WARNING, CRITICAL, or undefined."""
    if value is None:
        return "undefined"
    for word, limit in (("CRITICAL", kpi.critical), ("WARNING", kpi.warning)):
        if limit is not None and (value >= limit if kpi.worse_when == "higher" else value <= limit):
            return word
    return "ok"


def kpi_readings(
    config: KpiConfig,
    now: Published | None,
    before: Published | None,
    before_name: str,
    *,
    decimals: int,
    stale: bool,
    reason: str,
) -> tuple[KpiReading, ...]:
    """Every configured KPI. ``before``: what the change is counted from, named ``before_name``."""
    return tuple(
        _reading(name, kpi, now, before, before_name, decimals=decimals, stale=stale, reason=reason)
        for name, kpi in config.kpis.items()
    )


def doubtful(config: KpiConfig, published: Published) -> str:
    """Which KPIs of a run are undefined or out of their range: ``Margin undefined (empty)``; empty: none."""
    found = []
    for name, kpi in config.kpis.items():
        value = published.values.get(name)
        if value is None:
            found.append(f"{name} undefined ({published.reasons.get(name) or 'not published'})")
        elif not _in_range(kpi, value):
            found.append(f"{name} {value:g} out of range")
    return ", ".join(found)


def _in_range(kpi: KpiDefinition, value: float) -> bool:
    return kpi.range[0] <= value <= kpi.range[1]


def _reading(
    name: str,
    kpi: KpiDefinition,
    now: Published | None,
    before: Published | None,
    before_name: str,
    *,
    decimals: int,
    stale: bool,
    reason: str,
) -> KpiReading:
    value = now.values.get(name) if now else None
    old = before.values.get(name) if before else None
    said = now.reasons.get(name) or f"the last run published no {name}" if now else reason
    return KpiReading(
        id=name,
        title=kpi.title,
        value=value,
        unheld=now.unheld.get(name) if now else None,
        unit=kpi.unit,
        decimals=decimals,
        status=business_status(kpi, value),
        warning=kpi.warning,
        critical=kpi.critical,
        worse_when=kpi.worse_when,
        change=None if value is None or old is None else round(value - old, 9),
        change_from=before_name if old is not None else "",
        trend=now.trend.get(name, ()) if now else (),
        owner=kpi.owner,
        reason=said if value is None else None,
        observed_at=now.at if now else None,
        stale=stale,
        in_range=None if value is None else _in_range(kpi, value),
    )


def largest_variance(
    old: Mapping[str, float | None],
    new: Mapping[str, float | None],
    names: Sequence[str],
    *,
    absolute: float,
    decimals: tuple[int, int],
) -> float | None:
    """Largest difference between two releases on the same tape, in % of the old value.

    One that is rounding is 0; one side undefined is no agreement: 100 %. None when nothing can be compared.
    """
    found = [compared(old.get(name), new.get(name), decimals, absolute) for name in names]
    known = [one.counted for one in found if one is not None]
    return max(known) if known else None


@dataclass(frozen=True, slots=True)
class Difference:
    """How two releases stand to each other in one KPI of one tape."""

    percent: float | None
    """Relative difference in % of the old value; None where one side is undefined or the old value is 0."""
    rounding: bool
    """Whether the difference is no more than rounding allows."""
    words: str
    counted: float
    """What of it counts as variance, in %."""


def compared(old: float | None, new: float | None, decimals: tuple[int, int], absolute: float) -> Difference | None:
    """One KPI as two releases published it, by the rule that validations judge by; None when neither defines it."""
    if old is None and new is None:
        return None
    if old is None or new is None:
        who = "the old release" if old is None else "the new release"
        return Difference(None, False, f"undefined in {who} alone: COUNTS as 100 %", 100.0)
    apart = variance(old, new, decimals, absolute)
    if apart.points == 0:
        return Difference(0.0, True, "the same", 0.0)
    percent = apart.percent if math.isfinite(apart.percent) else None
    said = f"{percent:.2f} % apart" if percent is not None else "apart from 0"
    said += f", {apart.points:.3g} of {apart.rounding:.3g} allowed"
    if not apart.counts:
        return Difference(percent, True, f"{said}: rounding", 0.0)
    return Difference(percent, False, f"{said}: COUNTS", min(apart.percent, MOST_PERCENT))
