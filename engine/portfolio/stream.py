"""A tape of any size as a stream of states: memory stays flat, and the figures are those of the tape read whole."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial, reduce
from pathlib import Path
from typing import Any

from engine.portfolio.arrow_columns import dates_of_batch, keys_of_batch, state_of_batch
from engine.portfolio.buckets import rows_found
from engine.portfolio.csv_stream import OddCells
from engine.portfolio.key_hashes import Hashes
from engine.portfolio.missing import missing_columns
from engine.portfolio.plan import Plan
from engine.portfolio.repeats import Gathered
from engine.portfolio.state import OtherColumns, State
from engine.portfolio.tape_pieces import How, OpenTape, Told, naming, open_tape
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
        state, _ = fold_tape(tape, plan, wanted, checks=False)
    return state, missing_columns(wanted, tape.names)


def fold_tape(
    tape: OpenTape, plan: Plan, wanted: Sequence[str], *, checks: bool, told: Told | None = None
) -> tuple[State, list[list[Hashes]]]:
    """The state of an open tape; with ``checks`` also what these ask, and the hashes of its identities, in ranges."""
    section = plan.config.tape
    nothing = nothing_of(tape.names, plan, wanted)
    keyed = checks and section.id in tape.names

    def work(batches: Iterator[Any], how: How) -> tuple[State, list[list[Hashes]]]:
        return _folded(batches, how, plan, nothing, checks=checks, keyed=keyed)

    try:
        found = tape.each(work, told)
        state = in_order(nothing, (one for one, _ in found))
    except OtherColumns as error:
        raise TapeUnreadable("has files with different columns", "one tape, one set of columns") from error
    return state, [part for _, ranges in found for part in ranges]


def nothing_of(names: Sequence[str], plan: Plan, wanted: Sequence[str]) -> State:
    """The state of no row of a tape with these columns."""
    section = plan.config.tape
    present = tuple(name for name in section.amounts if name in wanted and name in names)
    return State(section.decimals, present, section.date in names, {})


def in_order(nothing: State, found: Iterable[State]) -> State:
    """The state of a tape from those of its pieces. OtherColumns when they are not of one tape."""
    # each piece counts its rows from 1: it is moved behind those before it
    return reduce(lambda before, state: before.merge(state.behind(before.rows)), found, nothing)


def state_of_piece(batches: Iterator[Any], how: How, plan: Plan, nothing: State) -> State:
    """The state of one piece, without what checks ask. OddCells where the quick way must end."""
    return _folded(batches, how, plan, nothing, checks=False, keyed=False)[0]


def _folded(
    batches: Iterator[Any], how: How, plan: Plan, nothing: State, *, checks: bool, keyed: bool
) -> tuple[State, list[list[Hashes]]]:
    state, rows, gathered = nothing, 0, Gathered()
    for batch in batches:
        dated = dates_of_batch(batch, plan, how.day)
        found = state_of_batch(batch, dated, plan, rows + 1, checks=checks)
        if keyed:
            keys = keys_of_batch(batch, dated, plan, words=how.words)
            gathered.add(keys.hashes())
            if keys.named is not None:
                found = replace(found, unnamed=rows_found(~keys.named, partial(operator.add, rows + 1)))
        state = state.merge(found)
        rows += batch.num_rows
    if how.quick:
        _refuse_odd(state)
    return state, gathered.ranges()


def _refuse_odd(state: State) -> None:
    """Words for infinity and for NaN are numbers to the quick way; strictly they are none."""
    for part in (*state.parts.values(), *((state.dateless,) if state.dateless is not None else ())):
        for name, column in part.columns.items():
            if column.infinite or column.nans:
                raise OddCells(name)
