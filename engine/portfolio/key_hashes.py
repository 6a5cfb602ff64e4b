"""Texts to 64 bits, many at a time: the bytes of an Arrow array in words, mixed word by word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.portfolio.measure import BLOCK

Hashes = npt.NDArray[np.uint64]

_WORD = 8
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(32)
_BLANK, _WIDE = 32, 128
"""The largest byte of a blank, and the first of those that make up wider letters."""


def texts_of(values: Iterable[str]) -> Any:
    """An Arrow array of texts; ``pa.array`` and ``pa.scalar`` would load pandas, which takes longer than a tape."""
    builder = pa.lib.StringBuilder()
    builder.append_values(list(values))
    return builder.finish()


def trimmed(texts: Any) -> Any:
    """The texts without blanks around them; mostly there are none, and then the array is the same."""
    content, offsets = _bytes_of(texts)
    starts, ends = offsets[:-1], offsets[1:]
    some = starts < ends
    if not some.all():
        starts, ends = starts[some], ends[some]
    plain = _is_plain(content[starts]) and _is_plain(content[ends - 1])
    if plain:
        return texts
    import pyarrow.compute as pc  # only now: importing it takes as long as a small tape

    return pc.utf8_trim_whitespace(texts)


def _is_plain(letters: npt.NDArray[np.uint8]) -> bool:
    """Whether none of these bytes is a blank or part of a letter that may be one."""
    return not len(letters) or (int(letters.min()) > _BLANK and int(letters.max()) < _WIDE)


def _bytes_of(texts: Any) -> tuple[npt.NDArray[np.uint8], npt.NDArray[Any]]:
    """The bytes of a string array, and where each text begins, and the last one ends."""
    if not len(texts):
        return np.zeros(0, dtype=np.uint8), np.zeros(1, dtype=np.int32)
    _, ends, data = texts.buffers()
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.frombuffer(ends, dtype=wide)[texts.offset : texts.offset + len(texts) + 1]
    return np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8), offsets


def hashes_of(texts: Any) -> Hashes:
    """The hash of each text of an Arrow string array; equal texts have equal ones, whatever stands by. Null: any."""
    rows = len(texts)
    hashes = np.zeros(rows, dtype=np.uint64)
    if not rows:
        return hashes
    content, offsets = _bytes_of(texts)
    for start in range(0, rows, BLOCK):
        hashes[start : start + BLOCK] = _block(content, offsets[start : start + BLOCK + 1])
    return hashes


def seen_twice(ascending: Hashes) -> tuple[Hashes, npt.NDArray[np.intp]]:
    """The hashes that stand there more than once, and how often."""
    again = ascending[1:][ascending[1:] == ascending[:-1]]
    if not len(again):
        return again, np.zeros(0, dtype=np.intp)
    twice, more = np.unique(again, return_counts=True)
    return twice, more + 1


def rows_among(hashes: Hashes, wanted: Hashes) -> npt.NDArray[np.intp]:
    """The rows whose hash is among the wanted ones, which ascend."""
    if not len(wanted):
        return np.zeros(0, dtype=np.intp)
    place = np.minimum(np.searchsorted(wanted, hashes), len(wanted) - 1)
    return np.flatnonzero(wanted[place] == hashes)


def _block(content: npt.NDArray[np.uint8], offsets: npt.NDArray[Any]) -> Hashes:
    lengths = np.diff(offsets)
    shortest, longest = int(lengths.min()), int(lengths.max())
    if shortest == longest:
        return _mixed(content[offsets[0] : offsets[-1]].reshape(len(lengths), longest))
    hashes = np.zeros(len(lengths), dtype=np.uint64)
    for length in np.unique(lengths).tolist():
        where = np.flatnonzero(lengths == length)
        hashes[where] = _mixed(content[offsets[where][:, None] + np.arange(length)])
    return hashes


def _mixed(letters: npt.NDArray[np.uint8]) -> Hashes:
    """One hash a row of letters; the length takes part, so that padding is no letter."""
    rows, length = letters.shape
    words = -(-length // _WORD)
    padded = np.zeros((rows, words * _WORD), dtype=np.uint8)
    padded[:, :length] = letters
    mixed = np.full(rows, length * _FACTORS[1] % 2**64, dtype=np.uint64)
    with np.errstate(over="ignore"):
        for word in padded.view(np.uint64).T if words else ():
            mixed ^= word
            mixed *= np.uint64(_FACTORS[0])
            mixed ^= mixed >> _SHIFT
            mixed *= np.uint64(_FACTORS[1])
            mixed ^= mixed >> _SHIFT
    return mixed
