"""The KPIs of a tape by DuckDB: the definition as one SQL query over Parquet or CSV, which answers with the state.

The bits are those of every other engine. What SQL cannot say exactly (text that is no plain number, infinities, rows
without a date, a damaged file) is read by the product itself: single columns, or the whole tape. ``engine`` tells.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from engine.config.kpis import KpiConfig
from engine.errors import Refused
from engine.portfolio.column_state import ColumnState
from engine.portfolio.columns import day_of
from engine.portfolio.csv_plain import is_plain
from engine.portfolio.csv_stream import CsvPiece
from engine.portfolio.duckdb_sql import (
    Cells,
    Said,
    files,
    quoted,
    rest_query,
    said_of,
    state_query,
    with_rests,
)
from engine.portfolio.missing import missing_columns
from engine.portfolio.parquet_stream import ParquetPiece, column_names
from engine.portfolio.plan import Plan, plan_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.state import Partition, State
from engine.portfolio.stream import Streamed, nothing_of, stream_tape
from engine.portfolio.streamed import ENGINE as STREAM
from engine.portfolio.streamed import kpis_of
from engine.portfolio.tape_pieces import OpenTape, Piece, naming, open_tape

ENGINE = "duckdb"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ]?")
_PATH = re.compile(r"[^*?\[\]{}\\\x00-\x1f]+")
"""Paths that are no patterns to DuckDB."""
_EXACT = 15
"""Digits of a decimal up to which it becomes the nearest double."""


@dataclass(frozen=True, slots=True)
class _Source:
    """A tape as DuckDB reads it."""

    table: str
    key: str
    columns: tuple[Cells, ...]
    days: dict[str, str] | None = None
    """The date of each file's rows, where the names of directories say it; ``key`` is then the file."""

    def day_of(self, key: object) -> str | None:
        """The date of the rows with this key; None where it is not plainly one."""
        if self.days is not None:
            return self.days.get(str(key))
        return day_of(key) if isinstance(key, str) and _DAY.fullmatch(key) else None


def compute_on_duckdb(
    path: Path,
    config: KpiConfig,
    *,
    by_date: bool = False,
    pooled: bool = False,
    hashed: bool = True,
    duplicates: bool = False,
) -> TapeKpis:
    """As ``compute_streamed``; hash and duplicates are found by the product. Refused: DuckDB is not installed."""
    plan = plan_of(config)
    found, engine = state_by_duckdb(path, plan)
    return kpis_of(found, path, plan, engine, by_date=by_date, pooled=pooled, hashed=hashed, duplicates=duplicates)


def state_by_duckdb(path: Path, plan: Plan) -> tuple[Streamed, str]:
    """The state of the tape's columns that KPIs need, as ``stream_tape``, and who found it."""
    database, section = _duckdb(), plan.config.tape
    with naming(path):
        tape = open_tape(path, section, set(plan.needed), {section.date}, 1)
        said = _said(database, tape, plan)
    rowwise = {name for _, names in plan.products.values() for name in names}
    present = [name for name in plan.needed if name in tape.names]
    left = [name for name in present if said is None or name not in said.columns or name in rowwise]
    missing = missing_columns(plan.needed, tape.names)
    if said is not None and not left:
        return (said, missing), ENGINE
    if said is not None and set(said.columns) - set(left):
        rest = stream_tape(path, plan, columns=left)[0]
        joined = _joined(said, rest, plan)
        if joined is not None:
            return (joined, missing), f"{ENGINE}, {STREAM}"
    return stream_tape(path, plan), STREAM


def _joined(said: State, rest: State, plan: Plan) -> State | None:
    """Two states of the same rows; None where they are not of the same."""
    if {day: part.rows for day, part in said.parts.items()} != {day: part.rows for day, part in rest.parts.items()}:
        return None
    names = tuple(name for name in plan.needed if name in said.columns or name in rest.columns)
    parts = {}
    for day, part in rest.parts.items():
        columns = {**said.parts[day].columns, **part.columns}
        parts[day] = Partition(part.rows, {name: columns[name] for name in names}, part.products)
    return State(said.decimals, names, said.dated, parts)


def _said(database: Any, tape: OpenTape, plan: Plan) -> State | None:
    """The state as far as SQL can say it; None when it can say nothing of this tape."""
    pieces = tape.pieces(quick=True)
    source = _source(pieces, tape.names, plan) if pieces else None
    if source is None or not source.columns:
        return None
    interrupted = Event()
    with ThreadPoolExecutor(1) as beside, _connected(database) as connection:
        plain = beside.submit(_is_plain, pieces[0], interrupted)
        try:
            answer = _answer(connection, source, plan.config.tape.decimals)
            if not plain.result():
                return None
        except database.Error:  # the product reads what DuckDB cannot, or says what is wrong with it
            return None
        except RuntimeError as error:  # so DuckDB tells of a signal
            raise KeyboardInterrupt from error
        finally:
            interrupted.set()
    return _state(answer, source, nothing_of(tape.names, plan, plan.needed))


def _is_plain(piece: Piece, interrupted: Event) -> bool:
    return isinstance(piece, ParquetPiece) or is_plain(piece.path, piece.start, len(piece.header), interrupted)


