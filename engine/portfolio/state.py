"""The mergeable state of a tape: ``state_of_columns(...)``, ``merge``, and :mod:`engine.portfolio.finalise`.

``merge`` is associative and commutative, so chunks, threads and engines may meet in any order: the same tape gives the
same bits. Rows of different dates are never added up here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.portfolio.buckets import Breaches, Found, breaches_of, rows_found
from engine.portfolio.column_state import ColumnState, Fault
from engine.portfolio.columns import Amounts, Dates
from engine.portfolio.measure import Measured, measure_all
from engine.portfolio.outliers import Tail, tail_of
from engine.portfolio.plan import Plan, product_values

Rows = slice | npt.NDArray[np.intp]

_NOTHING = ColumnState()
_NO_ROWS, _NO_TAIL = Found(0), Tail()


class OtherColumns(ValueError):
    """States that are not of one tape."""


@dataclass(frozen=True, slots=True)
class Partition:
    """The rows of one date."""

    rows: int = 0
    columns: Mapping[str, ColumnState] = field(default_factory=dict)
    products: Mapping[str, ColumnState] = field(default_factory=dict)
    """Of the expressions that must be measured row by row, by their text."""
    breaches: Breaches | None = None
    """Buckets beyond their whole; None when checks were not asked for."""
    negatives: Mapping[str, Found] = field(default_factory=dict)
    """Rows with an amount below zero, per column that has some; only for checks."""
    tails: Mapping[str, Tail] = field(default_factory=dict, compare=False)
    """The outermost values of each column; only for checks, and only of the latest date."""

    def merge(self, other: Partition) -> Partition:
        """What is known of the rows of both."""
        breaches = self.breaches
        if breaches is None or other.breaches is None:
            breaches = breaches or other.breaches
        else:
            breaches = breaches.merge(other.breaches)
        return Partition(
            self.rows + other.rows,
            _merged(self.columns, other.columns, _NOTHING),
            _merged(self.products, other.products, _NOTHING),
            breaches,
            _merged(self.negatives, other.negatives, _NO_ROWS),
            _merged(self.tails, other.tails, _NO_TAIL),
        )

    def behind(self, rows: int) -> Partition:
        """The same part with so many rows before it."""
        columns = {
            name: state if state.fault is None else replace(state, fault=state.fault.behind(rows))
            for name, state in self.columns.items()
        }
        breaches = self.breaches.behind(rows) if self.breaches is not None else None
        negatives = {name: found.behind(rows) for name, found in self.negatives.items()}
        return replace(self, columns=columns, breaches=breaches, negatives=negatives)


@dataclass(frozen=True, slots=True)
class State:
    """What is known of any number of a tape's rows."""

    decimals: int
    """Of a minor unit."""
    columns: tuple[str, ...]
    """The columns of money that are there."""
    dated: bool
    parts: Mapping[str | None, Partition]
    """By date; an undated tape has one under None."""
    undated: Fault | None = None
    """Rows of a dated tape without a readable date: they belong to no part."""
    dateless: Partition | None = None
    """What those rows hold; only for checks."""
    unnamed: Found = _NO_ROWS
    """Rows without an identity; only for checks."""

    @property
    def rows(self) -> int:
        """Of all dates, and those without."""
        return sum(part.rows for part in self.parts.values()) + (self.undated.count if self.undated else 0)

    @property
    def days(self) -> tuple[str, ...]:
        """The dates, ascending."""
        return tuple(sorted(day for day in self.parts if day is not None))

    @property
    def latest(self) -> Partition:
        """The rows of the latest date; all rows where none has a date."""
        return self.parts[self.days[-1]] if self.days else self.whole()

    def merge(self, other: State) -> State:
        """What is known of the rows of both. OtherColumns when they are not of one tape."""
        if (self.decimals, self.columns, self.dated) != (other.decimals, other.columns, other.dated):
            raise OtherColumns("states of different columns or scales cannot be merged")
        parts = dict(self.parts)
        for day, part in other.parts.items():
            parts[day] = parts[day].merge(part) if day in parts else part
        undated = self.undated.merge(other.undated) if self.undated is not None else other.undated
        dateless = self.dateless or other.dateless
        if self.dateless is not None and other.dateless is not None:
            dateless = self.dateless.merge(other.dateless)
        unnamed = self.unnamed.merge(other.unnamed)
        return State(self.decimals, self.columns, self.dated, parts, undated, dateless, unnamed)._with_last_tails()

    def _with_last_tails(self) -> State:
        """Only of the latest date, so that many dates take no more memory than one."""
        days = self.days
        older: dict[str | None, Partition] = {
            day: replace(self.parts[day], tails={}) for day in days[:-1] if self.parts[day].tails
        }
        dateless = self.dateless
        if days and dateless is not None and dateless.tails:
            dateless = replace(dateless, tails={})
        if not older and dateless is self.dateless:
            return self
        return replace(self, parts={**self.parts, **older}, dateless=dateless)

    def behind(self, rows: int) -> State:
        """The same state with so many rows of the tape before it: what names a row names a later one."""
        return replace(
            self,
            parts={day: part.behind(rows) for day, part in self.parts.items()},
            undated=self.undated.behind(rows) if self.undated is not None else None,
            dateless=self.dateless.behind(rows) if self.dateless is not None else None,
            unnamed=self.unnamed.behind(rows),
        )

    def pooled(self) -> Partition:
        """All dates together."""
        return reduce(Partition.merge, self.parts.values(), Partition())

    def whole(self) -> Partition:
        """All rows together, those without a date too where they were asked for."""
        return self.pooled().merge(self.dateless) if self.dateless is not None else self.pooled()


