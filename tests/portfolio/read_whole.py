"""The facts about a tape's soundness, told from the tape read whole, column by column, in pandas and NumPy."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.config.kpis import KpiConfig
from engine.portfolio.buckets import FIRST_ROWS, Breaches, Found
from engine.portfolio.columns import Amounts, Flags, Numbers
from engine.portfolio.integrity import Integrity
from engine.portfolio.tape import Tape


def examine_whole(tape: Tape, config: KpiConfig) -> Integrity:
    """Every fact at once."""
    nulled = {name: column for name, column in tape.amounts.items() if column.nulls.any()}
    faults = {name: fault for name, column in tape.amounts.items() if (fault := column.fault())}
    if tape.dates is not None and tape.dates.fault:
        faults[config.tape.date] = tape.dates.fault
    breaches = _breaches(tape, config)
    negatives = {name: _found(column.values < 0) for name, column in tape.amounts.items()}
    duplicates = _duplicates(tape)
    latest = _latest(tape)
    return Integrity(
        rows=tape.rows,
        faults=faults,
        negatives={name: rows for name, rows in negatives.items() if rows.count},
        nulls={name: int(column.nulls.sum()) for name, column in nulled.items()},
        null_percent={name: _null_percent(column, latest) for name, column in nulled.items()},
        duplicates=duplicates,
        unnamed=_found(tape.ids.isna().to_numpy(dtype=np.bool_)) if tape.ids is not None else Found(0),
        too_large=dict(breaches.too_large),
        overfull=breaches.overfull,
        outliers=_outliers(tape, latest, config.anomaly.outlier_sigma),
        repeated=tuple(tape.ids.iloc[row - 1] for row in duplicates.first_rows)
        if duplicates and tape.ids is not None
        else (),
    )


def _breaches(tape: Tape, config: KpiConfig) -> Breaches:
    """Row by row."""
    too_large: dict[str, list[int]] = {}
    overfull = []
    for row in range(tape.rows) if config.tape.total in tape.amounts else ():
        limit = float(tape.amounts[config.tape.total].numbers[row]) * (1 + 1e-9)
        if not (0 <= limit < np.inf):
            continue
        parts = {name: float(tape.amounts[name].values[row]) for name in config.tape.buckets if name in tape.amounts}
        alone = [name for name, part in parts.items() if part > limit]
        for name in alone:
            too_large.setdefault(name, []).append(row + 1)
        if not alone and sum(max(part, 0.0) for part in parts.values()) > limit:
            overfull.append(row + 1)
    return Breaches({name: _rows(rows) for name, rows in too_large.items()}, _rows(overfull))


def _rows(rows: list[int]) -> Found:
    return Found(len(rows), tuple(rows[:FIRST_ROWS]))


def _found(flags: Flags) -> Found:
    rows = np.flatnonzero(flags)
    return Found(int(rows.size), tuple(int(row) + 1 for row in rows[:FIRST_ROWS]))


def _latest(tape: Tape) -> Flags | None:
    """The rows of the latest date; None: all are."""
    if tape.dates is None or not tape.dates.days or (len(tape.dates.days) == 1 and tape.dates.undated is None):
        return None
    return np.asarray(tape.dates.of_row == len(tape.dates.days) - 1, dtype=np.bool_)


def _null_percent(column: Amounts, latest: Flags | None) -> float:
    now = column.nulls if latest is None else column.nulls[latest]
    return 100 * max(float(column.nulls.mean()), float(now.mean()) if now.size else 0.0)


def _duplicates(tape: Tape) -> Found | None:
    days = tape.dates.of_row if tape.dates is not None else None
    if tape.ids is not None:
        return _repeated(tape.ids, days)
    one_row_per_period = tape.dates is not None and tape.rows == np.unique(tape.dates.of_row).size
    return Found(0) if one_row_per_period or tape.rows <= 1 else None


def _repeated(ids: pd.Series[str], days: npt.NDArray[np.intp] | None) -> Found:
    pairs = pd.DataFrame({"id": ids.to_numpy(dtype=object), "day": 0 if days is None else days})
    repeats = np.flatnonzero((pairs.duplicated() & pairs["id"].notna()).to_numpy(dtype=np.bool_))
    return Found(int(repeats.size), tuple(int(row) + 1 for row in repeats[:FIRST_ROWS]))


def _outliers(tape: Tape, latest: Flags | None, sigma: float) -> dict[str, int]:
    counts = {name: _beyond(column.numbers, latest, sigma) for name, column in tape.amounts.items()}
    return {name: count for name, count in counts.items() if count}


def _beyond(numbers: Numbers, latest: Flags | None, sigma: float) -> int:
    """In fractions: a value that lies on the limit is inside."""
    values = [Fraction(value) for value in (numbers if latest is None else numbers[latest]) if np.isfinite(value)]
    count, total = len(values), sum(values)
    apart = Fraction(sigma) ** 2 * (count * sum(value * value for value in values) - total * total)
    return sum((count * value - total) ** 2 > apart for value in values) if apart > 0 else 0
