"""The columns of a tape and what each holds, told from its head: to see when a source begins to send something else."""

from __future__ import annotations

import csv
import io
import itertools
from pathlib import Path
from typing import Any

from engine.config.kpis import TapeSection
from engine.portfolio.columns import NULLS, day_of, number_of
from engine.portfolio.csv_stream import csv_header
from engine.portfolio.parquet_stream import parquet_files
from engine.portfolio.tape_pieces import naming, open_tape
from engine.records import harmless
from engine.records.regular import open_regular

HEAD = 200
"""Rows of a CSV tape that its kinds are told from."""
EMPTY = "empty"
"""A column without a value among those rows: nothing can be said of its kind."""


def schema_of(path: Path, section: TapeSection) -> dict[str, str]:
    """Each column with its kind: number, date, text, or empty. TapeUnreadable when it is no tape."""
    with naming(path):
        names = open_tape(path, section, set(), set(), 1).names
        kinds = _parquet_kinds(path) if path.is_dir() or _starts_as_parquet(path) else _csv_kinds(path)
    return {harmless(name, 100): kinds.get(name, "date" if name == section.date else EMPTY) for name in names}


def _starts_as_parquet(path: Path) -> bool:
    with open_regular(path) as file:
        return file.read(4) == b"PAR1"


def _parquet_kinds(path: Path) -> dict[str, str]:
    import pyarrow.parquet as pq

    schema = pq.read_schema(parquet_files(path)[0])
    return {field.name.strip(): _kind_of_type(field.type) for field in schema}


def _kind_of_type(kind: Any) -> str:
    import pyarrow as pa

    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return "number"
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return "date"
    return EMPTY if pa.types.is_null(kind) else "text"


def _csv_kinds(path: Path) -> dict[str, str]:
    header, _ = csv_header(path)
    with io.TextIOWrapper(open_regular(path), encoding="utf-8-sig", errors="replace", newline="") as file:
        rows = list(itertools.islice(csv.reader(file), 1, 1 + HEAD))
    columns = itertools.zip_longest(*rows, fillvalue="")
    return {name.strip(): _kind_of_cells(cells) for name, cells in zip(header, columns, strict=False)}


def _kind_of_cells(cells: tuple[str, ...]) -> str:
    held = [cell.strip() for cell in cells if cell.strip() not in NULLS]
    if not held:
        return EMPTY
    if all(number_of(cell) is not None for cell in held):
        return "number"
    return "date" if all(day_of(cell) is not None for cell in held) else "text"
