"""Facts about a tape's soundness; what they mean for a release is decided by the validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from engine.config.kpis import KpiConfig
from engine.portfolio.buckets import FIRST_ROWS, Found, breaches_of
from engine.portfolio.columns import Amounts, Flags
from engine.portfolio.tape import Tape


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


def examine(tape: Tape, config: KpiConfig) -> Integrity:
    """Every fact at once; the tape is not changed."""
    faults = {name: fault for name, column in tape.amounts.items() if (fault := column.fault())}
    if tape.dates is not None and tape.dates.fault:
        faults[config.tape.date] = tape.dates.fault
    negatives = {name: _found(column.values < 0) for name, column in tape.amounts.items()}
    breaches = breaches_of(tape.amounts, slice(0, tape.rows), lambda place: place + 1, config.tape)
    latest = _latest(tape)
    return Integrity(
        rows=tape.rows,
        faults=faults,
        negatives={name: found for name, found in negatives.items() if found.count},
        nulls={name: int(column.nulls.sum()) for name, column in tape.amounts.items() if column.nulls.any()},
        null_percent={
            name: _null_percent(column, latest) for name, column in tape.amounts.items() if column.nulls.any()
        },
        duplicates=_duplicates(tape),
        unnamed=_found(tape.ids.isna().to_numpy(dtype=np.bool_)) if tape.ids is not None else Found(0),
        too_large=dict(breaches.too_large),
        overfull=breaches.overfull,
        outliers=_outliers(tape, latest, config.anomaly.outlier_sigma),
    )


def _found(flags: Flags) -> Found:
    rows = np.flatnonzero(flags)
    return Found(int(rows.size), tuple(int(row) + 1 for row in rows[:FIRST_ROWS]))


def _latest(tape: Tape) -> Flags:
    if tape.dates is None or not tape.dates.days:
        return np.ones(tape.rows, dtype=np.bool_)
    return np.asarray(tape.dates.of_row == len(tape.dates.days) - 1, dtype=np.bool_)


def _null_percent(column: Amounts, latest: Flags) -> float:
    now = column.nulls[latest]
    return 100 * max(float(column.nulls.mean()), float(now.mean()) if now.size else 0.0)


def _duplicates(tape: Tape) -> Found | None:
    days = tape.dates.of_row if tape.dates is not None else np.zeros(tape.rows, dtype=np.intp)
    if tape.ids is not None:
        rows = pd.DataFrame({"id": tape.ids, "day": days})
        return _found((rows.duplicated() & tape.ids.notna()).to_numpy(dtype=np.bool_))
    one_row_per_period = tape.dates is not None and tape.rows == np.unique(days).size
    return Found(0) if one_row_per_period or tape.rows <= 1 else None


def _outliers(tape: Tape, latest: Flags, sigma: float) -> dict[str, int]:
    counts = {}
    for name, column in tape.amounts.items():
        values = column.values[latest & ~column.nulls & ~column.faults]
        with np.errstate(all="ignore"):
            spread = float(values.std()) if values.size else 0.0
            count = int((np.abs(values - values.mean()) > sigma * spread).sum()) if spread > 0 else 0
        if count:
            counts[name] = count
    return counts
