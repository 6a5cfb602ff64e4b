"""What a run published, read back from each of its files: JSON, CSV and Parquet.

A table (CSV, Parquet) has one row per date and KPI with at least the columns run_id, measurement_date, rows,
kpi, value; reason where a value is undefined.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.config import Deployment
from engine.records import harmless
from engine.validation.runs import NotPublished, Output, Run, read_output

NAMES = {"json": "JSON", "csv": "CSV", "parquet": "Parquet"}
"""The formats that can be read back, by the end of a file's name."""
_COLUMNS = ("run_id", "measurement_date", "rows", "kpi", "value")


@dataclass(frozen=True, slots=True)
class Table:
    """One published table: per measurement date (None: undated) what :func:`agreement.compare` takes."""

    name: str
    groups: Mapping[str | None, Mapping[str, Any]]


def kind(output: Output) -> str:
    """The format of an output: the end of its name, as ``pipeline.formats`` writes it."""
    return PurePosixPath(output.path).suffix[1:].lower()


def read_table(deployment: Deployment, run: Run, output: Output) -> Table:
    """The values in a CSV or Parquet file. NotPublished when it is not what the run wrote, or cannot be read."""
    shown = harmless(output.path)
    if kind(output) not in _READ:
        raise NotPublished(f"{shown} is in a format that cannot be read back: {harmless(kind(output), 20) or 'none'}")
    data = read_output(deployment, output)
    if not data:
        raise NotPublished(f"{shown} is empty")
    rows = _READ[kind(output)](data, shown)
    if not rows:
        raise NotPublished(f"{shown} has no rows")
    missing = [name for name in _COLUMNS if name not in rows[0]]
    if missing:
        raise NotPublished(f"{shown} has no column {', '.join(missing)}")
    other = next((row["run_id"] for row in rows if row["run_id"] != run.run_id), None)
    if other is not None:
        raise NotPublished(f"{shown} is of run {harmless(other, 40)}")
    return Table(NAMES[kind(output)], _groups(rows, shown))


def _groups(rows: Iterable[Mapping[str, Any]], shown: str) -> dict[str | None, dict[str, Any]]:
    groups: dict[str | None, dict[str, Any]] = {}
    for row in rows:
        date = None if row["measurement_date"] in (None, "") else str(row["measurement_date"])
        count, name = _count(row["rows"]), str(row["kpi"])
        group = groups.setdefault(date, {"measurement_date": date, "rows": count, "kpis": {}})
        told = harmless(date or "undated", 40)
        if group["rows"] != count:
            raise NotPublished(f"{shown}: {told} is given with different numbers of rows")
        if name in group["kpis"]:
            raise NotPublished(f"{shown}: {harmless(name, 40)} of {told} is given twice")
        group["kpis"][name] = {"value": _value(row["value"]), "reason": row.get("reason")}
    return groups


def _count(cell: Any) -> Any:
    return int(cell) if isinstance(cell, str) and cell.isascii() and cell.isdecimal() else cell


def _value(cell: Any) -> Any:
    """A number where the cell is one, None where it is empty, and otherwise what stands there."""
    if cell == "" or not isinstance(cell, str):
        return None if cell == "" else cell
    try:
        return float(cell) if "_" not in cell else cell
    except ValueError:
        return cell


def _csv_rows(data: bytes, shown: str) -> Sequence[Mapping[str, Any]]:
    try:
        lines = list(csv.reader(io.StringIO(data.decode("utf-8"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotPublished(f"{shown} is no CSV: {harmless(error)}") from error
    header = lines[0] if lines else []
    for number, line in enumerate(lines[1:], start=1):
        if len(line) != len(header):
            raise NotPublished(f"{shown}: row {number} has {len(line)} of {len(header)} columns")
    return [dict(zip(header, line, strict=True)) for line in lines[1:]]


def _parquet_rows(data: bytes, shown: str) -> Sequence[Mapping[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows: list[dict[str, Any]] = pq.ParquetFile(pa.BufferReader(data)).read().to_pylist()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise NotPublished(f"{shown} is no Parquet: {harmless(error, 120)}") from error
    return rows


_READ = {"csv": _csv_rows, "parquet": _parquet_rows}
