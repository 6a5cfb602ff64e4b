"""Computing the KPIs of a tape from its state: full precision, exact sums, so that no order or chunk matters."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.config.kpis import KpiConfig
from engine.portfolio.columns import Dates
from engine.portfolio.finalise import finalise
from engine.portfolio.plan import Plan, plan_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.state import state_of_columns
from engine.portfolio.tape import Tape, read_tape

ENGINE = "pandas"


def compute_tape(path: Path, config: KpiConfig, *, by_date: bool = False, pooled: bool = False) -> TapeKpis:
    """The KPIs of the tape at ``path``; with ``by_date`` also those of every date, ``pooled`` those of all together.

    TapeUnreadable when it is no tape; Refused for ``by_date`` on a tape without dates.
    """
    return compute(read_tape(path, config.tape), config, by_date=by_date, pooled=pooled)


def compute(
    tape: Tape, config: KpiConfig, *, by_date: bool = False, pooled: bool = False, plan: Plan | None = None
) -> TapeKpis:
    """The KPIs of a tape that was read; ``plan`` spares making the configuration's formulas ready again."""
    ready = plan or plan_of(config)
    state = state_of_columns(tape.amounts, tape.dates, tape.rows, ready)
    repeats = duplicates_by_day(tape.ids, tape.dates)
    return finalise(state, ready, tape.missing, repeats, ENGINE, tape.sha256, by_date=by_date, pooled=pooled)


def duplicates_by_day(ids: pd.Series[str] | None, dated: Dates | None) -> Callable[[str | None, int], int | None]:
    """How often an identity is repeated within a date of so many rows; None when rows cannot be told apart."""

    def count(day: str | None, rows: int) -> int | None:
        if ids is None:
            return 0 if day is not None and rows <= 1 else None
        named: pd.Series[Any] = ids.iloc[_rows_of(dated, day, len(ids))].dropna()
        return int(named.duplicated().sum())

    return count


def _rows_of(dated: Dates | None, day: str | None, rows: int) -> npt.NDArray[np.intp]:
    if dated is None:
        return np.arange(rows, dtype=np.intp)
    if day is None:  # no row has a readable date: none of them is known to be of now
        return np.arange(0, dtype=np.intp)
    return np.flatnonzero(dated.of_row == dated.days.index(day))
