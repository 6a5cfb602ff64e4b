"""Columns of a tape made plain: numbers with their nulls and faults known, dates as ISO text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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


@dataclass(frozen=True, slots=True)
class Amounts:
    """One column of money. Where ``nulls`` or ``faults`` is set, ``values`` holds 0."""

    values: Numbers
    nulls: Flags
    faults: Flags
    """Text that is no number, and infinities."""
    raw: pd.Series[Any]

    def fault(self, rows: npt.NDArray[np.intp] | None = None) -> str:
        """What is wrong among ``rows`` (all when None), with count, first row and its text; empty when nothing."""
        found = np.flatnonzero(self.faults) if rows is None else rows[self.faults[rows]]
        if not found.size:
            return ""
        first = int(found[0])
        what = "value is no finite number" if found.size == 1 else "values are no finite numbers"
        where = "in row" if found.size == 1 else "first in row"
        return f"{found.size} {what}, {where} {first + 1}: {harmless(self.raw.iloc[first], 40)!r}"


@dataclass(frozen=True, slots=True)
class Dates:
    """The measurement dates: ``days`` ascending, ``of_row`` an index into them, -1 where a row has none."""

    days: tuple[str, ...]
    of_row: npt.NDArray[np.intp]
    fault: str
    """Which rows have no readable date; empty when all have."""


def amounts(raw: pd.Series[Any]) -> Amounts:
    """Read a column of money. What the file's reader did not take for numbers is read strictly, text by text."""
    if raw.dtype.kind in "iuf" and isinstance(raw.dtype, np.dtype):
        numbers = raw.to_numpy(dtype=np.float64)
        nulls = np.isnan(numbers)
        faults = np.isinf(numbers)
    else:
        read = [_number(value) for value in raw.tolist()]
        faults = np.array([number is None for number in read], dtype=np.bool_)
        numbers = np.array([np.nan if number is None else number for number in read], dtype=np.float64)
        nulls = np.isnan(numbers) & ~faults
        faults |= np.isinf(numbers)
    return Amounts(np.where(nulls | faults, 0.0, numbers), nulls, faults, raw)


def dates(raw: pd.Series[Any]) -> Dates:
    """Read the column of dates: ISO dates, also at the beginning of a time."""
    codes, found = pd.factorize(raw, use_na_sentinel=True)
    read = [_day(value) for value in found]
    days = tuple(sorted({day for day in read if day is not None}))
    place = {day: index for index, day in enumerate(days)}
    of_value = np.array([*(-1 if day is None else place[day] for day in read), -1], dtype=np.intp)
    of_row = of_value[codes]
    wrong = np.flatnonzero(of_row < 0)
    if not wrong.size:
        return Dates(days, of_row, "")
    first = int(wrong[0])
    what = "value is no date" if wrong.size == 1 else "values are no dates"
    shown = "empty" if pd.isna(raw.iloc[first]) else repr(harmless(raw.iloc[first], 40))
    return Dates(days, of_row, f"{wrong.size} {what} (YYYY-MM-DD), first in row {first + 1}: {shown}")


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
