"""Texts to 64 bits, many at a time: the bytes of an Arrow array in words, mixed word by word."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from engine.portfolio.measure import BLOCK

Hashes = npt.NDArray[np.uint64]

_WORD = 8
_FACTORS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(32)


def hashes_of(texts: Any) -> Hashes:
    """The hash of each text of an Arrow string array; equal texts have equal ones, whatever stands by. Null: any."""
    rows = len(texts)
    hashes = np.zeros(rows, dtype=np.uint64)
    if not rows:
        return hashes
    _, ends, data = texts.buffers()
    wide = np.int64 if pa.types.is_large_string(texts.type) else np.int32
    offsets = np.frombuffer(ends, dtype=wide)[texts.offset : texts.offset + rows + 1]
    content = np.frombuffer(data, dtype=np.uint8) if data is not None else np.zeros(0, dtype=np.uint8)
    for start in range(0, rows, BLOCK):
        hashes[start : start + BLOCK] = _block(content, offsets[start : start + BLOCK + 1])
    return hashes


def rows_seen_twice(hashes: Hashes) -> npt.NDArray[np.intp]:
    """The rows that share their hash with another, ascending."""
    return rows_among(hashes, seen_twice(np.sort(hashes)))


def seen_twice(ascending: Hashes) -> Hashes:
    """The hashes that stand there more than once."""
    return np.unique(ascending[1:][ascending[1:] == ascending[:-1]])


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
