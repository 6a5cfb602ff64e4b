"""What a gate is judged on, and what a criterion found in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from engine.config.checklist import DecisionPoint
from engine.config.monitoring import MonitoringConfig
from engine.monitoring.facts import Tested, Validation
from engine.monitoring.model import ConditionReading, KpiReading
from engine.monitoring.schedule import Calendar
from engine.monitoring.standing import Standing


class Evidence(msgspec.Struct, frozen=True):
    """What a gate is judged on."""

    calendar: Calendar
    release: str
    """The new release: whose validations and tests count."""
    build: str
    """Its build as installed; empty when that cannot be told."""
    conditions: Mapping[str, ConditionReading]
    kpis: Sequence[KpiReading]
    validations: Sequence[Validation]
    standing: Standing
    tested: Tested | None
    open_lines: Callable[[float, float], Sequence[str]]
    """Checklist lines after one offset and up to another that nobody has answered."""
    unknown: str = ""
    """Why the verdict is UNKNOWN; empty when it is not."""
    against: str = ""
    """The verdict and why, while it is ROLL BACK or INVESTIGATE; else empty."""
    monitoring: MonitoringConfig | None = None
    patience: float = 3.5
    """Seconds between two looks that still count as watched."""

    @property
    def now(self) -> datetime:
        """The moment."""
        return self.calendar.now


class Asked(msgspec.Struct, frozen=True):
    """One gate at which a criterion is asked."""

    point: DecisionPoint
    due: datetime
    before: float
    """Offset of the gate before it; 0 for the first."""


class Found(msgspec.Struct, frozen=True):
    """What the records say."""

    status: bool | None
    evidence: str
    at: datetime | None
    so_far: bool = False


Judge = Callable[[Evidence, Asked, str], Found]
