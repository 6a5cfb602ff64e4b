"""What computing a tape gives, and its JSON form."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.config.kpis import KpiDefinition

BusinessStatus = Literal["ok", "WARNING", "CRITICAL", "undefined"]


@dataclass(frozen=True, slots=True)
class KpiValue:
    """One KPI at full precision; ``value`` is None with a ``reason`` when it is undefined."""

    value: float | None
    unit: str
    status: BusinessStatus
    """The portfolio's business tier; no verdict on a release."""
    reason: str | None = None
    unheld: float | None = None
    """The value before it was held to its interval; None for a KPI that is not held."""

    def as_json(self) -> dict[str, Any]:
        """The form of ``kpi --json``; ``unheld`` only where the KPI is held."""
        answer = {"value": self.value, "unit": self.unit, "status": self.status, "reason": self.reason}
        return answer if self.unheld is None else {**answer, "unheld": self.unheld}


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one measurement date (None: undated) and their KPIs."""

    measurement_date: str | None
    rows: int
    nulls: dict[str, int]
    """Nulls per column of money, counted as 0 in every sum; only columns that have some."""
    duplicates: int | None
    """Rows whose (id, date) stood above already; None when rows cannot be told apart."""
    kpis: dict[str, KpiValue]
    finer: dict[str, int] = field(default_factory=dict)
    """Values per column of money that are finer than its minor unit, or too large for it; only where there are any."""
    pooled: int = 0
    """How many dates were added up for it, where that was asked for."""

    def as_json(self) -> dict[str, Any]:
        """The form of ``kpi --json``; ``pooled_dates`` only where dates were added up."""
        return {
            **({"pooled_dates": self.pooled} if self.pooled else {}),
            "measurement_date": self.measurement_date,
            "rows": self.rows,
            "nulls": sum(self.nulls.values()),
            "duplicates": self.duplicates,
            "kpis": {name: kpi.as_json() for name, kpi in self.kpis.items()},
        }


@dataclass(frozen=True, slots=True)
class TapeKpis:
    """The KPIs of a tape: ``latest`` is now, ``by`` every date ascending (empty unless asked for)."""

    engine: str
    sha256: str | None
    tape_rows: int
    """Rows of all dates together."""
    latest: Group
    by: tuple[Group, ...] = ()
    columns: tuple[str, ...] = ()
    """The columns of money that were read, where a stream left the others out: nulls are known of these only."""

    def as_json(self, *, by_date: bool = False) -> dict[str, Any]:
        """The form of ``kpi --json``."""
        answer = {
            **self.latest.as_json(),
            "nulls_by_column": self.latest.nulls,
            "finer_by_column": self.latest.finer,
            "engine": self.engine,
            "tape_rows": self.tape_rows,
            "tape_sha256": self.sha256,
            **({"columns_read": self.columns} if self.columns else {}),
        }
        return {**answer, "by": [group.as_json() for group in self.by]} if by_date else answer


def business_status(definition: KpiDefinition, value: float) -> BusinessStatus:
    """The tier that ``value`` lies beyond."""
    if _beyond(definition, value, definition.critical):
        return "CRITICAL"
    return "WARNING" if _beyond(definition, value, definition.warning) else "ok"


def in_range(definition: KpiDefinition, value: float) -> bool:
    """Whether ``value`` lies in the KPI's sanity range."""
    low, high = definition.range
    return low <= value <= high


def _beyond(definition: KpiDefinition, value: float, limit: float | None) -> bool:
    if limit is None:
        return False
    return value > limit if definition.worse_when == "higher" else value < limit
