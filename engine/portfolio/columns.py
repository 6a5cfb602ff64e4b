"""Columns of a tape made plain: numbers with their nulls and faults known, dates as ISO text. No pandas here."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import numpy.typing as npt

from engine.portfolio.column_state import Fault
from engine.records import harmless

Flags = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.float64]

NULLS = frozenset(
    (
        *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
        *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
    )
)
"""Texts that stand for no value."""
NUMBER_PATTERN = r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
"""What is a number, written out: no separators, no parentheses, no words."""
_NUMBER = re.compile(NUMBER_PATTERN)


@dataclass(frozen=True)
class Amounts:
    """One column of money."""

    numbers: Numbers
    """As read: NaN where there is no value and where there is no number; infinities are kept."""
    cell: Callable[[int], object]
    """The cell at a place, as it was read."""
    absent: Flags | None = None
    """Cells without a value; None: there are none but NaN, if any."""
    unparsed: Flags | None = None
    """Cells of text that is no number; None: there are none."""

    @cached_property
    def nulls(self) -> Flags:
        """Cells that count as 0."""
        found = np.isnan(self.numbers)
        return found if self.unparsed is None else found & ~self.unparsed

    @cached_property
    def faults(self) -> Flags:
        """Text that is no number, and infinities."""
        found = np.isinf(self.numbers)
        return found if self.unparsed is None else found | self.unparsed

    @cached_property
    def values(self) -> Numbers:
        """The numbers, with 0 for nulls and faults."""
        finite = np.isfinite(self.numbers)
        return self.numbers if finite.all() else np.where(finite, self.numbers, 0.0)

    def fault(self) -> str:
        """What is wrong, with count, first row and its text; empty when nothing is."""
        found = np.flatnonzero(self.faults)
        return fault_words(self.fault_at(found.size, int(found[0]), int(found[0]) + 1)) if found.size else ""

    def fault_at(self, count: int, place: int, row: int) -> Fault:
        """The fault whose first cell stands at ``place`` of this column, ``row`` of the tape."""
        return Fault(count, row, repr(harmless(self.cell(place), 40)))


def fault_words(fault: Fault) -> str:
    """The sentence about cells that are no finite numbers."""
    what = "value is no finite number" if fault.count == 1 else "values are no finite numbers"
    where = "in row" if fault.count == 1 else "first in row"
    return f"{fault.count} {what}, {where} {fault.row}: {fault.shown}"


@dataclass(frozen=True, slots=True)
class Dates:
    """The measurement dates: ``days`` ascending, ``of_row`` an index into them, -1 where a row has none."""

    days: tuple[str, ...]
    of_row: npt.NDArray[np.intp]
    undated: Fault | None = None
    """The rows without a readable date."""

    @property
    def fault(self) -> str:
        """Which rows have no readable date; empty when all have."""
        return undated_words(self.undated) if self.undated is not None else ""


def undated_words(fault: Fault) -> str:
    """The sentence about rows without a date."""
    what = "value is no date" if fault.count == 1 else "values are no dates"
    return f"{fault.count} {what} (YYYY-MM-DD), first in row {fault.row}: {fault.shown}"


def number_of(value: object) -> float | None:
    """The number, NaN for a null, None for what is neither."""
    if value is None:
        return np.nan
    if isinstance(value, bool | np.bool_):
        return None
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    return np.nan if text in NULLS else None


def day_of(value: object) -> str | None:
    """The date at the beginning of a text or time; None when there is none."""
    text = str(value).strip()
    day, rest = text[:10], text[10:]
    if (rest and rest[0] not in "T ") or len(day) != 10 or day[4] != "-":
        return None
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        return None