def _connected(database: Any) -> Any:
    """To a database in memory that writes nothing and fetches nothing."""
    return database.connect(
        config={
            "threads": len(os.sched_getaffinity(0)),
            "preserve_insertion_order": False,
            "temp_directory": "",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
    )


def _answer(connection: Any, source: _Source, decimals: int) -> list[tuple[Any, int, dict[str, Said]]]:
    """Per key: its rows, and what is said of its columns. The source is read once more where it has finer values."""
    table, key, columns = source.table, source.key, source.columns
    found = connection.execute(state_query(table, key, columns, decimals)).fetchall()
    answer = {first: (rows, said_of(columns, rows, cells)) for first, rows, *cells in found}
    finer = [column for column in columns if any(said[column.name].state.finer for _, said in answer.values())]
    rests = connection.execute(rest_query(table, key, finer, decimals)).fetchall() if finer else []
    for first, *cells in rests:
        if first in answer:  # a tape that is replaced meanwhile has other dates
            rows, said = answer[first]
            answer[first] = rows, with_rests(said, finer, cells)
    return [(first, rows, said) for first, (rows, said) in answer.items()]


def _state(answer: list[tuple[Any, int, dict[str, Said]]], source: _Source, nothing: State) -> State | None:
    """None where a row has no date that SQL and the product read alike."""
    parts: dict[str | None, Partition] = {}
    unsaid = set[str]()
    for key, rows, said in answer:
        day = source.day_of(key)
        if nothing.dated and day is None:
            return None
        unsaid |= {name for name, one in said.items() if one.unsaid}
        part = Partition(rows, {name: one.state for name, one in said.items()})
        parts[day] = parts[day].merge(part) if day in parts else part
    told = tuple(column.name for column in source.columns if column.name not in unsaid)
    return State(nothing.decimals, told, nothing.dated, {day: _only(part, told) for day, part in parts.items()})


def _only(part: Partition, names: tuple[str, ...]) -> Partition:
    columns: dict[str, ColumnState] = {name: part.columns[name] for name in names}
    return Partition(part.rows, columns)


def _source(pieces: list[Piece], names: Sequence[str], plan: Plan) -> _Source | None:
    paths = list(dict.fromkeys(piece.path for piece in pieces))
    if not all(_PATH.fullmatch(str(path.absolute())) and str(path).isprintable() for path in paths):
        return None
    first = pieces[0]
    if isinstance(first, CsvPiece):
        return _of_csv(first, plan)
    return _of_parquet([piece for piece in pieces if isinstance(piece, ParquetPiece)], paths, plan)


def _of_csv(piece: CsvPiece, plan: Plan) -> _Source | None:
    """Every cell as text, in a table whose names are the places of its columns."""
    header = [name.strip() for name in piece.header]
    if len(header) < 2:
        return None
    places = {name: f"c{at}" for at, name in enumerate(header)}
    types = ", ".join(f"'{place}': 'VARCHAR'" for place in places.values())
    table = (
        f"read_csv({files([piece.path])}, auto_detect=false, header=false, skip=1, columns={{{types}}}, delim=',', "
        "quote='\"', escape='\"', strict_mode=true, null_padding=false, ignore_errors=false, compression='none')"
    )
    date = plan.config.tape.date
    key = f"left({places[date]}, 11)" if date in places else "NULL"
    columns = tuple(Cells(name, places[name], True) for name in plan.needed if name in places)
    return _Source(table, key, columns)


def _of_parquet(pieces: list[ParquetPiece], paths: list[Path], plan: Plan) -> _Source | None:
    """The columns that all files hold as one kind of number."""
    schemas = [piece.metadata.schema.to_arrow_schema() for piece in {piece.path: piece for piece in pieces}.values()]
    raw = column_names(pieces[0].metadata)
    if len({name.lower() for name in raw}) < len(raw):  # the same to DuckDB
        return None
    if any(set(schema.names) != set(raw) for schema in schemas):
        return None
    written = {name.strip(): name for name in raw}
    date = plan.config.tape.date
    days = {str(piece.path.absolute()): piece.day for piece in pieces}
    table = f"read_parquet({files(paths)}, hive_partitioning=false, filename=true)"
    columns = tuple(
        Cells(name, written[name], False)
        for name in plan.needed
        if name in written and _one_kind([schema.field(written[name]).type for schema in schemas], _is_number)
    )
    if "filename" in {name.lower() for name in raw}:
        return None
    known = {path: read for path, day in days.items() if day is not None and (read := day_of(day)) is not None}
    if known:
        return _Source(table, "filename", columns, known) if len(known) == len(days) else None
    if date not in written:
        return _Source(table, "NULL", columns) if not any(days.values()) else None
    kinds = [schema.field(written[date]).type for schema in schemas]
    if _one_kind(kinds, _is_text):
        return _Source(table, f"left({quoted(written[date])}, 11)", columns)
    if _one_kind(kinds, _is_day):
        return _Source(table, f"CAST(CAST({quoted(written[date])} AS DATE) AS VARCHAR)", columns)
    return None


def _one_kind(kinds: list[Any], wanted: Any) -> bool:
    return all(kind == kinds[0] for kind in kinds) and bool(wanted(kinds[0]))


def _is_number(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_decimal(kind):
        return bool(kind.precision <= _EXACT and 0 <= kind.scale <= _EXACT)
    return bool(pa.types.is_float32(kind) or pa.types.is_float64(kind) or pa.types.is_integer(kind))


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    inner = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(inner) or pa.types.is_large_string(inner))


def _is_day(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_date32(kind) or (pa.types.is_timestamp(kind) and kind.tz is None))


def _duckdb() -> Any:
    try:
        return importlib.import_module("duckdb")
    except ImportError as error:
        raise Refused(
            "--engine duckdb needs DuckDB, which is not installed", "pip install 'abaco-ops[duckdb]'"
        ) from error
