"""Whether every row of a CSV file has as many fields as its header: readers forgive that silently, a tape must not."""

from __future__ import annotations

import csv
import io

import numpy as np

from engine.portfolio.unreadable import TapeUnreadable

_NEWLINE, _COMMA, _RETURN = 10, 44, 13


def check_shape(data: bytes) -> list[str]:
    """The header's names, trimmed. TapeUnreadable names the first row that is shorter or longer than it."""
    text = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8-sig", newline="")
    try:
        reader = csv.reader(text, strict=True)
        header = next(reader, [])
        if not header:
            raise TapeUnreadable("is empty: it has not even a header", "a tape begins with a row of column names")
        if _is_plain(data):
            _check_plain(data, len(header))
            return [name.strip() for name in header]
        for number, row in enumerate((row for row in reader if row), start=1):
            if len(row) != len(header):
                raise ragged(number, len(row), len(header))
    except UnicodeDecodeError as error:
        raise TapeUnreadable(f"is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    except csv.Error as error:
        raise TapeUnreadable(f"is no CSV file: {error}", "one row per line, fields separated by commas") from error
    return [name.strip() for name in header]


def _is_plain(data: bytes) -> bool:
    """No quotes and no lone carriage returns: then commas and newlines are all there is to count."""
    return b'"' not in data and data.count(b"\r") == data.count(b"\r\n")


def _check_plain(data: bytes, width: int) -> None:
    buffer = np.frombuffer(data if data.endswith(b"\n") else data + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(buffer == _NEWLINE)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts - (buffer[np.maximum(ends - 1, 0)] == _RETURN)
    commas = np.searchsorted(np.flatnonzero(buffer == _COMMA), ends)
    fields = np.diff(commas, prepend=0) + 1
    written = fields[lengths > 0][1:]
    wrong = np.flatnonzero(written != width)
    if wrong.size:
        raise ragged(int(wrong[0]) + 1, int(written[wrong[0]]), width)


def ragged(row: int, fields: int, width: int) -> TapeUnreadable:
    """The error for a row of another length than the header."""
    return TapeUnreadable(
        f"has {fields} fields in row {row}, its header {width}",
        "the file is cut off or damaged; rows count from 1 below the header",
    )
