"""The columns of a pandas frame made plain."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from engine.portfolio.column_state import Fault
from engine.portfolio.columns import Amounts, Dates, day_of, number_of
from engine.portfolio.key_hashes import trimmed
from engine.records import harmless


def amounts(raw: pd.Series[Any]) -> Amounts:
    """Read a column of money. What the file's reader did not take for numbers is read strictly, text by text.

    Narrow floats are widened before anything is added up.
    """

    def cell(place: int) -> object:
        return raw.iloc[place]

    kind = raw.dtype  # asked once: pandas takes its time to answer
    if kind == np.float64:
        return Amounts(np.ascontiguousarray(raw.to_numpy()), cell)
    if kind.kind in "iuf":
        if isinstance(kind, np.dtype):
            return Amounts(np.ascontiguousarray(raw.to_numpy(dtype=np.float64)), cell)
        absent = raw.isna().to_numpy(dtype=np.bool_)
        return Amounts(raw.to_numpy(dtype=np.float64, na_value=np.nan), cell, absent if absent.any() else None)
    read = [number_of(_plain(value)) for value in raw.tolist()]
    unparsed = np.array([number is None for number in read], dtype=np.bool_)
    numbers = np.array([np.nan if number is None else number for number in read], dtype=np.float64)
    absent = np.isnan(numbers) & ~unparsed
    return Amounts(numbers, cell, absent if absent.any() else None, unparsed if unparsed.any() else None)


def dates(raw: pd.Series[Any]) -> Dates:
    """Read the column of dates: ISO dates, also at the beginning of a time."""
    only = only_day(raw)
    if only is not None:
        return Dates((only,), np.zeros(len(raw), dtype=np.intp))
    codes, found = _coded(raw)
    read = [day_of(value) for value in found]
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


def identities(raw: pd.Series[Any]) -> Any:
    """The column of identities as one Arrow array of texts, trimmed, null where there is none."""
    texts = _arrow_texts(raw)
    if texts is None:
        texts = pa.array(raw.astype("str").mask(raw.isna()).array, pa.string(), from_pandas=True)
    whole = texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts
    return trimmed(whole)


def only_day(raw: pd.Series[Any]) -> str | None:
    """The date, where every row has the same; None where not, or where finding it takes as long as telling them all."""
    texts = _arrow_texts(raw)
    if texts is None:
        return None
    distinct = pc.unique(texts)
    return day_of(distinct[0].as_py()) if len(distinct) == 1 else None


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


def _plain(value: object) -> object:
    return None if value is pd.NA or value is pd.NaT else value
