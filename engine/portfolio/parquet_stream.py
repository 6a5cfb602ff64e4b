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

_ROWS = 1 << 17
"""Rows at once."""
_GROUP = 1 << 20
"""Rows up to which a row group is read at once."""


@dataclass(frozen=True, slots=True)
class ParquetPiece:
    """Some row groups of one file."""

    path: Path
    metadata: Any
    """Of the file, read once."""
    groups: tuple[int, ...]
    rows: int
    day: str | None
    """The date of all its rows, where the name of a directory says it."""


def parquet_files(path: Path) -> list[Path]:
    """The files of the tape, in the order of their names; hidden ones are none."""
    if not path.is_dir():
        return [path]
    inside = (file.relative_to(path) for file in path.rglob("*") if file.is_file())
    return [path / file for file in sorted(inside) if not any(part.startswith(("_", ".")) for part in file.parts)]


def parquet_metadata(files: list[Path]) -> list[Any]:
    """What each file says of itself. TapeUnreadable when there is none, or one is no Parquet."""
    if not files:
        raise TapeUnreadable("holds no Parquet file", "give a CSV or Parquet file")
    return [_open(file).metadata for file in files]


def column_names(metadata: Any) -> list[str]:
    """The columns of a file as written."""
    return list(metadata.schema.to_arrow_schema().names)


def parquet_pieces(path: Path, files: list[Path], metadata: list[Any], date: str, workers: int) -> list[ParquetPiece]:
    """The row groups in the order of the tape, in pieces for so many workers; no piece is of two files."""
    size = max(sum(one.num_row_groups for one in metadata) // (workers * 4), 1)
    pieces = []
    for file, one in zip(files, metadata, strict=True):
        day = _day_of(path, file, date)
        for first in range(0, one.num_row_groups, size):
            groups = tuple(range(first, min(first + size, one.num_row_groups)))
            rows = sum(one.row_group(group).num_rows for group in groups)
            pieces.append(ParquetPiece(file, one, groups, rows, day))
    return pieces


def parquet_batches(piece: ParquetPiece, wanted: set[str], date: str) -> Iterator[Any]:
    """Record batches of the wanted columns."""
    names = [name for name in column_names(piece.metadata) if name.strip() in wanted]
    source = _open(piece.path, [date] if date in names else None, piece.metadata)  # each date once, not once a row
    try:
        for group in piece.groups:
            for batch in _batches_of(source, piece.metadata, group, names):
                yield batch.rename_columns([name.strip() for name in batch.schema.names])
    except (pa.ArrowException, OSError) as error:
        raise TapeUnreadable(f"is no Parquet tape: {harmless(error)}", "write it again") from error


def _batches_of(source: Any, metadata: Any, group: int, names: list[str]) -> Iterator[Any]:
    """A row group at once, column by column, where it is not too large: a quarter quicker than batch by batch."""
    if metadata.row_group(group).num_rows > _GROUP or not names:
        yield from source.iter_batches(_ROWS, row_groups=[group], columns=names, use_threads=False)
        return
    columns = [source.read_row_group(group, columns=[name], use_threads=False).column(0) for name in names]
    yield from pa.Table.from_arrays(columns, names=names).to_batches(max_chunksize=_ROWS)


def _open(path: Path, coded: list[str] | None = None, metadata: Any = None) -> Any:
    try:
        return pq.ParquetFile(path, metadata=metadata, read_dictionary=coded, pre_buffer=False)
    except (pa.ArrowException, ValueError) as error:
        raise TapeUnreadable(f"is no Parquet tape: {harmless(error)}", "write it again") from error


def _day_of(tape: Path, file: Path, date: str) -> str | None:
    for part in file.relative_to(tape).parts[:-1] if tape.is_dir() else ():
        name, _, value = part.partition("=")
        if name == date:
            return value
    return None
