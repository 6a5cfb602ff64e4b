"""Buckets must fit into their whole: which rows break that, one by one and all together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import numpy.typing as npt

from engine.config.kpis import TapeSection
from engine.portfolio.columns import Amounts, Flags, Numbers
from engine.portfolio.measure import BLOCK

FIRST_ROWS = 20
"""How many rows of each fault are kept, for a sample."""
_ROUNDING = 1e-9
"""Relative: sums of parts may miss their whole by what floating point does to cents."""


@dataclass(frozen=True, slots=True)
class Found:
    """How many rows, and the first few of them, counted from 1 below the header."""

    count: int
    first_rows: tuple[int, ...] = ()

    @property
    def counted(self) -> str:
        """How many, in words."""
        return f"{self.count:,} row{'' if self.count == 1 else 's'}"

    def __str__(self) -> str:
        return f"{self.counted}, first row {next(iter(self.first_rows), 0)}"

    def merge(self, other: Found) -> Found:
        """Both together; the first rows are those that stand highest in the tape."""
        return Found(self.count + other.count, tuple(sorted((*self.first_rows, *other.first_rows))[:FIRST_ROWS]))

    def behind(self, rows: int) -> Found:
        """The same rows with so many before them."""
        return Found(self.count, tuple(row + rows for row in self.first_rows))


@dataclass(frozen=True, slots=True)
class Breaches:
    """Rows whose buckets do not fit."""

    too_large: Mapping[str, Found]
    """Per bucket that alone is larger than the whole."""
    overfull: Found
    """Rows whose buckets together are larger than the whole, though none alone is."""

    def merge(self, other: Breaches) -> Breaches:
        """Both together."""
        names = dict.fromkeys((*self.too_large, *other.too_large))
        none = Found(0)
        return Breaches(
            {name: self.too_large.get(name, none).merge(other.too_large.get(name, none)) for name in names},
            self.overfull.merge(other.overfull),
        )

    def behind(self, rows: int) -> Breaches:
        """The same rows with so many before them."""
        return Breaches(
            {name: found.behind(rows) for name, found in self.too_large.items()}, self.overfull.behind(rows)
        )


def breaches_of(
    columns: Mapping[str, Amounts],
    where: slice | npt.NDArray[np.intp],
    number: Callable[[int], int],
    section: TapeSection,
) -> Breaches:
    """The breaches among the rows ``where``; ``number`` gives the row of the tape at a place among them."""
    whole = columns.get(section.total)
    parts = {name: columns[name].values[where] for name in section.buckets if name in columns}
    found = Breaches({}, Found(0))
    if whole is None or not parts:
        return found
    wholes = whole.numbers[where]
    for start in range(0, len(wholes), BLOCK):
        block = {name: part[start : start + BLOCK] for name, part in parts.items()}
        found = found.merge(_in_block(wholes[start : start + BLOCK], block, partial(_further, number, start)))
    return found


def _in_block(whole: Numbers, parts: Mapping[str, Numbers], number: Callable[[int], int]) -> Breaches:
    """The breaches among some rows."""
    with np.errstate(all="ignore"):
        limit = whole * (1 + _ROUNDING)
        together = np.zeros(len(whole))
        for part in parts.values():
            together += np.maximum(part, 0)
        if not (together > limit).any() and not any((part > limit).any() for part in parts.values()):
            return Breaches({}, Found(0))
    judged = np.isfinite(whole) & (whole >= 0)
    over = {name: judged & (part > limit) for name, part in parts.items()}
    alone = np.any(list(over.values()), axis=0)
    too_large = {name: rows_found(flags, number) for name, flags in over.items() if flags.any()}
    return Breaches(too_large, rows_found(judged & (together > limit) & ~alone, number))


def _further(number: Callable[[int], int], start: int, place: int) -> int:
    return number(start + place)


def rows_found(flags: Flags, number: Callable[[int], int]) -> Found:
    """The rows that are flagged; ``number`` gives the row of the tape at a place among them."""
    rows = np.flatnonzero(flags)
    return Found(int(rows.size), tuple(number(int(row)) for row in rows[:FIRST_ROWS]))
