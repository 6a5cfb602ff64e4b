"""Rows whose identity and date stand in another row above, of a tape of any size: by hash, confirmed by the texts.

The first pass keeps eight bytes a row. Only where two rows have the same hash are the texts of those rows looked at, so
that no two identities are ever taken for one; where there are very many, in several rounds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from engine.portfolio.arrow_columns import dates_of_batch, keys_of_batch
from engine.portfolio.buckets import FIRST_ROWS, Found
from engine.portfolio.key_hashes import Hashes, seen_twice
from engine.portfolio.keys import Keys, Places, places_as_arrow
from engine.portfolio.plan import Plan
from engine.portfolio.tape_pieces import How, OpenTape, naming, open_tape

_RANGES = 256
"""Parts of all hashes that are sorted one after the other, in the cache and without a second copy of all of them."""
_FIRST_BYTE, _NEXT_BYTES = np.uint64(56), np.uint64(24)
_FEW = 8
"""So many doubtful hashes of a part are looked for one by one."""
_TOGETHER = 1 << 20
"""Hashes that are put in their ranges together."""
_AT_ONCE = 1 << 21
"""Rows whose texts are looked at in one round."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """The repeated rows."""

    found: Found = field(default_factory=lambda: Found(0))
    names: tuple[str, ...] = ()
    """The identities of the first rows."""
    by_day: Mapping[str | None, int] = field(default_factory=dict)
    """Per date, None for rows without one; only dates that have some."""

    def merge(self, other: Repeats) -> Repeats:
        """Both together."""
        rows, names = (*self.found.first_rows, *other.found.first_rows), (*self.names, *other.names)
        first = sorted(zip(rows, names, strict=True))[:FIRST_ROWS]
        days = dict.fromkeys((*self.by_day, *other.by_day))
        return Repeats(
            Found(self.found.count + other.found.count, tuple(row for row, _ in first)),
            tuple(name for _, name in first),
            {day: self.by_day.get(day, 0) + other.by_day.get(day, 0) for day in days},
        )


@dataclass(frozen=True, slots=True)
class Twice:
    """Hashes of more than one row, ascending, and of how many rows each is."""

    hashes: Hashes
    counts: Places

    def rounds(self) -> list[Hashes]:
        """The hashes in groups of not too many rows."""
        if not len(self.hashes):
            return []
        group = np.cumsum(self.counts) // _AT_ONCE
        return [self.hashes[group == number] for number in range(int(group[-1]) + 1)]


@dataclass(frozen=True, slots=True)
class Alike:
    """Rows of one piece that have a wanted hash, and how many rows the piece has."""

    rows: int
    places: Places
    days: list[str | None]
    texts: list[Any]


def count_repeats(path: Path, plan: Plan, *, workers: int | None = None) -> dict[str | None, int] | None:
    """Per date, the repeated rows; None when the tape has no identities.

    Rows without an identity repeat nothing. TapeUnreadable when it is no tape.
    """
    section = plan.config.tape
    with naming(path):
        tape = open_tape(path, section, set(), {section.id, section.date}, workers)
        if section.id not in tape.names:
            return None
        ranges = [part for piece in tape.each(partial(_gathered, plan)) for part in piece]
        return dict(repeats_in(tape, plan, twice_of(ranges)).by_day)


def _gathered(plan: Plan, batches: Iterator[Any], how: How) -> list[list[Hashes]]:
    gathered = Gathered()
    for keys in _keys(batches, how, plan):
        gathered.add(keys.hashes())
    return gathered.ranges()


class Gathered:
    """The hashes of a piece as they come, put in their ranges now and then, so that little is held twice."""

    def __init__(self) -> None:
        self._blocks: list[Hashes] = []
        self._held = 0
        self._ranges: list[list[Hashes]] = []

    def add(self, hashes: Hashes) -> None:
        """More of them."""
        self._blocks.append(hashes)
        self._held += len(hashes)
        if self._held >= _TOGETHER:
            self._put()

    def ranges(self) -> list[list[Hashes]]:
        """All of them."""
        if self._held:
            self._put()
        return self._ranges

    def _put(self) -> None:
        self._ranges.append(in_ranges(self._blocks))
        self._blocks, self._held = [], 0


def in_ranges(blocks: list[Hashes]) -> list[Hashes]:
    """The hashes of some rows by their first byte."""
    hashes = np.concatenate(blocks)
    blocks.clear()
    number = (hashes >> _FIRST_BYTE).astype(np.uint8)
    bounds = np.cumsum(np.bincount(number, minlength=_RANGES))[:-1]
    return np.split(hashes[np.argsort(number, kind="stable")], bounds)  # of bytes that is a radix sort


def twice_of(pieces: list[list[Hashes]]) -> Twice:
    """The hashes of more than one row among all of these, each list in its ranges."""

    def work(number: int) -> tuple[Hashes, Places]:
        return _twice_in([piece[number] for piece in pieces])

    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        found = list(pool.map(work, range(_RANGES)))
    return Twice(np.concatenate([hashes for hashes, _ in found]), np.concatenate([counts for _, counts in found]))


def _twice_in(blocks: list[Hashes]) -> tuple[Hashes, Places]:
    """Of hashes with the same first byte: the next four are sorted first, for that is much quicker, and mostly all."""
    hashes = np.concatenate(blocks) if blocks else np.zeros(0, dtype=np.uint64)
    short = (hashes >> _NEXT_BYTES).astype(np.uint32)
    ascending = np.sort(short)
    again = np.unique(ascending[1:][ascending[1:] == ascending[:-1]])
    if len(again) <= _FEW:
        hashes = hashes[np.logical_or.reduce([short == one for one in again])] if len(again) else hashes[:0]
    hashes.sort()
    return seen_twice(hashes)


def repeats_in(tape: OpenTape, plan: Plan, twice: Twice) -> Repeats:
    """What of the rows with such hashes is repeated in truth: the tape is read again for it, once a round."""

    def look(wanted: Hashes) -> Callable[[Iterator[Any], How], Alike]:
        return lambda batches, how: alike(_keys(batches, how, plan), wanted)

    return reduce(Repeats.merge, (repeated(tape.each(look(wanted))) for wanted in twice.rounds()), Repeats())


def alike(blocks: Iterator[Keys], wanted: Hashes) -> Alike:
    """The rows of a piece that have a wanted hash."""
    rows, places, days, texts = 0, [np.zeros(0, dtype=np.intp)], [], []
    for keys in blocks:
        found, names = keys.among(wanted)
        places.append(found + rows)
        days += keys.days_at(found)
        texts.append(names)
        rows += len(keys.texts)
    return Alike(rows, np.concatenate(places), days, texts)


def repeated(pieces: Sequence[Alike]) -> Repeats:
    """The rows among these whose identity and date stand above, the pieces being those of the tape in its order."""
    texts = [part for piece in pieces for part in piece.texts if len(part)]
    if not texts:
        return Repeats()
    before = np.cumsum([0, *(piece.rows for piece in pieces)])
    rows = np.concatenate([piece.places + before[at] + 1 for at, piece in enumerate(pieces)])
    names = pa.concat_arrays(texts)
    days = [day for piece in pieces for day in piece.days]
    place = {day: at for at, day in enumerate(dict.fromkeys(days))}
    of_day = np.array([place[day] for day in days], dtype=np.int64)
    codes = np.from_dlpack(names.dictionary_encode().indices.cast(pa.int64()))
    again = np.ones(len(rows), dtype=np.bool_)
    again[np.unique(codes * len(place) + of_day, return_index=True)[1]] = False
    where = np.flatnonzero(again)
    first = where[:FIRST_ROWS]
    counts = np.bincount(of_day[where], minlength=len(place)).tolist()
    return Repeats(
        Found(len(where), tuple(rows[first].tolist())),
        tuple(names.take(places_as_arrow(first)).to_pylist()),
        {day: counts[at] for day, at in place.items() if counts[at]},
    )


def _keys(batches: Iterator[Any], how: How, plan: Plan) -> Iterator[Keys]:
    for batch in batches:
        yield keys_of_batch(batch, dates_of_batch(batch, plan, how.day), plan, words=how.words)
