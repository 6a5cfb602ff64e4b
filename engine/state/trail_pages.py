"""The whole audit trail in words, a page at a time, filtered: read backwards from where a reader stands."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from engine.records import Record, harmless
from engine.records.atomic import open_to_read
from engine.records.lines import decode
from engine.state.event_words import BY_PEOPLE, in_words

Kind = Literal["all", "operations", "alerts", "people"]
KINDS: tuple[Kind, ...] = ("all", "operations", "alerts", "people")
PAGE = 200
"""Lines of a page."""
BLOCK, BUDGET = 1 << 18, 8 << 20
"""Bytes read at once, and for one page at most: a search through weeks goes on page by page."""
_OF = {
    "operations": ("operation.", "rollback.", "service.", "gate."),
    "alerts": ("alert.", "notified", "ack", "silenced", "kpi.anomaly", "schedule.missed", "monitor.", "clock."),
}
_RUN = b'"kind":"run.'


@dataclass(frozen=True, slots=True)
class Filter:
    """What of the trail is wanted."""

    kind: Kind = "all"
    text: str = ""
    """In any case of letters; empty: everything."""

    def __bool__(self) -> bool:
        return self.kind != "all" or bool(self.text)

    def takes(self, record: Record, words: str) -> bool:
        """Whether an event belongs."""
        kind = str(record.get("kind", ""))
        if self.kind == "people" and kind not in BY_PEOPLE:
            return False
        if self.kind in _OF and not kind.startswith(_OF[self.kind]):
            return False
        return self.text.casefold() in f"{words} {kind} {record.get('actor', '')}".casefold()


def filter_of(text: str) -> Filter:
    """``alerts MEM``: a kind, then the text; either may be left out."""
    first, _, rest = text.strip().partition(" ")
    for kind in KINDS:
        if first.casefold() == kind:
            return Filter(kind, rest.strip())
    return Filter("all", text.strip())


@dataclass(frozen=True, slots=True)
class TrailLine:
    """An event, or good runs that followed one another."""

    day: str
    """``2026-01-31``."""
    text: str
    release: str = ""
    """Of runs that share the line."""
    since: str = ""
    until: str = ""
    count: int = 0

    @property
    def words(self) -> str:
        """The line."""
        if not self.count:
            return self.text
        runs = "a run" if self.count == 1 else f"{self.count} runs since {self.since}"
        return harmless(f"{self.until} {self.release} published {runs}", 300)


@dataclass(frozen=True, slots=True)
class TrailPage:
    """A page, oldest line first, and where the pages before and after it meet it, in bytes."""

    lines: tuple[TrailLine, ...]
    first: int
    """0: nothing is older."""
    end: int
    damaged: int
    """Lines that are no records."""
    reached: str
    """How far back it was read: the time of the oldest record looked at."""


def page_before(path: Path, before: int | None, wanted: Filter) -> TrailPage:
    """The page that ends at ``before`` (None: the end of the file). At most PAGE lines of BUDGET bytes. OSError."""
    try:
        stream = open_to_read(path)
    except FileNotFoundError:
        return TrailPage((), 0, 0, 0, "")
    with stream:
        size = os.fstat(stream.fileno()).st_size
        begin = end = _whole(stream.fileno(), size) if before is None else min(before, size)
        lines: list[TrailLine] = []
        damaged, reached = 0, ""
        while begin > 0 and len(lines) < PAGE and end - begin < BUDGET:
            start = max(begin - BLOCK, 0)
            data = os.pread(stream.fileno(), begin - start, start)
            while start > 0 and data.find(b"\n") in (-1, len(data) - 1):  # one line longer than a block
                start = max(start - BLOCK, 0)
                data = os.pread(stream.fileno(), begin - start, start)
            if start > 0:  # the first part of a line belongs to the block before
                cut = data.index(b"\n") + 1
                start, data = start + cut, data[cut:]
            found, bad, oldest = _lines_of(data, wanted)
            lines, damaged, reached = joined([*found, *lines]), damaged + bad, oldest or reached
            begin = start
        return TrailPage(tuple(lines), begin, end, damaged, reached)


def page_after(path: Path, after: int, wanted: Filter) -> TrailPage:
    """What was added behind ``after``, BUDGET bytes at most. OSError; a file that was replaced has no such place."""
    try:
        stream = open_to_read(path)
    except FileNotFoundError:
        return TrailPage((), after, after, 0, "")
    with stream:
        data = os.pread(stream.fileno(), BUDGET, after)
        data = data[: data.rfind(b"\n") + 1]
        found, damaged, oldest = _lines_of(data, wanted)
        return TrailPage(tuple(joined(found)), after, after + len(data), damaged, oldest)


def _whole(descriptor: int, size: int) -> int:
    """Where the last whole line ends: what stands behind it is being written."""
    start = max(size - BLOCK, 0)
    return start + os.pread(descriptor, size - start, start).rfind(b"\n") + 1


def _lines_of(data: bytes, wanted: Filter) -> tuple[list[TrailLine], int, str]:
    found: list[TrailLine] = []
    damaged, oldest = 0, ""
    for line in data.split(b"\n")[:-1]:
        if wanted and _RUN in line and oldest and b'"status":"ok"' in line:
            continue
        try:
            record = decode(line)
        except ValueError:
            damaged += 1
            continue
        at = harmless(str(record.get("at", "")), 40)
        oldest = oldest or at[:16]
        told = _told(record, at, wanted)
        if told is not None:
            found.append(told)
    return found, damaged, oldest


def _told(record: Record, at: str, wanted: Filter) -> TrailLine | None:
    kind, data = record.get("kind"), record.get("data")
    data = data if isinstance(data, dict) else {}
    if kind == "run.started" or (kind == "way_back.proven" and data.get("ok") is True):
        return None
    if kind == "run.finished" and data.get("status") == "ok":
        release = harmless(data.get("release", "?"), 40)
        return None if wanted else TrailLine(at[:10], "", release, at[11:19], at[11:19], 1)
    words = in_words(record)
    return TrailLine(at[:10], words) if wanted.takes(record, words) else None


def joined(lines: Iterable[TrailLine]) -> list[TrailLine]:
    """Good runs of one release that follow one another on one day share a line."""
    made: list[TrailLine] = []
    for line in lines:
        last = made[-1] if made else None
        if last is not None and line.count and last.count and (last.release, last.day) == (line.release, line.day):
            made[-1] = replace(last, until=line.until, count=last.count + line.count)
        else:
            made.append(line)
    return made
