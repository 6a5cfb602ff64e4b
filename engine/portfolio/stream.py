"""A tape of any size as a stream of states: memory stays flat, and the figures are those of the tape read whole."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import reduce
from pathlib import Path
from typing import Any

from engine.errors import OpsError
from engine.portfolio.arrow_columns import state_of_batch
from engine.portfolio.csv_stream import CsvPiece, OddCells, csv_batches, csv_header, cut
from engine.portfolio.missing import missing_columns
from engine.portfolio.parquet_stream import parquet_batches, parquet_files, parquet_header, parquet_pieces
from engine.portfolio.plan import Plan
from engine.portfolio.state import OtherColumns, State
from engine.portfolio.unreadable import TapeUnreadable, check_names
from engine.records import harmless

_PARQUET = b"PAR1"

Streamed = tuple[State, dict[str, str]]
"""The state of a tape, and the sentence about each wanted column that is not there."""


def stream_tape(
    path: Path, plan: Plan, *, columns: Sequence[str] | None = None, workers: int | None = None
) -> Streamed:
    """The state of the tape at ``path``, of ``columns`` (None: those that KPIs need). TapeUnreadable if it is none."""
    wanted = tuple(columns if columns is not None else plan.needed)
    cores = workers or len(os.sched_getaffinity(0))
    try:
        return _parquet(path, plan, wanted, cores) if _is_parquet(path) else _csv(path, plan, wanted, cores)
    except OtherColumns as error:
        fix = "one tape, one set of columns"
        raise TapeUnreadable(f"{harmless(path)} has files with different columns", fix) from error
    except TapeUnreadable as error:
        raise TapeUnreadable(f"{harmless(path)} {error.what}", error.fix) from error
    except OpsError:
        raise
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else harmless(error)
        raise TapeUnreadable(f"{harmless(path)} cannot be read: {said}", "give a CSV or Parquet file") from error


def _is_parquet(path: Path) -> bool:
    if path.is_dir():
        return True
    with path.open("rb") as file:
        return file.read(4) == _PARQUET


def _csv(path: Path, plan: Plan, wanted: tuple[str, ...], workers: int) -> Streamed:
    header, first = csv_header(path)
    names = [name.strip() for name in header]
    check_names(names)
    amounts, texts = set(wanted), {plan.config.tape.date}

    def quick(piece: CsvPiece) -> State:
        state = _folded(csv_batches(piece, amounts, texts, quick=True), plan, nothing)
        _refuse_odd(state)
        return state

    def strict(piece: CsvPiece) -> State:
        return _folded(csv_batches(piece, amounts, texts, quick=False), plan, nothing)

    nothing = _nothing(plan, names, wanted)
    try:
        state = _side_by_side(cut(path, header, first, 4 * workers), quick, workers)
    except OddCells:
        state = _side_by_side(cut(path, header, first, 1), strict, 1)
    return state or nothing, missing_columns(wanted, names)


def _parquet(path: Path, plan: Plan, wanted: tuple[str, ...], workers: int) -> Streamed:
    date = plan.config.tape.date
    files = parquet_files(path)
    names = [name.strip() for name in parquet_header(files)[0]]
    check_names(names)
    pieces = parquet_pieces(path, files, date, workers)
    if any(piece.day is not None for piece in pieces):
        names.append(date)
    nothing = _nothing(plan, names, wanted)

    def state(piece: Any) -> State:
        batches = parquet_batches(piece, {*wanted, date}, date)
        return _folded(batches, plan, nothing, piece.day)

    return _side_by_side(pieces, state, workers) or nothing, missing_columns(wanted, names)


def _refuse_odd(state: State) -> None:
    """Words for infinity and for NaN are numbers to the quick way; strictly they are none."""
    for part in state.parts.values():
        for name, column in part.columns.items():
            if column.infinite or column.nans:
                raise OddCells(name)


def _nothing(plan: Plan, names: list[str], wanted: tuple[str, ...]) -> State:
    section = plan.config.tape
    present = tuple(name for name in section.amounts if name in wanted and name in names)
    return State(section.decimals, present, section.date in names, {})


def _folded(batches: Iterator[Any], plan: Plan, nothing: State, day: str | None = None) -> State:
    state, rows = nothing, 0
    for batch in batches:
        state = state.merge(state_of_batch(batch, plan, rows + 1, day=day))
        rows += batch.num_rows
    return state


def _side_by_side(pieces: Sequence[Any], state_of: Callable[[Any], State], workers: int) -> State | None:
    """The states of all pieces as one: each counts its rows from 1, so it is moved behind those before it."""
    if workers < 2 or len(pieces) < 2:
        states = [state_of(piece) for piece in pieces]
    else:
        with ThreadPoolExecutor(workers) as pool:
            states = list(pool.map(state_of, pieces))
    return reduce(lambda before, state: before.merge(state.behind(before.rows)), states) if states else None
