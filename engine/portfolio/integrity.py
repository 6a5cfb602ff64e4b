"""Facts about a tape's soundness; what they mean for a release is decided by the validation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from engine.config.kpis import KpiConfig
from engine.portfolio.buckets import FIRST_ROWS, Found, breaches_of
from engine.portfolio.column_state import ColumnState
from engine.portfolio.columns import Amounts, Flags, Numbers
from engine.portfolio.key_hashes import hashes_of, rows_seen_twice
from engine.portfolio.measure import BLOCK, measure_all
from engine.portfolio.tape import Tape

_APART = np.uint64(0x9E3779B97F4A7C15)
"""Keeps the same identity of different dates apart."""


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
    states = dict(zip(tape.amounts, _measured(tape, config), strict=True))
    holed = {name: column for name, column in tape.amounts.items() if states[name].nans}  # null, or no number
    nulled = {name: column for name, column in holed.items() if column.nulls.any()}
    faulty = {
        name: column for name, column in tape.amounts.items() if states[name].infinite or column.unparsed is not None
    }
    faults = {name: fault for name, column in faulty.items() if (fault := column.fault())}
    if tape.dates is not None and tape.dates.fault:
        faults[config.tape.date] = tape.dates.fault
    breaches = breaches_of(tape.amounts, slice(0, tape.rows), lambda place: place + 1, config.tape)
    latest = _latest(tape)
    return Integrity(
        rows=tape.rows,
        faults=faults,
        negatives={name: _found(column.values < 0) for name, column in tape.amounts.items() if states[name].negatives},
        nulls={name: int(column.nulls.sum()) for name, column in nulled.items()},
        null_percent={name: _null_percent(column, latest) for name, column in nulled.items()},
        duplicates=_duplicates(tape),
        unnamed=_found(tape.ids.isna().to_numpy(dtype=np.bool_)) if tape.ids is not None else Found(0),
        too_large=dict(breaches.too_large),
        overfull=breaches.overfull,
        outliers=_outliers(tape, states, latest, config.anomaly.outlier_sigma),
    )


def _measured(tape: Tape, config: KpiConfig) -> list[ColumnState]:
    return [
        found.state for found in measure_all([column.numbers for column in tape.amounts.values()], config.tape.decimals)
    ]


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
    """Rows whose (identity, date) stands above already: sought by hash, and told by what has the same one."""
    texts = pa.array(ids.array, from_pandas=True)
    texts = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    hashes = hashes_of(texts)
    if days is not None and len(days) and days.min() != days.max():
        hashes ^= (days.astype(np.uint64) + np.uint64(1)) * _APART
    rows = rows_seen_twice(hashes)
    if not rows.size:
        return Found(0)
    alike = pd.DataFrame({"id": ids.iloc[rows], "day": 0 if days is None else days[rows]})
    repeats = rows[(alike.duplicated() & alike["id"].notna()).to_numpy(dtype=np.bool_)]
    return Found(int(repeats.size), tuple(int(row) + 1 for row in repeats[:FIRST_ROWS]))


def _outliers(tape: Tape, states: Mapping[str, ColumnState], latest: Flags | None, sigma: float) -> dict[str, int]:
    def count(name: str) -> int:
        return _beyond(tape.amounts[name].numbers, states[name], latest, sigma)

    if tape.rows < BLOCK:
        counts = [count(name) for name in tape.amounts]
    else:
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            counts = list(pool.map(count, tape.amounts))
    return {name: found for name, found in zip(tape.amounts, counts, strict=True) if found}


def _beyond(numbers: Numbers, state: ColumnState, latest: Flags | None, sigma: float) -> int:
    """How many of the latest finite values lie beyond so many standard deviations from their mean."""
    values = numbers if latest is None else numbers[latest]
    if state.nans or state.infinite:
        values = values[np.isfinite(values)]
    if not values.size:
        return 0
    with np.errstate(all="ignore"):
        middle, spread = float(values.mean()), float(values.std())
        furthest = max(state.maximum - middle, middle - state.minimum)
        if not spread > 0 or furthest <= sigma * spread:
            return 0
        return int((np.abs(values - middle) > sigma * spread).sum())
