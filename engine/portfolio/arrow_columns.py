"""The columns of an Arrow batch made plain: the same answers as for a pandas frame, without one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.portfolio.column_state import Fault
from engine.portfolio.columns import NULLS, NUMBER_PATTERN, Amounts, Dates, Numbers, day_of, number_of
from engine.portfolio.key_hashes import texts_of, trimmed
from engine.portfolio.keys import Keys
from engine.portfolio.plan import Plan
from engine.portfolio.state import State, state_of_columns
from engine.records import harmless


def _number_scalar(kind: Any, value: npt.NDArray[Any]) -> Any:
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(value.tobytes())])[0]


_NULLS = texts_of(sorted(NULLS))
_EMPTY = texts_of([""])[0]
_NAN = _number_scalar(pa.float64(), np.array([np.nan]))
_NOWHERE = _number_scalar(pa.int64(), np.array([-1], dtype=np.int64))
_NUMBER = f"^(?:{NUMBER_PATTERN})$"


def state_of_batch(batch: Any, dated: Dates | None, plan: Plan, first_row: int, *, checks: bool = False) -> State:
    """The state of a record batch whose columns are named as the tape's."""
    names = batch.schema.names
    columns: Mapping[str, Amounts] = {
        name: arrow_amounts(batch.column(name)) for name in plan.config.tape.amounts if name in names
    }
    return state_of_columns(columns, dated, batch.num_rows, plan, first_row=first_row, checks=checks, threads=1)


def dates_of_batch(batch: Any, plan: Plan, day: str | None) -> Dates | None:
    """The dates of a batch's rows; ``day`` is that of all of them, where the tape's directories say it."""
    if day is not None:
        return _dated(pa.repeat(texts_of([day])[0], batch.num_rows))
    name = plan.config.tape.date
    return _dated(batch.column(name)) if name in batch.schema.names else None


def keys_of_batch(batch: Any, dated: Dates | None, plan: Plan, *, words: bool) -> Keys:
    """The identities of a batch's rows; with ``words`` the words for null are none."""
    import pyarrow.compute as pc

    cells = batch.column(plan.config.tape.id)
    texts = _plain(cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells)
    if words:
        none = pc.is_in(texts, value_set=_NULLS)
        if none.true_count:
            texts = pc.if_else(none, pa.nulls(len(texts), pa.string()), texts)
    return Keys(trimmed(texts), _flags(texts.is_valid()) if texts.null_count else None, dated)


def arrow_amounts(cells: Any) -> Amounts:
    """Read a column of money; of text strictly, cell by cell where a cell is odd."""
    kind = cells.type
    if pa.types.is_dictionary(kind):
        return arrow_amounts(cells.dictionary_decode())
    if pa.types.is_floating(kind) or pa.types.is_integer(kind):
        absent = _flags(cells.is_null()) if cells.null_count else None
        numbers = doubles(cells if pa.types.is_float64(kind) else cells.cast(pa.float64(), safe=False))
        return Amounts(numbers, _cell(cells), absent)
    if pa.types.is_decimal(kind):  # by its text: correctly rounded
        return _from_text(cells.cast(pa.string()), cells)
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _from_text(cells, cells)
    read = [number_of(value) for value in cells.to_pylist()]
    unparsed = np.array([number is None for number in read], dtype=np.bool_)
    numbers = np.array([np.nan if number is None else number for number in read], dtype=np.float64)
    return Amounts(numbers, _cell(cells), np.isnan(numbers) & ~unparsed, unparsed)


def _from_text(texts: Any, raw: Any) -> Amounts:
    import pyarrow.compute as pc  # only for text: importing it takes as long as a small tape

    trimmed = pc.fill_null(pc.utf8_trim_whitespace(pc.cast(texts, pa.string())), _EMPTY)
    plain = pc.match_substring_regex(trimmed, _NUMBER)
    absent = pc.is_in(trimmed, value_set=_NULLS)
    known = pc.if_else(plain, pc.utf8_ltrim(trimmed, "+"), pa.nulls(len(trimmed), pa.string()))
    numbers = doubles(pc.cast(known, pa.float64())).copy()
    missing, unparsed = _flags(absent).copy(), np.zeros(len(numbers), dtype=np.bool_)
    for at in np.flatnonzero(~(_flags(plain) | missing)).tolist():
        number = number_of(texts[at].as_py())
        unparsed[at] = number is None
        missing[at] = number is not None and np.isnan(number)
        numbers[at] = np.nan if number is None else number
    return Amounts(numbers, _cell(raw), missing if missing.any() else None, unparsed if unparsed.any() else None)


def _dated(cells: Any) -> Dates:
    coded = cells if pa.types.is_dictionary(cells.type) else cells.dictionary_encode()
    values = [None if value in NULLS else value for value in _plain(coded.dictionary).to_pylist()]
    read = [day_of(value) for value in values]
    days = tuple(sorted({day for day in read if day is not None}))
    if len(read) == len(days) == 1 and not coded.null_count:
        return Dates(days, np.zeros(len(cells), dtype=np.intp))
    place = {day: at for at, day in enumerate(days)}
    of_value = np.array([*(-1 if day is None else place[day] for day in read), -1], dtype=np.intp)
    codes = np.from_dlpack(coded.indices.cast(pa.int64()).fill_null(_NOWHERE))
    of_row = of_value[codes]
    used = sorted({int(code) for code in np.unique(of_row) if code >= 0})
    if len(used) < len(days):  # a dictionary may know dates that this batch has not
        renumbered = np.full(len(days) + 1, -1, dtype=np.intp)
        renumbered[used] = np.arange(len(used))
        of_row, days = renumbered[of_row], tuple(days[at] for at in used)
    wrong = np.flatnonzero(of_row < 0)
    if not wrong.size:
        return Dates(days, of_row)
    first = int(wrong[0])
    value = None if codes[first] < 0 else values[int(codes[first])]
    shown = "empty" if value is None else repr(harmless(value, 40))
    return Dates(days, of_row, Fault(int(wrong.size), first + 1, shown))


def _plain(texts: Any) -> Any:
    return texts if pa.types.is_string(texts.type) else texts.cast(pa.string())


def doubles(cells: Any) -> Numbers:
    """An Arrow array of doubles, with NaN for null; without a copy where there is none. ``to_numpy`` loads pandas."""
    return np.from_dlpack(cells.fill_null(_NAN) if cells.null_count else cells).view(np.float64)


def _flags(cells: Any) -> Any:
    return np.from_dlpack(cells.cast(pa.uint8())).view(np.bool_)


def _cell(cells: Any) -> Any:
    return lambda place: cells[place].as_py()
