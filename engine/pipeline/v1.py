"""V1: row by row, exact decimals, one pass; memory does not grow with the tape."""

from __future__ import annotations

import csv
import io
import itertools
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Context, Decimal, localcontext
from typing import Any, BinaryIO

from engine.pipeline import cells
from engine.pipeline.figures import COLUMNS, DATE, Figures, Group, Kpi, TapeUnreadable

_EXACT = Context(prec=60)
_ZERO = Decimal(0)
_HUNDRED = Decimal(100)
_TEN = Decimal(10)
_LARGEST = Decimal(cells.LARGEST)
_CHUNK = 2000

Amounts = list[Decimal | None]
"""The needed amounts of one row in the order of COLUMNS; None marks a value that is no finite number."""


class V1:
    """The release in service before the cutover."""

    name = "v1"
    decimals = 1

    def compute(self, tape: BinaryIO, name: str, *, decimals: int, between: Callable[[], None]) -> Figures:
        """See :class:`engine.pipeline.figures.Program`."""
        began = time.perf_counter()
        computing = 0.0
        with localcontext(_EXACT):
            header, rows = _parquet_rows(tape) if name.endswith(".parquet") else _csv_rows(tape)
            book = _Book(header)
            while chunk := list(itertools.islice(rows, _CHUNK)):
                between()
                at = time.perf_counter()
                for when, amounts in chunk:
                    book.add(when, amounts)
                computing += time.perf_counter() - at
            at = time.perf_counter()
            groups = book.groups(decimals)
            ended = time.perf_counter()
        computing += ended - at
        return Figures(groups, book.rows, book.errors, ended - began - computing, computing)


