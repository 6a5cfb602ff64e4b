"""A CSV tape as a stream: pieces of the file side by side, each in blocks with explicit types.

The quick way reads numbers as numbers. Whatever it cannot take (odd text, a quoted line break, a ragged row) is read
again from the beginning in one piece, text by text, so that both ways say the same.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv

from engine.portfolio.csv_shape import ragged
from engine.portfolio.unreadable import TapeUnreadable
from engine.records import harmless
from engine.records.regular import open_regular

_BLOCK = 1 << 21
"""Bytes of CSV read at once."""
_LINE = 1 << 20
"""Bytes in which the header, and the next line break after a cut, are looked for."""
_RAGGED = re.compile(r"(?:Row #(\d+): )?Expected (\d+) columns, got (\d+)")


class OddCells(Exception):
    """Something that the quick way cannot take."""


@dataclass(frozen=True, slots=True)
class CsvPiece:
    """Some bytes of a CSV file that begin and end with a line."""

    path: Path
    start: int
    size: int
    header: tuple[str, ...]
    """As written."""


def csv_header(path: Path) -> tuple[tuple[str, ...], int]:
    """The names in the header as written, and where the first row begins. TapeUnreadable when there is none."""
    with open_regular(path) as file:
        head = file.read(_LINE)
    start = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    end = head.find(b"\n", start)
    line = head[start : end if end >= 0 else len(head)]
    try:
        names = next(csv.reader(io.StringIO(line.decode("utf-8").rstrip("\r")), strict=True), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise TapeUnreadable(
            f"has a header that cannot be read: {error}", "save it as UTF-8, one row per line"
        ) from error
    if not names:
        raise TapeUnreadable("is empty: it has not even a header", "a tape begins with a row of column names")
    return tuple(names), start + len(line) + (1 if end >= 0 else 0)


def cut(path: Path, header: tuple[str, ...], first: int, pieces: int) -> list[CsvPiece]:
    """The rows of the file in about equal pieces."""
    size = path.stat().st_size
    bounds = [first]
    with open_regular(path) as file:
        for number in range(1, pieces):
            file.seek(max(first + (size - first) * number // pieces, bounds[-1]))
            at = file.tell()
            found = file.read(_LINE).find(b"\n")
            if found >= 0:
                bounds.append(at + found + 1)
    bounds.append(size)
    spans = [(start, end) for start, end in pairwise(bounds) if end > start]
    return [CsvPiece(path, start, end - start, header) for start, end in spans]


def csv_batches(
    piece: CsvPiece, amounts: set[str], texts: set[str], date: str, *, quick: bool
) -> Iterator[tuple[Any, int]]:
    """Record batches of the wanted columns, each with about the bytes read for it; OddCells where quick must end."""
    wanted = {name: name.strip() for name in piece.header if name.strip() in amounts | texts}
    types = {name: _quick_type(plain, amounts, date) if quick else pa.string() for name, plain in wanted.items()}
    convert = pa_csv.ConvertOptions(
        column_types=types,
        include_columns=list(wanted),
        null_values=[""],  # a longer list costs a tenth of the time; other words for null go the strict way
        strings_can_be_null=False,
    )
    read = pa_csv.ReadOptions(block_size=_BLOCK, use_threads=False, column_names=list(piece.header))
    parse = pa_csv.ParseOptions(newlines_in_values=not quick)
    stream = pa.OSFile(str(piece.path)).get_stream(piece.start, piece.size)
    left = piece.size
    try:
        for batch in pa_csv.open_csv(stream, read_options=read, convert_options=convert, parse_options=parse):
            yield batch.rename_columns([name.strip() for name in batch.schema.names]), min(_BLOCK, left)
            left -= min(_BLOCK, left)
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        if quick:
            raise OddCells(str(error)) from error
        raise _unreadable(error) from error


def _quick_type(name: str, amounts: set[str], date: str) -> Any:
    """Doubles, dates each once, identities as they are."""
    if name in amounts:
        return pa.float64()
    return pa.dictionary(pa.int32(), pa.string()) if name == date else pa.string()


def _unreadable(error: Exception) -> TapeUnreadable:
    said = str(error).splitlines()[0]
    found = _RAGGED.search(said)
    if found is not None and found[1] is not None:
        return ragged(int(found[1]), int(found[3]), int(found[2]))
    return TapeUnreadable(f"is no CSV file: {harmless(said)}", "one row per line, fields separated by commas")
