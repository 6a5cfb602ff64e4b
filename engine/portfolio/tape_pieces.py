"""A tape on disk as pieces that are read side by side, CSV or Parquet, without ever holding all of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from threading import Event, Lock
from typing import Any, Protocol, TypeAlias, TypeVar

from engine.config.kpis import TapeSection
from engine.errors import OpsError
from engine.portfolio.csv_stream import CsvPiece, OddCells, csv_batches, csv_header, cut
from engine.portfolio.parquet_stream import (
    ParquetPiece,
    column_names,
    parquet_batches,
    parquet_files,
    parquet_metadata,
    parquet_pieces,
)
from engine.portfolio.unreadable import TapeUnreadable, check_names, check_place
from engine.records import harmless
from engine.records.regular import open_regular

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


Piece: TypeAlias = CsvPiece | ParquetPiece
Work = Callable[[Iterator[Any], How], T]
"""What is done with the record batches of a piece."""
Told = Callable[[int, float], None]
"""Told, from any thread, that so many more rows, and so large a share of the tape, were read."""


class AllFound(Exception):
    """Raised by the work of one worker: the rest of the tape need not be read."""


class OpenTape(Protocol):
    """A tape whose header was read."""

    @property
    def names(self) -> list[str]:
        """Its columns, trimmed."""

    def each(self, work: Work[T], told: Told | None = None) -> list[T]:
        """``work`` on every piece, in the order of the tape. Ends soon when the caller's thread is interrupted."""

    def pieces(self, *, quick: bool) -> list[Piece]:
        """In the order of the tape; not ``quick``: as many as can be read when the quick way met odd cells."""


def open_tape(path: Path, section: TapeSection, amounts: set[str], texts: set[str], workers: int | None) -> OpenTape:
    """Open the tape for these columns. TapeUnreadable, without the tape's name, when it is none."""
    check_place(path)
    cores = workers or len(os.sched_getaffinity(0))
    return (
        _Parquet.of(path, section, amounts | texts, cores)
        if _is_parquet(path)
        else _Csv.of(path, section, amounts, texts, cores)
    )


def read_piece(
    piece: Piece, section: TapeSection, amounts: set[str], texts: set[str], *, quick: bool
) -> tuple[Iterator[tuple[Any, int]], How]:
    """The record batches of a piece, each with how large a part of it that is; OddCells where quick must end."""
    if isinstance(piece, ParquetPiece):
        read = parquet_batches(piece, amounts | texts, section.date)
        return ((batch, batch.num_rows) for batch in read), How(day=piece.day)
    return csv_batches(piece, amounts, texts, section.date, quick=quick), How(words=True, quick=quick)


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
    with open_regular(path) as file:
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

    def each(self, work: Work[T], told: Told | None = None) -> list[T]:
        meter = _Meter(told, max(self.path.stat().st_size - self.first, 1))
        try:
            return self._each(work, self.workers, meter, quick=True)
        except OddCells:
            meter.again()
            return self._each(work, 1, meter, quick=False)

    def _each(self, work: Work[T], workers: int, meter: _Meter, *, quick: bool) -> list[T]:
        def on(piece: Any, interrupted: Event) -> T:
            read, how = read_piece(piece, self.section, self.amounts, self.texts, quick=quick)
            return work(_batches(read, piece.size, meter, interrupted), how)

        return _side_by_side(self.pieces(quick=quick), on, workers)

    def pieces(self, *, quick: bool) -> list[Piece]:
        return list(cut(self.path, self.header, self.first, 4 * self.workers if quick else 1))


@dataclass(frozen=True, slots=True)
class _Parquet:
    names: list[str]
    groups: list[ParquetPiece]
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

    def each(self, work: Work[T], told: Told | None = None) -> list[T]:
        meter = _Meter(told, max(sum(piece.rows for piece in self.groups), 1))

        def on(piece: ParquetPiece, interrupted: Event) -> T:
            read, how = read_piece(piece, self.section, self.wanted, set(), quick=True)
            return work(_batches(read, piece.rows, meter, interrupted), how)

        return _side_by_side(self.groups, on, self.workers)

    def pieces(self, *, quick: bool) -> list[Piece]:
        return list(self.groups)


class _Meter:
    """Tells how much was read, in shares of ``whole``; what is read once more is told once."""

    def __init__(self, told: Told | None, whole: int) -> None:
        self._told, self._whole = told, whole
        self._rows, self._parts = 0, 0
        self._known_rows, self._known_parts = 0, 0
        self._lock = Lock()

    def again(self) -> None:
        """Begin anew."""
        self._rows = self._parts = 0

    def read(self, rows: int, parts: int) -> None:
        """So much more."""
        if self._told is None:
            return
        with self._lock:
            self._rows, self._parts = self._rows + rows, self._parts + parts
            more, further = self._rows - self._known_rows, self._parts - self._known_parts
            if more <= 0 and further <= 0:
                return
            self._known_rows, self._known_parts = self._known_rows + more, self._known_parts + further
        self._told(more, further / self._whole)


class _Interrupted(Exception):
    """Whoever waits for the pieces does not want them any more."""


def _batches(read: Iterator[tuple[Any, int]], whole: int, meter: _Meter, interrupted: Event) -> Iterator[Any]:
    """The batches of a piece, ``whole`` parts in all."""
    for batch, parts in read:
        if interrupted.is_set():
            raise _Interrupted
        yield batch
        whole -= parts
        meter.read(batch.num_rows, parts)
    meter.read(0, whole)


def _side_by_side(pieces: Sequence[Any], work: Callable[[Any, Event], T], workers: int) -> list[T]:
    interrupted = Event()
    if workers < 2 or len(pieces) < 2:
        return [work(piece, interrupted) for piece in pieces]
    with ThreadPoolExecutor(workers) as pool:
        try:
            return list(pool.map(work, pieces, repeat(interrupted)))
        except BaseException:  # a signal that ends the process too: the threads must not go on to the tape's end
            interrupted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
