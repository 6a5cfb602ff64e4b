"""A tape of any size as a stream of states: memory stays flat, and the figures are those of the tape read whole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from pathlib import Path
from typing import Any

from engine.portfolio.arrow_columns import state_of_batch
from engine.portfolio.csv_stream import OddCells
from engine.portfolio.missing import missing_columns
from engine.portfolio.plan import Plan
from engine.portfolio.state import OtherColumns, State
from engine.portfolio.tape_pieces import How, naming, open_tape
from engine.portfolio.unreadable import TapeUnreadable

Streamed = tuple[State, dict[str, str]]
"""The state of a tape, and the sentence about each wanted column that is not there."""


def stream_tape(
    path: Path, plan: Plan, *, columns: Sequence[str] | None = None, workers: int | None = None
) -> Streamed:
    """The state of the tape at ``path``, of ``columns`` (None: those that KPIs need). TapeUnreadable if it is none."""
    section = plan.config.tape
    wanted = tuple(columns if columns is not None else plan.needed)
    with naming(path):
        tape = open_tape(path, section, set(wanted), {section.date}, workers)
        names = tape.names
        present = tuple(name for name in section.amounts if name in wanted and name in names)
        nothing = State(section.decimals, present, section.date in names, {})
        try:
            states = tape.each(lambda batches, how: _folded(batches, how, plan, nothing))
            # each piece counts its rows from 1: it is moved behind those before it
            state = reduce(lambda before, state: before.merge(state.behind(before.rows)), states, nothing)
        except OtherColumns as error:
            raise TapeUnreadable("has files with different columns", "one tape, one set of columns") from error
    return state, missing_columns(wanted, names)


def _folded(batches: Iterator[Any], how: How, plan: Plan, nothing: State) -> State:
    state, rows = nothing, 0
    for batch in batches:
        state = state.merge(state_of_batch(batch, plan, rows + 1, day=how.day))
        rows += batch.num_rows
    if how.quick:
        _refuse_odd(state)
    return state


def _refuse_odd(state: State) -> None:
    """Words for infinity and for NaN are numbers to the quick way; strictly they are none."""
    for part in state.parts.values():
        for name, column in part.columns.items():
            if column.infinite or column.nans:
                raise OddCells(name)
