"""A tape on disk as pieces that are read side by side, CSV or Parquet, without ever holding all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from engine.config.kpis import TapeSection
from engine.errors import OpsError
from engine.portfolio.csv_stream import OddCells, csv_batches, csv_header, cut
from engine.portfolio.parquet_stream import (
    ParquetPiece,
    column_names,
    parquet_batches,
    parquet_files,
    parquet_metadata,
    parquet_pieces,
)
from engine.portfolio.unreadable import TapeUnreadable, check_names
from engine.records import harmless

_PARQUET = b"PAR1"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class How:
    """How a piece is read."""

    day: str | None = None
    """The date of all its rows, where the name of a directory says it."""
    words: bool = False
    """Words for null are null: a CSV file has no other way to say it."""
    quick: bool = False
    """Numbers were read as numbers: words for NaN and infinity among them are still to be refused, with OddCells."""


Work = Callable[[Iterator[Any], How], T]
"""What is done with the record batches of a piece."""


class OpenTape(Protocol):
    """A tape whose header was read."""

    @property
    def names(self) -> list[str]:
        """Its columns, trimmed."""

    def each(self, work: Work[T]) -> list[T]:
        """``work`` on every piece, in the order of the tape."""


def open_tape(path: Path, section: TapeSection, amounts: set[str], texts: set[str], workers: int | None) -> OpenTape:
    """Open the tape for these columns. TapeUnreadable, without the tape's name, when it is none."""
    cores = workers or len(os.sched_getaffinity(0))
    return (
        _Parquet.of(path, section, amounts | texts, cores)
        if _is_parquet(path)
        else _Csv.of(path, section, amounts, texts, cores)
    )


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors about the tape get its name."""
    try:
        yield
    except TapeUnreadable as error:
        raise TapeUnreadable(f"{harmless(path)} {error.what}", error.fix) from error
    except OpsError:
        raise
    except OSError as error:
        said = os.strerror(error.errno) if error.errno else harmless(error)
        raise TapeUnreadable(f"{harmless(path)} cannot be read: {said}", "give a CSV or Parquet file") from error


def _is_parquet(path: Path) -> bool:
    if path.is_dir():
        return True
    with path.open("rb") as file:
        return file.read(4) == _PARQUET


@dataclass(frozen=True, slots=True)
class _Csv:
    path: Path
    header: tuple[str, ...]
    first: int
    section: TapeSection
    amounts: set[str]
    texts: set[str]
    workers: int

    @classmethod
    def of(cls, path: Path, section: TapeSection, amounts: set[str], texts: set[str], workers: int) -> _Csv:
        header, first = csv_header(path)
        check_names([name.strip() for name in header])
        return cls(path, header, first, section, amounts, texts, workers)

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in self.header]

    def each(self, work: Work[T]) -> list[T]:
        try:
            return self._each(work, self.workers, quick=True)
        except OddCells:
            return self._each(work, 1, quick=False)

    def _each(self, work: Work[T], workers: int, *, quick: bool) -> list[T]:
        def on(piece: Any) -> T:
            batches = csv_batches(piece, self.amounts, self.texts, self.section.date, quick=quick)
            return work(batches, How(words=True, quick=quick))

        pieces = cut(self.path, self.header, self.first, 4 * workers if quick else 1)
        return _side_by_side(pieces, on, workers)


@dataclass(frozen=True, slots=True)
class _Parquet:
    names: list[str]
    pieces: list[ParquetPiece]
    section: TapeSection
    wanted: set[str]
    workers: int

    @classmethod
    def of(cls, path: Path, section: TapeSection, wanted: set[str], workers: int) -> _Parquet:
        files = parquet_files(path)
        metadata = parquet_metadata(files)
        names = [name.strip() for name in column_names(metadata[0])]
        check_names(names)
        pieces = parquet_pieces(path, files, metadata, section.date, workers)
        if any(piece.day is not None for piece in pieces):
            names.append(section.date)
        return cls(names, pieces, section, wanted, workers)

    def each(self, work: Work[T]) -> list[T]:
        def on(piece: ParquetPiece) -> T:
            return work(parquet_batches(piece, self.wanted, self.section.date), How(day=piece.day))

        return _side_by_side(self.pieces, on, self.workers)


def _side_by_side(pieces: Sequence[Any], work: Callable[[Any], T], workers: int) -> list[T]:
    if workers < 2 or len(pieces) < 2:
        return [work(piece) for piece in pieces]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(work, pieces))
