"""One pass over a tape for what must hold within its rows, whatever its size: only the columns asked about are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import numpy as np

from engine.config.kpis import KpiConfig
from engine.portfolio.arrow_columns import arrow_amounts
from engine.portfolio.columns import Numbers
from engine.portfolio.csv_stream import OddCells
from engine.portfolio.row_rules import Broken, Key, RowRule, judge_block, needs_rows, rules_of
from engine.portfolio.tape_pieces import How, naming, open_tape
from engine.records import harmless


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
    section = config.tape
    with naming(path):
        names = tuple(open_tape(path, section, set(), set(), workers).names)
        unread = unread_ages(config, names)
        if not needs_rows(config.checks, names, unread):
            return RowFacts(names, unread, 0, {})
        rules = rules_of(config, names, unread)
        wanted = {name for rule in rules for name in rule.columns}
        labels = [name for name in (section.id, section.date) if name in names and name not in wanted]
        tape = open_tape(path, section, wanted, set(labels), workers)
        most = config.checks.sample_rows
        found = tape.each(lambda batches, how: _judged(batches, how, rules, labels, most))
    rows, broken = 0, dict.fromkeys((rule.key for rule in rules), Broken())
    for in_piece, of_piece in found:
        broken = _merged(broken, of_piece, rows, most)
        rows += in_piece
    return RowFacts(names, unread, rows, broken)


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
