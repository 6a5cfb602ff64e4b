"""``config/kpis.yml``: the tape's columns, the KPI definitions, their ranges and business tiers."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from engine.config.quantities import Duration

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


Severity = Literal["fail", "warn", "note"]


class SeveritySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a finding makes of its check: ``fail``, ``warn``, or ``note``: it is told and changes nothing."""

    schema_drift: Severity = "warn"
    ranges: Severity = "warn"
    stated: Severity = "warn"
    cumulative: Severity = "warn"
    unread: Severity = "warn"
    volume: Severity = "warn"
    freshness: Severity = "warn"
    outliers: Severity = "note"
    last_tape: Severity = "note"
    baseline: Severity = "note"


class HistorySection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many validations, and for how long, are kept; what a decision rests on is kept longer."""

    runs: Annotated[int, Meta(ge=1)] = 2000
    days: Positive = 400
    """For how long."""


class ChecksSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a tape must hold to beyond its amounts; what is left out is not asked, and the report says so."""

    sample_rows: Annotated[int, Meta(ge=1, le=20)] = 5
    """Failing rows that the report shows of each finding."""
    stated: dict[str, str] = {}
    """Columns that the tape states itself, and the formula (or KPI) that each must follow from, row by row."""
    stated_tolerance: Positive = 0.01
    """How far a stated value may be from its formula, in its own unit."""
    never_rising: list[Annotated[list[str], Meta(min_length=2)]] = []
    """Columns of which none may be larger than the one before it: what is 30 days late is 7 days late as well."""
    ranges: dict[str, Annotated[list[float], Meta(min_length=2, max_length=2)]] = {}
    """Columns whose values must lie in an interval."""
    ages: str | None = None
    """Pattern of the columns that hold money by its age, such as ``due_*``: one that is no amount must hold none."""
    ages_within: dict[str, str] = {}
    """Such a column that is part of an amount, and that amount: it may hold what the amount holds as well."""
    volume_percent: Positive = 50
    """Rows of the latest date may differ from the median of earlier validations by so much."""
    volume_least: Annotated[int, Meta(ge=1)] = 3
    """Earlier validations that make a median."""
    max_age_days: Positive | None = None
    """How old the latest measurement date may be; null: as old as it is."""
    severity: SeveritySection = SeveritySection()
    history: HistorySection = HistorySection()


class DaskSection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The cluster of ``kpi --engine dask``: its workers see the tape under the same path and have this abaco-ops."""

    address: str | None = None
    """Of the scheduler, ``tcp://host:8786``; null: a cluster of processes on this machine, for this command only."""
    deadline: Duration = msgspec.field(default_factory=lambda: Duration(60))
    """Without a worker, or without a finished piece, for so long: it is given up."""


class KpiConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of ``config/kpis.yml``."""

    version: Literal[1]
    tape: TapeSection
    kpis: dict[str, KpiDefinition]
    anomaly: AnomalySection
    reference: ReferenceSection
    checks: ChecksSection = ChecksSection()
    dask: DaskSection = msgspec.field(default_factory=DaskSection)
