"""The state of a tape's columns as SQL, in integers only: what DuckDB adds up depends on no order.

Where SQL cannot state a column exactly, ``unsaid`` counts its cells: the column is to be read by the product itself.
What is not written here, the names of files and columns, is quoted.
"""

# ruff: noqa: S608

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from engine.portfolio.column_state import REST_UNIT, ColumnState
from engine.portfolio.columns import NULLS

_FRACTION_BITS = 90
"""What of a finer value stands behind its point is added up in units of 2 to the minus this."""


def _double(value: float) -> str:
    """As SQL writes a double: without an exponent it would be a decimal."""
    text = repr(value)
    return text if "e" in text else f"{text}e0"


_MOST_UNITS, _MOST_WHOLE, _FRACTION = _double(2.0**53), _double(2.0**62), _double(2.0**_FRACTION_BITS)
_COUNTS, _RESTS = 8, 3


@dataclass(frozen=True, slots=True)
class Cells:
    """How the cells of one column are made numbers."""

    name: str
    """Of the tape's definition."""
    written: str
    """As the source names it."""
    text: bool
    """Texts, among which NULLS are none; else numbers, of which NaN is told from null."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the answer says of one column."""

    state: ColumnState
    unsaid: int
    """Cells of which SQL cannot speak exactly; ``state`` is then not to be used."""

    def with_rest(self, cells: Sequence[Any]) -> Said:
        """With what the second query says of the finer values."""
        unsaid, whole, fraction = cells
        rest = (int(whole or 0) << REST_UNIT) + (int(fraction or 0) << (REST_UNIT - _FRACTION_BITS))
        return Said(replace(self.state, rest=rest), self.unsaid + int(unsaid))


def state_query(source: str, key: str, columns: Sequence[Cells], decimals: int) -> str:
    """A row per ``key`` of the ``source``: the key, its rows, and what :func:`said_of` reads, but for finer values."""
    said = ["day", "count(*)", *(part for at in range(len(columns)) for part in _counts(at))]
    return f"SELECT {', '.join(said)} FROM {_judged(source, key, columns, decimals)} GROUP BY day"


def rest_query(source: str, key: str, columns: Sequence[Cells], decimals: int) -> str:
    """A row per ``key``: the key, and of each column what :meth:`Said.with_rest` reads."""
    split = _over(
        _judged(source, key, columns, decimals),
        # a finer value, what of it stands before the point, and what behind: both are exact
        (f"CASE WHEN m{at} IS NULL THEN y{at} END AS f{at}" for at in range(len(columns))),
        (f"CASE WHEN abs(f{at}) < {_MOST_WHOLE} THEN trunc(f{at}) END AS t{at}" for at in range(len(columns))),
        (f"(f{at} - t{at}) * {_FRACTION} AS l{at}" for at in range(len(columns))),
    )
    said = ["day", *(part for at in range(len(columns)) for part in _rests(at))]
    return f"SELECT {', '.join(said)} FROM {split} GROUP BY day"


def said_of(columns: Sequence[Cells], rows: int, cells: Sequence[Any]) -> dict[str, Said]:
    """What a row of the first answer says of its columns."""
    return {column.name: _said(column, rows, part) for column, part in zip(columns, _each(cells, _COUNTS), strict=True)}


def with_rests(said: dict[str, Said], columns: Sequence[Cells], cells: Sequence[Any]) -> dict[str, Said]:
    """The same with what a row of the second answer says of some columns."""
    parts = zip(columns, _each(cells, _RESTS), strict=True)
    return said | {column.name: said[column.name].with_rest(part) for column, part in parts}


def quoted(name: str) -> str:
    """A name of the source as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


def files(paths: Iterable[Path]) -> str:
    """A list of files as SQL writes it."""
    return "[" + ", ".join("'" + str(path.absolute()).replace("'", "''") + "'" for path in paths) + "]"


def _judged(source: str, key: str, columns: Sequence[Cells], decimals: int) -> str:
    """Of each column: r as read, x as a number, y where that counts, w a word for null or NaN, m minor units."""
    scale, places = _double(10.0**decimals), range(len(columns))
    raw = [f"{quoted(column.written)} AS r{at}" for at, column in enumerate(columns)]
    return _over(
        f"(SELECT {', '.join([f'{key} AS day', *raw])} FROM {source})",
        (f"{'TRY_CAST' if column.text else 'CAST'}(r{at} AS DOUBLE) AS x{at}" for at, column in enumerate(columns)),
        (f"CASE WHEN {_counts_as_number(at, column)} THEN x{at} END AS y{at}" for at, column in enumerate(columns)),
        (f"CASE WHEN y{at} IS NULL AND {_none(at, column)} THEN 1 END AS w{at}" for at, column in enumerate(columns)),
        (
            f"CASE WHEN abs(y{at}) * {scale} < {_MOST_UNITS} THEN CAST(y{at} * {scale} AS BIGINT) END AS u{at}"
            for at in places
        ),
        (f"CASE WHEN CAST(u{at} AS DOUBLE) / {scale} = y{at} THEN u{at} END AS m{at}" for at in places),
    )


def _over(source: str, *steps: Iterable[str]) -> str:
    """The source with further columns, step by step."""
    for step in steps:
        source = f"(SELECT *, {', '.join(step)} FROM {source})"
    return source


def _counts_as_number(at: int, column: Cells) -> str:
    return f"isfinite(x{at}) AND NOT contains(r{at}, '_')" if column.text else f"isfinite(x{at})"


def _none(at: int, column: Cells) -> str:
    if not column.text:
        return f"isnan(x{at})"
    words = ", ".join(f"'{word}'" for word in sorted(NULLS))
    return f"r{at} IN ({words})"


def _counts(at: int) -> tuple[str, ...]:
    return (
        *(f"count({letter}{at})" for letter in "rywm"),
        f"sum(m{at})",
        f"count(CASE WHEN y{at} < 0 THEN 1 END)",
        f"min(y{at})",
        f"max(y{at})",
    )


def _rests(at: int) -> tuple[str, ...]:
    odd = f"f{at} IS NOT NULL AND (t{at} IS NULL OR l{at} <> trunc(l{at}))"
    return (
        f"count(CASE WHEN {odd} THEN 1 END)",
        f"sum(CAST(t{at} AS BIGINT))",
        f"sum(CAST(l{at} AS HUGEINT))",
    )


def _each(cells: Sequence[Any], width: int) -> list[Sequence[Any]]:
    return [cells[start : start + width] for start in range(0, len(cells), width)]


def _said(column: Cells, rows: int, cells: Sequence[Any]) -> Said:
    read, numbers, none, whole, minor, negatives, low, high = cells
    nothing = ColumnState()
    state = ColumnState(
        minor=int(minor or 0),
        finer=numbers - whole,
        nulls=rows - read + (none if column.text else 0),
        nans=0 if column.text else none,
        negatives=negatives,
        minimum=nothing.minimum if low is None else low + 0.0,
        maximum=nothing.maximum if high is None else high + 0.0,
    )
    return Said(state, read - numbers - none)
