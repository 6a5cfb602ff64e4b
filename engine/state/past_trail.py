"""The audit trail as it stood at any moment: read once, folded from the nearest kept fold, never from its beginning."""

from __future__ import annotations

import os
from array import array
from bisect import bisect_left, bisect_right
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
from msgspec.structs import replace

from engine.clock import parse_iso
from engine.records import Record, harmless
from engine.records.atomic import open_to_read
from engine.records.lines import decode
from engine.records.undecodable import UNDECODABLE
from engine.state.event_words import LAST_EVENTS, Runs, Told, in_words
from engine.state.trail import Trail, extend

BLOCK = 4 << 20
_STARTED = b'"kind":"run.started"'
"""No text in a record can hold this: its quotes would be escaped."""
FOLD_EVERY = 256
"""A fold is kept after so many events: going to any moment folds no more than these."""


class _Data(msgspec.Struct):
    release: str | None = None
    status: str | None = None
    build: str | None = None
    ok: bool | None = None
    live: bool | None = None


class _Head(msgspec.Struct):
    kind: str
    at: str
    data: _Data = msgspec.field(default_factory=_Data)


class PastTrail:
    """An index of ``logs/events.jsonl``. The runs of the pipeline, most of what stands there, are only counted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._inode: int | None = None
        self._head = msgspec.json.Decoder(_Head)
        self.damaged = 0
        """Lines that are no events."""
        self._newest = float("-inf")
        self._times: list[float] = []
        """Of each event that is kept; where the clock was set back, the time reached before."""
        self._lines: list[bytes] = []
        self._folds: list[Trail] = [Trail()]
        self._runs: dict[str, array[float]] = {}
        self._builds: dict[str, list[tuple[float, str]]] = {}
        self._told: list[int] = []
        """Which of the kept events stand among the last events in words."""
        self._validations: list[int] = []
        self._at_hand: tuple[int, Trail] = (0, Trail())

    def follow(self) -> bool:
        """Read what was appended since the last call; False when another file stands there now. OSError."""
        try:
            stream = open_to_read(self._path)
        except FileNotFoundError:
            return self._inode is None
        with stream:
            status = os.fstat(stream.fileno())
            if self._inode not in (None, status.st_ino) or status.st_size < self._offset:
                return False
            self._inode = status.st_ino
            if status.st_size > self._offset:
                self._read(stream)
        return True

    def _read(self, stream: BinaryIO) -> None:
        stream.seek(self._offset)
        rest = b""
        while block := stream.read(BLOCK):
            whole = rest + block
            *lines, rest = whole.split(b"\n")
            self._offset += len(whole) - len(rest)
            for line in lines:
                if _STARTED not in line:  # half of all lines, and their runs' ends tell the same
                    self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            head = self._head.decode(line)
            moment = max(parse_iso(head.at).timestamp(), self._newest)
        except msgspec.ValidationError:
            self._keep(line, self._newest, told=True)  # an event of another form: kept as it is
            return
        except (ValueError, *UNDECODABLE):
            self.damaged += 1
            return
        self._newest = moment
        if head.kind == "run.finished" and head.data.release is not None:
            self._note_build(head.data.release, head.data.build or "", moment)
            if head.data.status == "ok":
                self._runs.setdefault(head.data.release, array("d")).append(moment)
                return
        if head.kind == "validation.finished" and head.data.live is not False:
            self._validations.append(len(self._lines))
        self._keep(line, moment, told=not (head.kind == "way_back.proven" and head.data.ok is True))

    def _note_build(self, release: str, build: str, moment: float) -> None:
        known = self._builds.setdefault(release, [])
        if build and (not known or known[-1][1] != build):
            known.append((moment, build))

    def _keep(self, line: bytes, moment: float, *, told: bool) -> None:
        if told:
            self._told.append(len(self._lines))
        self._times.append(moment)
        self._lines.append(line)
        if len(self._lines) % FOLD_EVERY == 0:
            fresh = self._records(len(self._lines) - FOLD_EVERY, len(self._lines))
            self._folds.append(replace(extend(self._folds[-1], fresh), told=Told()))

    def at(self, moment: datetime) -> Trail:
        """The fold of every event until ``moment``."""
        count = bisect_right(self._times, moment.timestamp())
        known, trail = self._at_hand
        nearest = count // FOLD_EVERY
        if not nearest * FOLD_EVERY <= known <= count:
            known, trail = nearest * FOLD_EVERY, self._folds[nearest]
        trail = extend(trail, self._records(known, count))
        self._at_hand = (count, trail)
        return replace(trail, told=self._words(moment.timestamp(), count))

    def build(self, release: str, moment: datetime) -> str:
        """The build that ran last until then; empty when none is recorded."""
        known = self._builds.get(release, [])
        index = bisect_right(known, moment.timestamp(), key=lambda item: item[0])
        return known[index - 1][1] if index else ""

    def validation(self, moment: datetime) -> Record | None:
        """The newest event until then of a validation of what is live."""
        index = bisect_left(self._validations, bisect_right(self._times, moment.timestamp()))
        return decode(self._lines[self._validations[index - 1]]) if index else None

    def next_event(self, moment: datetime, *, later: bool) -> datetime | None:
        """When the next event after ``moment`` was, or the last one before it; None: there is none. No runs."""
        times = [self._times[number] for number in self._told]
        index = bisect_right(times, moment.timestamp()) if later else bisect_left(times, moment.timestamp()) - 1
        return datetime.fromtimestamp(times[index], UTC) if 0 <= index < len(times) else None

    def _records(self, first: int, end: int) -> list[Record]:
        found = []
        for line in self._lines[first:end]:
            try:
                found.append(decode(line))
            except ValueError:
                continue
        return found

    def _words(self, moment: float, count: int) -> Told:
        """The last events in words, with the runs between them counted."""
        last = bisect_left(self._told, count)
        numbers = self._told[max(last - LAST_EVENTS, 0) : last]
        bounds = [*(self._times[number] for number in numbers), moment]
        begins = float("-inf") if last <= LAST_EVENTS else bounds[0]
        items: list[str | Runs] = [*self._runs_between(begins, bounds[0], last=not numbers)]
        for index, number in enumerate(numbers):
            items.append(in_words(decode(self._lines[number])))
            items += self._runs_between(bounds[index], bounds[index + 1], last=index + 1 == len(numbers))
        return Told(tuple(items[-LAST_EVENTS:]))

    def _runs_between(self, since: float, until: float, *, last: bool) -> list[Runs]:
        found = []
        for release, times in self._runs.items():
            begin = bisect_left(times, since)
            end = bisect_right(times, until) if last else bisect_left(times, until)
            if end > begin:
                found.append(Runs(release, _clock(times[begin]), _clock(times[end - 1]), end - begin))
        return sorted(found, key=lambda runs: runs.since)


def _clock(moment: float) -> str:
    return harmless(f"{datetime.fromtimestamp(moment, UTC):%H:%M:%S}", 8)
