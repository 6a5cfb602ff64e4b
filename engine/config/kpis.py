"""``config/kpis.yml``: the tape's columns, the KPI definitions, their ranges and business tiers."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Positive = Annotated[float, Meta(gt=0)]


class TapeSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the columns of a tape mean."""

    date: str
    """The column whose latest value is "now"; a tape without it is one undated group."""
    id: str
    """The row's identity; with ``date`` it may not repeat. A tape without it is one row per period."""
    amounts: list[str]
    """Columns of money: numbers, never negative, nulls count as 0 and are counted."""
    total: str
    """The amount that every bucket of ``buckets`` must fit into."""
    buckets: list[str]
    """Amounts that are parts of ``total``."""
    decimals: Annotated[int, Meta(ge=0, le=6)] = 2
    """Of the money's minor unit: sums are exact in it, and values that are finer are counted and added exactly too."""


class KpiDefinition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One KPI."""

    title: str
    formula: str
    """Numbers, + - * /, parentheses, sum(...) over columns, and KPIs defined above it."""
    unit: str
    range: Annotated[list[float], Meta(min_length=2, max_length=2)]
    """Sanity range; a value outside it fails validation."""
    worse_when: Literal["higher", "lower"]
    owner: str
    """Who is told when a business tier is reached."""
    warning: float | None = None
    critical: float | None = None
    hold_to: Annotated[list[float], Meta(min_length=2, max_length=2)] | None = None
    """The value is held to this interval; the unheld value is kept beside it."""
    decimals: Annotated[int, Meta(ge=0, le=12)] = 2
    """Decimals shown; computing never rounds."""


class AnomalySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a change or a value is conspicuous."""

    change_percent: Positive
    outlier_sigma: Positive
    null_percent: Positive
    """Nulls in one amount column, in % of the rows, above which integrity FAILs."""
    outlier_least: Annotated[int, Meta(ge=2)] = 10
    """Tapes or measurement dates that make a standard deviation; fewer make none."""


class ReferenceSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The seeded reference tape and what a correct engine computes from it."""

    expected: dict[str, float]
    tolerance: Positive


class KpiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config/kpis.yml``."""

    version: Literal[1]
    tape: TapeSection
    kpis: dict[str, KpiDefinition]
    anomaly: AnomalySection
    reference: ReferenceSection
