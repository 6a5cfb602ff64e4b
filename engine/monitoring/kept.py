"""The audit trail without what no fold needs twice, kept in ``logs/samples.db``: weeks of it open like an hour of it.

Left out are the pipeline's ``run.started``, good runs that follow one another (one record stands for them, and counts
them) and good proofs of the way back but the newest. Everything else is kept as it was written. The trail itself is the
truth: what is kept belongs to one file up to one record of it, and a reader that finds another file reads that instead.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import DamagedRecord
from engine.monitoring.store import SampleStore
from engine.records import Record, Tail, harmless
from engine.records.atomic import open_to_read
from engine.records.lines import decode
from engine.records.undecodable import UNDECODABLE

MARK = "kept"
WRITE_EVERY = 64 * 1024
"""Bytes of the trail that are read again by whoever opens it, at most: kept records are written that seldom."""
BITE = 1 << 20
"""Bytes of the trail looked at in one tick."""
DAMAGE_KEPT = 5
_LONGEST = 1 << 17
"""Bytes before the mark in which its record must end and begin."""
TOGETHER = "together"
"""Of a record that stands for several runs: ``since`` (time of the first) and ``count``."""


class Mark(msgspec.Struct, frozen=True):
    """Up to where the trail is kept: the offset behind a record, its hash, and that of the file's first record."""

    offset: int = 0
    last: str = ""
    first: str = ""
    damage: tuple[str, ...] = ()


class Begun(msgspec.Struct, frozen=True):
    """What a reader of the trail begins with."""

    records: list[Record]
    tail: Tail
    """Goes on behind them."""
    damage: tuple[str, ...] = ()


def begin(events: Path, store: SampleStore) -> Begun:
    """The kept records and a tail behind them; none, and the whole file, where they do not belong to it."""
    mark = mark_of(store)
    if mark.offset and _belongs(events, mark):
        try:
            return Begun([decode(line) for line in store.kept()], Tail.from_offset(events, mark.offset), mark.damage)
        except (sqlite3.Error, OSError, ValueError):
            pass
    return Begun([], Tail(events))


def mark_of(store: SampleStore) -> Mark:
    """How far the trail is kept; nothing where there is no store, or one of an earlier version."""
    try:
        data = store.checkpoint(MARK) if store.there() else None
        return msgspec.json.decode(data, type=Mark) if data is not None else Mark()
    except (sqlite3.Error, OSError, *UNDECODABLE):
        return Mark()


class KeptTrail:
    """Follows the trail for the monitor, and keeps what a fold needs of it."""

    def __init__(self, events: Path, store: SampleStore) -> None:
        self._events = events
        self._store = store
        begun = begin(events, store)
        self._tail = begun.tail
        self._records: list[Record] = []
        self._damage = begun.damage
        self._written = self._tail.offset if begun.records else 0
        self._first = mark_of(store).first if begun.records else ""
        self._anew = not begun.records
        self._last = ""
        self._kept_run = begun.records[-1] if begun.records and _good_run(begun.records[-1]) else None
        self._caught_up = False
        self.operations = {key for record in begun.records if (key := operation_key(record))}
        """(operation, sequence number) of every event that an operation has left."""

    @property
    def caught_up(self) -> bool:
        """Whether everything that stood in the trail at the last look was read."""
        return self._caught_up

    def follow(self) -> None:
        """Read what is new, and now and then keep it. sqlite3.Error or OSError when that cannot be done now."""
        before = self._tail.offset
        new: list[Record] = []
        try:
            new = self._tail.new_records(BITE)
            self._caught_up = not new
        except DamagedRecord as error:
            self._damage = (*self._damage, harmless(f"audit trail: {error.what}"))[-DAMAGE_KEPT:]
            self._caught_up = False
        if self._tail.offset < before or (before > 0 and new and new[0].get("seq") == 1):
            self._begin_anew()
        for record in new:
            self._take(record)
        due = self._tail.offset - self._written >= WRITE_EVERY
        if due and self._last:
            self._keep()

    def _begin_anew(self) -> None:
        """Another file stands there now."""
        self._records, self._damage, self._written, self._first = [], (), 0, ""
        self._anew, self._kept_run = True, None
        self.operations = set()

    def _take(self, record: Record) -> None:
        digest = str(record.get("hash"))
        self._first = self._first or digest
        self._last = digest
        if (key := operation_key(record)) is not None:
            self.operations.add(key)
        self._records.append(record)

    def _keep(self) -> None:
        kept_run = [self._kept_run] if self._kept_run is not None else []
        kept = compacted([*kept_run, *self._records])
        proofs = any(_good_proof(record) for record in kept)
        mark = Mark(self._tail.offset, self._last, self._first, self._damage)
        if not _belongs(self._events, mark):  # replaced by one that got the same inode: read from its start
            self._tail = Tail(self._events)
            self._begin_anew()
            return
        self._store.keep(
            [(_kind(record), msgspec.json.encode(record)) for record in kept],
            msgspec.json.encode(mark),
            anew=self._anew,
            instead_of_last=bool(kept_run),
            without=GOOD_PROOF if proofs else "",
        )
        self._records, self._written, self._anew = [], self._tail.offset, False
        self._kept_run = kept[-1] if kept and _good_run(kept[-1]) else None


