"""Facts about a tape's soundness; what they mean for a release is decided by the validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engine.config.kpis import KpiConfig
from engine.portfolio.buckets import Breaches, Found
from engine.portfolio.columns import fault_words, undated_words
from engine.portfolio.outliers import Limits, limits_of
from engine.portfolio.repeats import Repeats
from engine.portfolio.state import Partition, State

Count = Callable[[Mapping[str, Limits]], Mapping[str, int]]
"""Per column how many values of the latest date lie beyond these limits: the rows are looked at once more."""


@dataclass(frozen=True, slots=True)
class Integrity:
    """What was found; empty means sound. ``duplicates`` is None when rows cannot be told apart."""

    rows: int
    faults: dict[str, str]
    """Per column: values that are no finite numbers; under the date's name: rows without a date."""
    negatives: dict[str, Found]
    nulls: dict[str, int]
    null_percent: dict[str, float]
    """Per column with nulls: their share, of the whole tape or of its latest date, whichever is larger."""
    duplicates: Found | None
    unnamed: Found
    """Rows without an identity."""
    too_large: dict[str, Found]
    """Parts that are larger than their whole."""
    overfull: Found
    """Rows whose parts together are larger than their whole, though none alone is."""
    outliers: dict[str, int]
    """Values of the latest date beyond ``outlier_sigma`` standard deviations from their mean."""
    repeated: tuple[str, ...] = ()
    """The identities of the first rows in ``duplicates``."""


def examine(state: State, repeats: Repeats | None, config: KpiConfig, count: Count) -> Integrity:
    """Every fact at once, from a state with checks; ``repeats`` is None where the tape has no identities."""
    whole, latest = state.whole(), state.latest
    breaches = whole.breaches or Breaches({}, Found(0))
    faults = {name: fault_words(column.fault) for name, column in whole.columns.items() if column.fault is not None}
    if state.undated is not None:
        faults[config.tape.date] = undated_words(state.undated)
    nulls = {name: column.missing for name, column in whole.columns.items() if column.missing}
    duplicates = repeats.found if repeats is not None else _without_identities(state)
    return Integrity(
        rows=state.rows,
        faults=faults,
        negatives=dict(whole.negatives),
        nulls=nulls,
        null_percent={name: _null_percent(name, whole, latest) for name in nulls},
        duplicates=duplicates,
        unnamed=state.unnamed,
        too_large=dict(breaches.too_large),
        overfull=breaches.overfull,
        outliers=_outliers(latest, config, count),
        repeated=repeats.names if repeats is not None else (),
    )


def _null_percent(name: str, *parts: Partition) -> float:
    return 100 * max(part.columns[name].missing / part.rows if part.rows else 0.0 for part in parts)


def _without_identities(state: State) -> Found | None:
    """None when rows cannot be told apart: only one row a date can."""
    dates = len(state.days) + (state.undated is not None)
    return Found(0) if (state.dated and state.rows == dates) or state.rows <= 1 else None


def _outliers(latest: Partition, config: KpiConfig, count: Count) -> dict[str, int]:
    limits, counts = {}, {}
    for name, column in latest.columns.items():
        found = limits_of(column, latest.rows, config.anomaly.outlier_sigma, config.tape.decimals)
        if found is None:
            continue
        known = latest.tails[name].beyond(found) if name in latest.tails else None
        if known is None:
            limits[name] = found
        else:
            counts[name] = known
    if limits:
        counts |= count(limits)
    return {name: counts[name] for name in latest.columns if counts.get(name)}
