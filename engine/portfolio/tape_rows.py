"""One pass over a tape for what must hold within its rows, whatever its size: only the columns asked about are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.kpis import KpiConfig
from engine.portfolio.arrow_columns import arrow_amounts
from engine.portfolio.columns import NULLS, Numbers
from engine.portfolio.csv_stream import OddCells
from engine.portfolio.row_rules import Broken, Key, RowRule, judge_block, needs_rows, rules_of
from engine.portfolio.tape_pieces import AllFound, How, naming, open_tape
from engine.records import harmless

EMPTY = "empty"
"""What is shown of a cell without a value."""


@dataclass(frozen=True, slots=True)
class RowFacts:
    """What the rows of a tape hold to, by the key of each rule that could be asked."""

    names: tuple[str, ...]
    """Every column of the tape."""
    unread: tuple[str, ...]
    """Columns of money by age that are no buckets."""
    rows: int
    broken: Mapping[Key, Broken]


def look_at_rows(path: Path, config: KpiConfig, *, workers: int | None = None) -> RowFacts:
    """Judge every row. TapeUnreadable when it is no tape; FormulaError for a formula that cannot be used."""
    with naming(path):
        names = tuple(open_tape(path, config.tape, set(), set(), workers).names)
    unread = unread_ages(config, names)
    if not needs_rows(config.checks, names, unread):
        return RowFacts(names, unread, 0, {})
    rows, broken = judge_rows(path, config, rules_of(config, names, unread), names, workers=workers)
    return RowFacts(names, unread, rows, broken)


def judge_rows(
    path: Path, config: KpiConfig, rules: Sequence[RowRule], names: Sequence[str], *, workers: int | None = None
) -> tuple[int, dict[Key, Broken]]:
    """How many rows there are, and what each rule found. ``names``: the columns of the tape."""
    section, most = config.tape, config.checks.sample_rows
    with naming(path):
        wanted = {name for rule in rules for name in rule.columns}
        labels = [name for name in (section.id, section.date) if name in names and name not in wanted]
        tape = open_tape(path, section, wanted, set(labels), workers)
        found = tape.each(lambda batches, how: _judged(batches, how, rules, labels, most))
    rows, broken = 0, dict.fromkeys((rule.key for rule in rules), Broken())
    for in_piece, of_piece in found:
        broken = _merged(broken, of_piece, rows, most)
        rows += in_piece
    return rows, broken


@dataclass(frozen=True, slots=True)
class Cells:
    """One row of a tape as it is written."""

    name: str
    """Its identity and date, as far as the tape has them."""
    cells: Mapping[str, str]


def read_rows(path: Path, config: KpiConfig, rows: Sequence[int], columns: Sequence[str]) -> dict[int, Cells]:
    """Single rows, counted from 1 below the header, with the cells of these columns. TapeUnreadable."""
    section = config.tape
    wanted, found = sorted(set(rows)), dict[int, Cells]()
    before = [0]
    with naming(path):
        names = open_tape(path, section, set(), set(), 1).names
        labels = [name for name in (section.id, section.date) if name in names]
        shown = [name for name in columns if name in names]

        def work(batches: Iterator[Any], how: How) -> None:
            if how.words and not how.quick:  # what the quick way could not take is read again, from the beginning
                before[0] = 0
                found.clear()
            for batch in batches:
                name = _namer(batch, how, labels)
                for row in wanted:
                    place = row - 1 - before[0]
                    if 0 <= place < batch.num_rows:
                        cells = {column: _cell(batch.column(column)[place].as_py()) for column in shown}
                        found[row] = Cells(name(place), cells)
                before[0] += batch.num_rows
                if len(found) == len(wanted):
                    raise AllFound

        # one worker: the pieces come one after another, in the order of the tape
        with suppress(AllFound):
            open_tape(path, section, set(), {*shown, *labels}, 1).each(work)
    return found


def _cell(value: object) -> str:
    text = "" if value is None else str(value).strip()
    return EMPTY if text in NULLS else harmless(text, 40)


def unread_ages(config: KpiConfig, names: Sequence[str]) -> tuple[str, ...]:
    """The columns that look like money by its age and are no configured amount."""
    form = config.checks.ages
    return tuple(name for name in names if form and fnmatchcase(name, form) and name not in config.tape.amounts)


def _judged(
    batches: Iterator[Any], how: How, rules: Sequence[RowRule], labels: Sequence[str], most: int
) -> tuple[int, dict[Key, Broken]]:
    rows, found = 0, dict.fromkeys((rule.key for rule in rules), Broken())
    wanted = {name for rule in rules for name in rule.columns}
    for batch in batches:
        columns = {name: _numbers(batch.column(name), how) for name in wanted}
        found = _merged(found, judge_block(rules, columns, _namer(batch, how, labels), most), rows, most)
        rows += batch.num_rows
    return rows, found


def _merged(before: dict[Key, Broken], new: Mapping[Key, Broken], rows: int, most: int) -> dict[Key, Broken]:
    return {key: one.merge(new[key].behind(rows), most) if key in new else one for key, one in before.items()}


def _numbers(cells: Any, how: How) -> Numbers:
    """The column as numbers: NaN where there is none, and for text that is none."""
    read = arrow_amounts(cells)
    if how.quick and not np.isfinite(read.numbers if read.absent is None else read.numbers[~read.absent]).all():
        raise OddCells("a word for NaN or infinity")
    return read.numbers


def _namer(batch: Any, how: How, labels: Sequence[str]) -> Callable[[int], str]:
    def name(place: int) -> str:
        cells = [batch.column(label)[place].as_py() for label in labels if label in batch.schema.names]
        cells += [how.day] if how.day is not None else []
        return ", ".join(harmless(cell, 40) for cell in cells if cell not in (None, ""))

    return name
