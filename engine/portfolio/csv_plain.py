"""Whether a CSV file is written so that every reader understands the same by it."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import numpy as np
import numpy.typing as npt

from engine.records.regular import open_regular

_PIECE = 1 << 22
_NEWLINE, _RETURN, _COMMA, _QUOTE = 10, 13, 44, 34
_BLANKS = np.array([9, 11, 12, 32], dtype=np.uint8)


def is_plain(path: Path, start: int, width: int, interrupted: Event) -> bool:
    """Whether from ``start`` on no row ends in a comma too many, and no quote stands beside a blank.

    Some readers forgive the one silently, and take the blanks for no part of the cell: a tape must not depend on it.
    False too when nobody wants to know any more.
    """
    with open_regular(path) as file:
        file.seek(start)
        while data := file.read(_PIECE):
            data += file.readline()
            if interrupted.is_set() or not _piece_is_plain(data, width):
                return False
    return True


def _piece_is_plain(data: bytes, width: int) -> bool:
    """Of whole lines."""
    letters = np.frombuffer(data, dtype=np.uint8)
    return _quotes_are_plain(letters) and _ends_are_plain(data, letters, width)


def _quotes_are_plain(letters: npt.NDArray[np.uint8]) -> bool:
    quotes = np.flatnonzero(letters == _QUOTE)
    before = letters[quotes[quotes > 0] - 1]
    after = letters[quotes[quotes < len(letters) - 1] + 1]
    return not (np.isin(before, _BLANKS).any() or np.isin(after, _BLANKS).any())


def _ends_are_plain(data: bytes, letters: npt.NDArray[np.uint8], width: int) -> bool:
    ends = np.flatnonzero(letters == _NEWLINE)
    if letters[-1] != _NEWLINE:
        ends = np.append(ends, len(letters))
    last = letters[np.maximum(ends - 1, 0)]
    last = np.where(last == _RETURN, letters[np.maximum(ends - 2, 0)], last)
    for end in ends[last == _COMMA].tolist():
        line = data[data.rfind(b"\n", 0, end) + 1 : end]
        if b'"' in line or line.count(b",") >= width:
            return False
    return True