GOOD_PROOF = "good proof"


def compacted(records: list[Record]) -> list[Record]:
    """What is kept of these, in order; pure."""
    kept: list[Record] = []
    for record in records:
        if record.get("kind") == "run.started":
            continue
        if _good_proof(record):
            kept = [other for other in kept if not _good_proof(other)]
        elif (last := _same_runs(kept, record)) is not None:
            record = _together(kept.pop(last), record)
        kept.append(record)
    return kept


def _same_runs(kept: list[Record], record: Record) -> int | None:
    """Where the good runs stand that a good run goes on with: nothing but good proofs has come between."""
    if not _good_run(record):
        return None
    last = next((index for index in range(len(kept) - 1, -1, -1) if not _good_proof(kept[index])), None)
    if last is None or not _good_run(kept[last]) or _release(kept[last]) != _release(record):
        return None
    return last


def _together(earlier: Record, later: Record) -> Record:
    before, now = earlier.get(TOGETHER) or {}, later.get(TOGETHER) or {}
    count = int(before.get("count", 1)) + int(now.get("count", 1))
    return {**later, TOGETHER: {"since": before.get("since") or earlier.get("at"), "count": count}}


def operation_key(record: Record) -> tuple[str, int] | None:
    """(operation, sequence number in its journal) of an event that has both."""
    operation, number = record.get("operation"), record.get("operation_seq")
    return (str(operation), number) if operation and isinstance(number, int) else None


def _kind(record: Record) -> str:
    return GOOD_PROOF if _good_proof(record) else str(record.get("kind"))


def _data(record: Record) -> dict[str, Any]:
    data = record.get("data")
    return data if isinstance(data, dict) else {}


def _release(record: Record) -> str:
    return str(_data(record).get("release", "?"))


def _good_run(record: Record) -> bool:
    return record.get("kind") == "run.finished" and _data(record).get("status") == "ok"


def _good_proof(record: Record) -> bool:
    return record.get("kind") == "way_back.proven" and _data(record).get("ok") is True


def _belongs(events: Path, mark: Mark) -> bool:
    """Whether the file begins with the record that the mark names, and has the other one right before its offset."""
    try:
        with open_to_read(events) as stream:
            if os.fstat(stream.fileno()).st_size < mark.offset:
                return False
            first = decode(stream.readline().rstrip(b"\n"))
            back = min(mark.offset, _LONGEST)
            stream.seek(mark.offset - back)
            before = stream.read(back)
            if not before.endswith(b"\n"):
                return False
            last = decode(before[:-1].rpartition(b"\n")[2])
    except (OSError, ValueError):
        return False
    return (first.get("hash"), last.get("hash")) == (mark.first, mark.last)
