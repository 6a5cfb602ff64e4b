"""A Parquet tape as a stream: one file or a partitioned directory, by record batches with the needed columns only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from engine.portfolio.unreadable import TapeUnreadable
from engine.records import harmless

_ROWS = 1 << 18
"""Rows at once."""


@dataclass(frozen=True, slots=True)
class ParquetPiece:
    """Some row groups of one file."""

    path: Path
    groups: tuple[int, ...]
    day: str | None
    """The date of all its rows, where the name of a directory says it."""


def parquet_files(path: Path) -> list[Path]:
    """The files of the tape, in the order of their names; hidden ones are none."""
    if not path.is_dir():
        return [path]
    inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return [path / file for file in sorted(inside) if not any(part.startswith(("_", ".")) for part in file.parts)]


def parquet_header(files: list[Path]) -> tuple[list[str], int]:
    """The columns of the first file, and how many rows there are. TapeUnreadable when one is no Parquet."""
    opened = [_open(file) for file in files]
    if not opened:
        raise TapeUnreadable("holds no Parquet file", "give a CSV or Parquet file")
    return list(opened[0].schema_arrow.names), sum(file.metadata.num_rows for file in opened)


def parquet_pieces(path: Path, files: list[Path], date: str, workers: int) -> list[ParquetPiece]:
    """The row groups in the order of the tape, in pieces for so many workers."""
    groups = [(file, group) for file in files for group in range(_open(file).metadata.num_row_groups)]
    size = max(len(groups) // (workers * 4), 1)
    pieces: list[ParquetPiece] = []
    for file, group in groups:
        last = pieces[-1] if pieces else None
        if last is not None and last.path == file and len(last.groups) < size:
            pieces[-1] = ParquetPiece(file, (*last.groups, group), last.day)
        else:
            pieces.append(ParquetPiece(file, (group,), _day_of(path, file, date)))
    return pieces


def parquet_batches(piece: ParquetPiece, wanted: set[str], date: str) -> Iterator[Any]:
    """Record batches of the wanted columns."""
    source = _open(piece.path)
    if date in source.schema_arrow.names:
        source = _open(piece.path, date)  # each date once, and not once a row
    names = [name for name in source.schema_arrow.names if name.strip() in wanted]
    try:
        for batch in source.iter_batches(_ROWS, row_groups=list(piece.groups), columns=names, use_threads=False):
            yield batch.rename_columns([name.strip() for name in batch.schema.names])
    except (pa.ArrowException, OSError) as error:
        raise TapeUnreadable(f"is no Parquet tape: {harmless(error)}", "write it again") from error


def _open(path: Path, date: str | None = None) -> Any:
    try:
        return pq.ParquetFile(path, read_dictionary=[date] if date else None, pre_buffer=False)
    except (pa.ArrowException, ValueError) as error:
        raise TapeUnreadable(f"is no Parquet tape: {harmless(error)}", "write it again") from error


def _day_of(tape: Path, file: Path, date: str) -> str | None:
    for part in file.relative_to(tape).parts[:-1] if tape.is_dir() else ():
        name, _, value = part.partition("=")
        if name == date:
            return value
    return None
