"""The columns of an Arrow batch made plain: the same answers as for a pandas frame, without one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.portfolio.column_state import Fault
from engine.portfolio.columns import NULLS, NUMBER_PATTERN, Amounts, Dates, Numbers, day_of, number_of
from engine.portfolio.plan import Plan
from engine.portfolio.state import State, rows_by_day, state_of_columns
from engine.records import harmless


def _texts(values: Iterable[str]) -> Any:
    """An Arrow array of texts; ``pa.array`` and ``pa.scalar`` would load pandas, which takes longer than a tape."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def _number_scalar(kind: Any, value: npt.NDArray[Any]) -> Any:
    return pa.Array.from_buffers(kind, 1, [None, pa.py_buffer(value.tobytes())])[0]


_NULLS = _texts(sorted(NULLS))
_EMPTY = _texts([""])[0]
_NAN = _number_scalar(pa.float64(), np.array([np.nan]))
_NOWHERE = _number_scalar(pa.int64(), np.array([-1], dtype=np.int64))
_NUMBER = f"^(?:{NUMBER_PATTERN})$"


def state_of_batch(batch: Any, plan: Plan, first_row: int, *, day: str | None = None, buckets: bool = False) -> State:
    """The state of a record batch whose columns are named as the tape's; ``day`` is the date of all its rows."""
    section = plan.config.tape
    names = batch.schema.names
    columns: Mapping[str, Amounts] = {
        name: arrow_amounts(batch.column(name)) for name in section.amounts if name in names
    }
    dated = None
    if day is not None:
        dated = _dated(pa.repeat(_texts([day])[0], batch.num_rows))
    elif section.date in names:
        dated = _dated(batch.column(section.date))
    return state_of_columns(columns, dated, batch.num_rows, plan, first_row=first_row, buckets=buckets, threads=1)


def ids_of_batch(batch: Any, plan: Plan, day: str | None, *, words: bool) -> Iterator[tuple[str | None, Any]]:
    """The identities of each date of a batch, trimmed, without nulls, and with ``words`` without the words for null."""
    section = plan.config.tape
    ids = _trimmed(batch.column(section.id), words)
    if day is None and section.date in batch.schema.names:
        dated = _dated(batch.column(section.date))
    elif day is not None:
        dated = _dated(pa.repeat(_texts([day])[0], batch.num_rows))
    else:
        yield None, ids.drop_null()
        return
    for found, where in rows_by_day(dated).items():
        if isinstance(where, slice):
            yield found, ids.slice(where.start, where.stop - where.start).drop_null()
        else:
            yield found, ids.take(_wide(where)).drop_null()


def _trimmed(cells: Any, words: bool) -> Any:
    import pyarrow.compute as pc

    texts = _plain(cells.dictionary_decode() if pa.types.is_dictionary(cells.type) else cells)
    if words:
        texts = pc.if_else(pc.is_in(texts, value_set=_NULLS), pa.nulls(len(texts), pa.string()), texts)
    return pc.utf8_trim_whitespace(texts)


def _wide(rows: npt.NDArray[np.intp]) -> Any:
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(np.ascontiguousarray(rows, np.int64))])


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