@dataclass(slots=True)
class _Day:
    """The running sums of one measurement date."""

    rows: int = 0
    sums: list[Decimal] = field(default_factory=lambda: [_ZERO] * len(COLUMNS))
    faults: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Column number to (how many values are no finite numbers, row of the first)."""


class _Book:
    """All dates of a tape, added up row by row."""

    def __init__(self, header: list[str]) -> None:
        self.rows = 0
        self.errors = 0
        if any(header.count(column) > 1 for column in (DATE, *COLUMNS)):
            raise TapeUnreadable("the tape's header names a column twice")
        self._dated = DATE in header
        self._missing = [column for column in COLUMNS if column not in header]
        self._days: dict[str | None, _Day] = {}
        self._dates: dict[str | None, str | None] = {None: None}
        self._undated = (0, 0)

    def add(self, when: str | None, amounts: Amounts) -> None:
        """One row."""
        self.rows += 1
        if when not in self._dates:
            self._dates[when] = cells.date_of(when or "")
        date = self._dates[when]
        if date is None and self._dated:
            self._undated = (self._undated[0] + 1, self._undated[1] or self.rows)
            self.errors += 1
            return
        day = self._days.get(date)
        if day is None:
            day = self._days[date] = _Day()
        day.rows += 1
        if None in amounts:
            self.errors += 1
            self._note_faults(day, amounts)
        day.sums = [total + (amount or _ZERO) for total, amount in zip(day.sums, amounts, strict=True)]

    def _note_faults(self, day: _Day, amounts: Amounts) -> None:
        for index, amount in enumerate(amounts):
            if amount is None:
                count, first = day.faults.get(index, (0, self.rows))
                day.faults[index] = (count + 1, first)

    def groups(self, decimals: int) -> tuple[Group, ...]:
        """The KPIs of each date, oldest first; an empty tape is one group without rows."""
        days = self._days or {None: _Day()}
        return tuple(
            Group(date, day.rows, _rounded(self._kpis(day), decimals))
            for date, day in sorted(days.items(), key=lambda item: item[0] or "")
        )

    def _kpis(self, day: _Day) -> dict[str, _Exact]:
        receivable, eligible, cash, late30, late60, late90 = range(len(COLUMNS))
        sums = day.sums
        par30 = self._share(day, sums[late30] + sums[late60] + sums[late90], receivable, (late30, late60, late90))
        par90 = self._share(day, sums[late90], receivable, (late90,))
        collection = self._share(day, sums[cash], eligible, (cash,))
        return {
            "PAR30": par30,
            "PAR90": par90,
            "CollectionRate": collection,
            "PortfolioHealth": _health(par30, collection),
        }

    def _share(self, day: _Day, part: Decimal, whole: int, needs: tuple[int, ...]) -> _Exact:
        reason = self._unusable(day, (*needs, whole))
        if reason is None and day.sums[whole] == 0:
            reason = f"the sum of {COLUMNS[whole]} is zero"
        if reason is not None:
            return _Exact(None, "%", reason)
        share = part / day.sums[whole] * _HUNDRED
        if abs(share) > _LARGEST:  # no float could carry it
            return _Exact(None, "%", f"the sums of {', '.join(COLUMNS[index] for index in needs)} are too large")
        return _Exact(share, "%")

    def _unusable(self, day: _Day, needs: Iterable[int]) -> str | None:
        if self._undated[0]:
            return cells.date_reason(DATE, *self._undated)
        for index in needs:
            if COLUMNS[index] in self._missing:
                return f"the column {COLUMNS[index]} is missing"
        if day.rows == 0:
            return "the tape has no rows"
        for index in needs:
            if index in day.faults:
                return cells.fault_reason(COLUMNS[index], *day.faults[index])
        return None


@dataclass(frozen=True, slots=True)
class _Exact:
    """A KPI at full precision."""

    value: Decimal | None
    unit: str
    reason: str | None = None
    unheld: Decimal | None = None


def _health(par30: _Exact, collection: _Exact) -> _Exact:
    if par30.value is None or collection.value is None:
        missing = "PAR30" if par30.value is None else "CollectionRate"
        return _Exact(None, "score", f"{missing} is undefined: {par30.reason or collection.reason}")
    value = (_TEN - par30.value / _TEN) * (collection.value / _TEN)
    return _Exact(min(max(value, _ZERO), _TEN), "score", None, value)


def _rounded(kpis: dict[str, _Exact], decimals: int) -> dict[str, Kpi]:
    def published(value: Decimal | None) -> float | None:
        return None if value is None or abs(value) > _LARGEST else round(float(value), decimals) + 0.0

    return {name: Kpi(published(kpi.value), kpi.unit, kpi.reason, published(kpi.unheld)) for name, kpi in kpis.items()}


def _csv_rows(tape: BinaryIO) -> tuple[list[str], Iterator[tuple[str | None, Amounts]]]:
    reader = csv.reader(io.TextIOWrapper(tape, encoding="utf-8-sig", newline=""), strict=True)
    try:
        header = [name.strip() for name in next(reader)]
    except StopIteration:
        raise TapeUnreadable("the tape is empty, it has not even a header") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise TapeUnreadable(f"the tape's header cannot be read: {error}") from error
    return header, _csv_amounts(reader, header)


def _csv_amounts(reader: Iterator[list[str]], header: list[str]) -> Iterator[tuple[str | None, Amounts]]:
    width = len(header)
    date = header.index(DATE) if DATE in header else None
    wanted = [header.index(column) if column in header else None for column in COLUMNS]
    number = 0
    try:
        for row in reader:
            if not row:
                continue
            number += 1
            if len(row) != width:
                raise TapeUnreadable(f"row {number} has {len(row)} fields, {width} expected")
            amounts = [_ZERO if at is None else _amount(row[at]) for at in wanted]
            yield (None if date is None else row[date].strip()), amounts
    except (csv.Error, UnicodeDecodeError) as error:
        raise TapeUnreadable(f"the tape cannot be read after row {number}: {error}") from error


def _amount(text: str) -> Decimal | None:
    text = text.strip()
    if cells.NUMBER.fullmatch(text):
        amount = Decimal(text)
        return amount if -_LARGEST <= amount <= _LARGEST else None
    return _ZERO if text in cells.NULLS else None


def _parquet_rows(tape: BinaryIO) -> tuple[list[str], Iterator[tuple[str | None, Amounts]]]:
    import pyarrow as pa  # only for this format: a start must not wait for it
    import pyarrow.parquet as pq

    try:
        source = pq.ParquetFile(tape)
        header = list(source.schema_arrow.names)
    except (pa.ArrowException, OSError) as error:
        raise TapeUnreadable(f"the tape is no Parquet file: {error}") from error
    return header, _parquet_amounts(source, header)


def _parquet_amounts(source: Any, header: list[str]) -> Iterator[tuple[str | None, Amounts]]:
    wanted = [column for column in (DATE, *COLUMNS) if column in header]
    for batch in source.iter_batches(batch_size=_CHUNK, columns=wanted):
        for row in batch.to_pylist():
            when = row.get(DATE)
            amounts = [_ZERO if column not in row else _plain_amount(row[column]) for column in COLUMNS]
            yield (None if DATE not in header else str(when or "").strip()), amounts


def _plain_amount(value: object) -> Decimal | None:
    if value is None or value != value:
        return _ZERO
    if isinstance(value, str):
        return _amount(value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    amount = Decimal(value)
    return amount if -_LARGEST <= amount <= _LARGEST else None
