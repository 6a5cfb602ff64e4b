"""V2: by columns, in batches of the tape, double precision; memory does not grow with the tape."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from engine.pipeline import cells
from engine.pipeline.figures import COLUMNS, DATE, Figures, Group, Kpi, TapeUnreadable

_BLOCK = 1 << 17
"""Bytes of CSV read at once: larger blocks are no faster here and cost memory, which has a limit."""
_ROWS = 20_000
_NULLS = pa.array(cells.NULLS)
_NUMBER = f"^(?:{cells.NUMBER_PATTERN})$"


class V2:
    """The release that the cutover activates."""

    name = "v2"
    decimals = 2

    def compute(self, tape: BinaryIO, name: str, *, decimals: int, between: Callable[[], None]) -> Figures:
        """See :class:`engine.pipeline.figures.Program`."""
        pa.set_memory_pool(pa.system_memory_pool())  # gives back what a batch needed; the default pool keeps it
        began = time.perf_counter()
        computing = 0.0
        header, batches = _parquet_batches(tape) if name.endswith(".parquet") else _csv_batches(tape)
        if len([column for column in header if column in (DATE, *COLUMNS)]) != len({*header} & {DATE, *COLUMNS}):
            raise TapeUnreadable("the tape's header names a column twice")
        totals = _Totals(header)
        try:
            for batch in batches:
                between()
                dates, amounts = _dates(batch), [_amounts(batch, column) for column in COLUMNS]
                at = time.perf_counter()
                totals.add(dates, amounts, batch.num_rows)
                computing += time.perf_counter() - at
        except (pa.ArrowException, OSError) as error:
            raise TapeUnreadable(f"the tape cannot be read: {_first_line(error)}") from error
        at = time.perf_counter()
        groups = totals.groups(decimals)
        ended = time.perf_counter()
        computing += ended - at
        return Figures(groups, totals.rows, totals.errors, ended - began - computing, computing)


class _Day:
    """One date: for each column the sums of its batches, and its faults."""

    def __init__(self) -> None:
        self.rows = 0
        self.parts: list[list[float]] = [[] for _ in COLUMNS]
        self.faults: dict[str, tuple[int, int]] = {}

    def total(self, column: str) -> float:
        return math.fsum(self.parts[COLUMNS.index(column)])


class _Totals:
    """The sums of every date, batch by batch."""

    def __init__(self, header: list[str]) -> None:
        self.rows = 0
        self.errors = 0
        self._missing = {column for column in COLUMNS if column not in header}
        self._days: dict[str | None, _Day] = {}
        self._undated = (0, 0)

    def add(self, dates: Any, amounts: list[Any], rows: int) -> None:
        """One batch: the dates as dictionary-encoded text (None: undated), null amounts are faults."""
        faulty = pa.array([False] * rows) if dates is None else pc.is_null(dates)
        for column in amounts:
            if column is not None and column.null_count:
                faulty = pc.or_(faulty, pc.is_null(column))
        self.errors += pc.sum(faulty).as_py() or 0
        for date, where in _parts(dates, rows):
            if dates is not None and date is None:
                self._note_undated(where)
            else:
                self._add_day(date, where, amounts, rows)
        self.rows += rows

    def _note_undated(self, where: Any) -> None:
        first = self.rows + pc.index(where, True).as_py() + 1
        self._undated = (self._undated[0] + pc.sum(where).as_py(), self._undated[1] or first)

    def _add_day(self, date: str | None, where: Any | None, amounts: list[Any], rows: int) -> None:
        day = self._days.setdefault(date, _Day())
        day.rows += rows if where is None else pc.sum(where).as_py()
        for index, column in enumerate(amounts):
            if column is None:
                continue
            mine = column if where is None else column.filter(where)
            day.parts[index].append(pc.sum(mine).as_py() or 0.0)
            if mine.null_count:
                faults = pc.is_null(column) if where is None else pc.and_(pc.is_null(column), where)
                count, first = day.faults.get(COLUMNS[index], (0, self.rows + pc.index(faults, True).as_py() + 1))
                day.faults[COLUMNS[index]] = (count + mine.null_count, first)

    def groups(self, decimals: int) -> tuple[Group, ...]:
        """The KPIs of each date, oldest first; an empty tape is one group without rows."""
        days = sorted((self._days or {None: _Day()}).items(), key=lambda item: item[0] or "")
        return tuple(Group(date, day.rows, self._kpis(day, decimals)) for date, day in days)

    def _kpis(self, day: _Day, decimals: int) -> dict[str, Kpi]:
        par30, why30 = self._ratio(day, ("dpd_30_60_usd", "dpd_60_90_usd", "dpd_90_plus_usd"), "total_receivable_usd")
        par90, why90 = self._ratio(day, ("dpd_90_plus_usd",), "total_receivable_usd")
        collection, why = self._ratio(day, ("cash_available_usd",), "total_eligible_usd")
        return {
            "PAR30": Kpi(_published(par30, decimals), "%", why30),
            "PAR90": Kpi(_published(par90, decimals), "%", why90),
            "CollectionRate": Kpi(_published(collection, decimals), "%", why),
            "PortfolioHealth": _health(par30, why30, collection, why, decimals),
        }

    def _ratio(self, day: _Day, parts: tuple[str, ...], whole: str) -> tuple[float | None, str | None]:
        reason = self._unusable(day, (*parts, whole))
        if reason is not None:
            return None, reason
        below = day.total(whole)
        if below == 0:
            return None, f"the sum of {whole} is zero"
        share = math.fsum(day.total(part) for part in parts) / below * 100
        return (share, None) if math.isfinite(share) else (None, f"the sums of {', '.join(parts)} are too large")

    def _unusable(self, day: _Day, needs: tuple[str, ...]) -> str | None:
        if self._undated[0]:
            return cells.date_reason(DATE, *self._undated)
        for column in needs:
            if column in self._missing:
                return f"the column {column} is missing"
        if day.rows == 0:
            return "the tape has no rows"
        for column in needs:
            if column in day.faults:
                return cells.fault_reason(column, *day.faults[column])
        return None


def _health(par30: float | None, why30: str | None, collection: float | None, why: str | None, decimals: int) -> Kpi:
    if par30 is None:
        return Kpi(None, "score", f"PAR30 is undefined: {why30}")
    if collection is None:
        return Kpi(None, "score", f"CollectionRate is undefined: {why}")
    value = (10 - par30 / 10) * (collection / 10)
    return Kpi(_published(min(max(value, 0.0), 10.0), decimals), "score", None, _published(value, decimals))


def _published(value: float | None, decimals: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(value, decimals) + 0.0


def _parts(dates: Any, rows: int) -> Iterator[tuple[str | None, Any | None]]:
    """Each date of a batch with the mask of its rows; no mask when the whole batch is of one date."""
    if dates is None:
        yield None, None
        return
    distinct = pc.unique(dates).to_pylist()
    for date in distinct:
        if date is None:
            yield None, pc.is_null(dates)
        elif len(distinct) == 1:
            yield date, None
        else:
            yield date, pc.fill_null(pc.equal(dates, date), False)


def _csv_batches(tape: BinaryIO) -> tuple[list[str], Iterator[Any]]:
    import pyarrow.csv as pa_csv

    texts = {column: pa.string() for column in (DATE, *COLUMNS)}
    try:
        reader = pa_csv.open_csv(
            tape,
            read_options=pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False),
            convert_options=pa_csv.ConvertOptions(column_types=texts, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            raise TapeUnreadable("the tape is empty, it has not even a header") from error
        raise TapeUnreadable(f"the tape cannot be read: {_first_line(error)}") from error
    header = [name.strip() for name in reader.schema.names]
    return header, (batch.rename_columns(header) for batch in reader)


def _parquet_batches(tape: BinaryIO) -> tuple[list[str], Iterator[Any]]:
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(tape)
    except (pa.ArrowException, OSError) as error:
        raise TapeUnreadable(f"the tape is no Parquet file: {_first_line(error)}") from error
    header = list(source.schema_arrow.names)
    wanted = [column for column in (DATE, *COLUMNS) if column in header]
    return header, source.iter_batches(batch_size=_ROWS, columns=wanted)


def _dates(batch: Any) -> Any | None:
    """The batch's calendar dates as text, null where there is none; None for an undated tape."""
    if DATE not in batch.schema.names:
        return None
    texts = pc.utf8_trim_whitespace(pc.cast(batch.column(DATE), pa.string()))
    coded = texts.dictionary_encode()
    known = pa.array([cells.date_of(text or "") for text in coded.dictionary.to_pylist()], pa.string())
    return known.take(coded.indices)


def _amounts(batch: Any, column: str) -> Any | None:
    """The column as doubles: nulls of the tape are 0, what is no finite number is null. None: no such column."""
    if column not in batch.schema.names:
        return None
    raw = batch.column(column)
    if pa.types.is_string(raw.type) or pa.types.is_large_string(raw.type):
        return _from_text(raw)
    if pa.types.is_boolean(raw.type):
        return pa.nulls(len(raw), pa.float64())
    values = pc.cast(raw, pa.float64(), safe=False)
    values = pc.fill_null(pc.if_else(pc.is_nan(values), 0.0, values), 0.0)
    return _finite(values)


def _from_text(raw: Any) -> Any:
    texts = pc.utf8_trim_whitespace(pc.fill_null(raw, ""))
    number = pc.match_substring_regex(texts, _NUMBER)
    values = pc.cast(pc.if_else(number, texts, "0"), pa.float64())
    if not pc.all(number).as_py():
        absent = pc.is_in(texts, value_set=_NULLS)
        values = pc.if_else(pc.or_(number, absent), values, pa.scalar(None, pa.float64()))
    return _finite(values)


def _finite(values: Any) -> Any:
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, pa.float64()))


def _first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
