"""What a pipeline computes from one tape: the KPIs of each measurement date, and how long that took."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from engine.errors import OpsError

COLUMNS = (
    "total_receivable_usd",
    "total_eligible_usd",
    "cash_available_usd",
    "dpd_30_60_usd",
    "dpd_60_90_usd",
    "dpd_90_plus_usd",
)
"""The amounts that the KPIs need, in the order in which both releases keep their sums."""
DATE = "measurement_date"


class TapeUnreadable(OpsError):
    """The tape as a whole cannot be read; nothing can be computed from it."""


@dataclass(frozen=True, slots=True)
class Kpi:
    """One KPI, rounded as published; ``value`` is None with a ``reason`` when it is undefined."""

    value: float | None
    unit: str
    reason: str | None = None
    unheld: float | None = None
    """The value before it was held to its interval, where there is one."""


@dataclass(frozen=True, slots=True)
class Group:
    """The rows of one measurement date (None: undated) and their KPIs."""

    measurement_date: str | None
    rows: int
    kpis: dict[str, Kpi]


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything computed from one tape, oldest date first."""

    groups: tuple[Group, ...]
    rows: int
    """All rows of the tape: the attempts."""
    errors: int
    """Rows with a value that could not be used."""
    read_seconds: float
    compute_seconds: float

    @property
    def latest(self) -> Group:
        """The KPIs of now."""
        return self.groups[-1]


class Program(Protocol):
    """A release's way from a tape to its KPIs."""

    name: str
    decimals: int
    """Decimals that the release publishes where its configuration does not say otherwise."""

    def compute(self, tape: BinaryIO, name: str, *, decimals: int, between: Callable[[], None]) -> Figures:
        """The KPIs of the open ``tape``; ``name`` tells its format. Calls ``between`` often, which may raise.

        TapeUnreadable when it is no tape at all.
        """
        ...
