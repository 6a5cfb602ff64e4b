"""Columns of a tape made plain: numbers with their nulls and faults known, dates as ISO text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

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
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class Amounts:
    """One column of money."""

    numbers: Numbers
    """As read: NaN where there is no value and where there is no number; infinities are kept."""
    raw: pd.Series[Any]
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
        return np.where(np.isfinite(self.numbers), self.numbers, 0.0)

    def fault(self) -> str:
        """What is wrong, with count, first row and its text; empty when nothing is."""
        found = np.flatnonzero(self.faults)
        return fault_words(self.fault_at(found.size, int(found[0]), int(found[0]) + 1)) if found.size else ""

    def fault_at(self, count: int, place: int, row: int) -> Fault:
        """The fault whose first cell stands at ``place`` of this column, ``row`` of the tape."""
        return Fault(count, row, repr(harmless(self.raw.iloc[place], 40)))


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


def amounts(raw: pd.Series[Any]) -> Amounts:
    """Read a column of money. What the file's reader did not take for numbers is read strictly, text by text.

    Narrow floats are widened before anything is added up.
    """
    if raw.dtype.kind in "iuf":
        if isinstance(raw.dtype, np.dtype):
            return Amounts(np.ascontiguousarray(raw.to_numpy(dtype=np.float64)), raw)
        absent = raw.isna().to_numpy(dtype=np.bool_)
        return Amounts(raw.to_numpy(dtype=np.float64, na_value=np.nan), raw, absent if absent.any() else None)
    read = [_number(value) for value in raw.tolist()]
    unparsed = np.array([number is None for number in read], dtype=np.bool_)
    numbers = np.array([np.nan if number is None else number for number in read], dtype=np.float64)
    absent = np.isnan(numbers) & ~unparsed
    return Amounts(numbers, raw, absent if absent.any() else None, unparsed if unparsed.any() else None)


def dates(raw: pd.Series[Any]) -> Dates:
    """Read the column of dates: ISO dates, also at the beginning of a time."""
    only = only_day(raw)
    if only is not None:
        return Dates((only,), np.zeros(len(raw), dtype=np.intp))
    codes, found = _coded(raw)
    read = [_day(value) for value in found]
    days = tuple(sorted({day for day in read if day is not None}))
    place = {day: index for index, day in enumerate(days)}
    of_value = np.array([*(-1 if day is None else place[day] for day in read), -1], dtype=np.intp)
    of_row = of_value[codes]
    wrong = np.flatnonzero(of_row < 0)
    if not wrong.size:
        return Dates(days, of_row)
    first = int(wrong[0])
    shown = "empty" if pd.isna(raw.iloc[first]) else repr(harmless(raw.iloc[first], 40))
    return Dates(days, of_row, Fault(int(wrong.size), first + 1, shown))


def only_day(raw: pd.Series[Any]) -> str | None:
    """The date, where every row has the same; None where not, or where finding it takes as long as telling them all."""
    texts = _arrow_texts(raw)
    if texts is None:
        return None
    distinct = pc.unique(texts)
    return _day(distinct[0].as_py()) if len(distinct) == 1 else None


def _coded(raw: pd.Series[Any]) -> tuple[npt.NDArray[np.integer[Any]], list[Any]]:
    """Each row's place in a list of distinct values, -1 for none."""
    texts = _arrow_texts(raw)
    if texts is None:
        codes, found = pd.factorize(raw, use_na_sentinel=True)
        return codes, list(found)
    coded = (texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts).dictionary_encode()
    return pc.fill_null(coded.indices, -1).to_numpy(), coded.dictionary.to_pylist()


def _arrow_texts(raw: pd.Series[Any]) -> Any:
    """The texts as Arrow holds them, without a copy; None for a column of another kind."""
    kind = raw.dtype
    return pa.array(raw.array) if isinstance(kind, pd.StringDtype) and kind.storage == "pyarrow" else None


def undated_words(fault: Fault) -> str:
    """The sentence about rows without a date."""
    what = "value is no date" if fault.count == 1 else "values are no dates"
    return f"{fault.count} {what} (YYYY-MM-DD), first in row {fault.row}: {fault.shown}"


def _number(value: object) -> float | None:
    """The number, NaN for a null, None for what is neither."""
    if value is None or value is pd.NA or value is pd.NaT:
        return np.nan
    if isinstance(value, bool | np.bool_):
        return None
    text = str(value).strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    return np.nan if text in NULLS else None


def _day(value: object) -> str | None:
    text = str(value).strip()
    day, rest = text[:10], text[10:]
    if (rest and rest[0] not in "T ") or len(day) != 10 or day[4] != "-":
        return None
    try:
        return date.fromisoformat(day).isoformat()
    except ValueError:
        return None
