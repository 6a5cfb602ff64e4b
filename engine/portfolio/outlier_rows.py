"""Which rows of a tape hold the first outliers of each column: read again from its beginning, until they are found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.kpis import KpiConfig
from engine.portfolio.arrow_columns import arrow_amounts, dates_of_batch
from engine.portfolio.columns import Dates, Flags
from engine.portfolio.outliers import limits_of
from engine.portfolio.plan import plan_of
from engine.portfolio.state import State
from engine.portfolio.tape_pieces import AllFound, How, naming, open_tape


def first_outliers(path: Path, state: State, config: KpiConfig, counts: Mapping[str, int]) -> dict[str, list[int]]:
    """Per column with outliers, the first ``checks.sample_rows`` rows that hold one, counted from 1 below the header.

    ``state`` is that of the tape, ``counts`` how many it has. TapeUnreadable when the tape is none any more.
    """
    latest, plan = state.latest, plan_of(config)
    limits = {
        name: limits_of(latest.columns[name], latest.rows, config.anomaly.outlier_sigma, config.tape.decimals)
        for name in counts
    }
    wanted = {name: min(count, config.checks.sample_rows) for name, count in counts.items()}
    day = state.days[-1] if state.days else None
    found: dict[str, list[int]] = {name: [] for name in counts}
    before = [0]

    def work(batches: Iterator[Any], how: How) -> None:
        if how.words and not how.quick:  # what the quick way could not take is read again, from the beginning
            before[0] = 0
            found.update({name: [] for name in counts})
        for batch in batches:
            dated = dates_of_batch(batch, plan, how.day)
            for name, beyond in limits.items():
                left = wanted[name] - len(found[name])
                if left > 0 and beyond is not None:
                    numbers = arrow_amounts(batch.column(name)).numbers
                    outside = ((numbers < beyond[0]) | (numbers > beyond[1])) & np.isfinite(numbers)
                    places = np.flatnonzero(outside & _of_day(dated, day, batch.num_rows))[:left]
                    found[name] += [before[0] + place + 1 for place in places.tolist()]
            before[0] += batch.num_rows
            if all(len(found[name]) == wanted[name] for name in counts):
                raise AllFound

    with naming(path), suppress(AllFound):
        # one worker: the pieces come one after another, in the order of the tape
        open_tape(path, config.tape, set(counts), {config.tape.date}, 1).each(work)
    return found


def _of_day(dated: Dates | None, day: str | None, rows: int) -> Flags:
    """The rows of the latest date; all where none has a date."""
    if dated is None or day is None:
        return np.ones(rows, dtype=np.bool_)
    return dated.of_row == dated.days.index(day) if day in dated.days else np.zeros(rows, dtype=np.bool_)