def state_of_columns(
    columns: Mapping[str, Amounts],
    dated: Dates | None,
    rows: int,
    plan: Plan,
    *,
    first_row: int = 1,
    checks: bool = False,
    threads: int | None = None,
) -> State:
    """The state of columns that were read; with ``checks`` also what the integrity checks ask of them."""
    chosen: dict[str | None, Rows] = {None: slice(0, rows)} if dated is None else rows_by_day(dated)
    last = max((day for day in chosen if day is not None), default=None)

    def partition(where: Rows, day: str | None) -> Partition:
        source = _Source(columns, where, rows, first_row)
        return source.partition(plan, threads, checks=checks, tails=checks and day == last)

    parts = {day: partition(where, day) for day, where in chosen.items()}
    undated, dateless = dated.undated if dated is not None else None, None
    if dated is not None and undated is not None:
        undated = Fault(undated.count, undated.row + first_row - 1, undated.shown)
        dateless = partition(np.flatnonzero(dated.of_row < 0), None) if checks else None
    return State(plan.config.tape.decimals, tuple(columns), dated is not None, parts, undated, dateless)


def rows_by_day(dated: Dates) -> dict[str | None, Rows]:
    """Which rows are of which date: a slice where they stand together, for it costs no copy."""
    if len(dated.days) == 1 and dated.undated is None:
        return {dated.days[0]: slice(0, len(dated.of_row))}
    edges = np.flatnonzero(np.diff(dated.of_row)) + 1
    if len(edges) < 2 * len(dated.days):
        bounds = [0, *edges.tolist(), len(dated.of_row)]
        runs = [(int(dated.of_row[start]), slice(start, end)) for start, end in pairwise(bounds)]
        if len({code for code, _ in runs}) == len(runs):
            return {dated.days[code]: run for code, run in runs if code >= 0}
    return {day: np.flatnonzero(dated.of_row == code) for code, day in enumerate(dated.days)}


@dataclass(frozen=True, slots=True)
class _Source:
    """Some rows of columns that were read."""

    columns: Mapping[str, Amounts]
    where: Rows
    tape_rows: int
    first_row: int

    def partition(self, plan: Plan, threads: int | None, *, checks: bool, tails: bool) -> Partition:
        section = plan.config.tape
        numbers = {name: column.numbers[self.where] for name, column in self.columns.items()}
        measured = measure_all(list(numbers.values()), section.decimals, threads, squares=checks)
        states = {
            name: self._state(column, found)
            for (name, column), found in zip(self.columns.items(), measured, strict=True)
        }
        found = Partition(self._rows, states, self._products(plan, threads))
        if not checks:
            return found
        negatives = {
            name: rows_found((numbers[name] < 0) & np.isfinite(numbers[name]), self._number)
            for name, state in states.items()
            if state.negatives
        }
        return replace(
            found,
            breaches=breaches_of(self.columns, self.where, self._number, section),
            negatives=negatives,
            tails={name: self._tail(numbers[name], states[name]) for name in numbers} if tails else {},
        )

    def _tail(self, numbers: npt.NDArray[np.float64], state: ColumnState) -> Tail:
        return tail_of(numbers, self._rows - state.missing - state.infinite - state.unparsed)

    @property
    def _rows(self) -> int:
        return self.where.stop - self.where.start if isinstance(self.where, slice) else len(self.where)

    def _number(self, place: int) -> int:
        """The row of the tape that stands at ``place`` among these."""
        return self._place(place) + self.first_row

    def _place(self, place: int) -> int:
        return self.where.start + place if isinstance(self.where, slice) else int(self.where[place])

    def _state(self, column: Amounts, found: Measured) -> ColumnState:
        state = found.state
        if column.absent is None and column.unparsed is None and not state.infinite:
            return state
        nulls, unparsed = _chosen(column.absent, self.where), _chosen(column.unparsed, self.where)
        firsts = [] if found.first_infinite is None else [found.first_infinite]
        if unparsed is not None and unparsed.any():
            firsts.append(int(np.argmax(unparsed)))
        known = _count(nulls), _count(unparsed)
        fault = None
        if firsts:
            place = self._place(min(firsts))
            fault = column.fault_at(state.infinite + known[1], place, place + self.first_row)
        return replace(state, nulls=known[0], unparsed=known[1], nans=state.nans - sum(known), fault=fault)

    def _products(self, plan: Plan, threads: int | None) -> dict[str, ColumnState]:
        def column(name: str) -> npt.NDArray[np.float64]:
            return self.columns[name].values[self.where]

        found = {}
        for text, (node, names) in plan.products.items():
            if all(name in self.columns for name in names):
                values = product_values(node, column, self._rows)
                found[text] = measure_all([values], plan.config.tape.decimals, threads)[0].state
        return found


def _chosen(flags: npt.NDArray[np.bool_] | None, where: Rows) -> npt.NDArray[np.bool_] | None:
    return None if flags is None else flags[where]


def _count(flags: npt.NDArray[np.bool_] | None) -> int:
    return 0 if flags is None else int(np.count_nonzero(flags))


def _merged(one: Mapping[str, Any], two: Mapping[str, Any], nothing: Any) -> dict[str, Any]:
    names = dict.fromkeys((*one, *two))
    return {name: one.get(name, nothing).merge(two.get(name, nothing)) for name in names}
