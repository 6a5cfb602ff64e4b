"""A monitor whose memory cannot be read, or is gone: what it knows again from its parts, the log and the alert book.

Nothing here is guessed. What no record tells is left out, so that it is unknown, and what is lost is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.alerts import Book
from engine.monitoring.assembly import calendar_of
from engine.monitoring.checkpoint import Watch
from engine.monitoring.facts import Facts
from engine.monitoring.model import TIERS
from engine.monitoring.schedule import Calendar, served, slot_name
from engine.monitoring.sustained import Memory
from engine.monitoring.watched import Watched
from engine.records.atomic import open_to_read
from engine.records.undecodable import UNDECODABLE

T = TypeVar("T", bound=msgspec.Struct)
Rows = Sequence[tuple[datetime, str]]
"""Time, to the minute, and notes of rows of the monitoring log."""
ALL = "all of it"
_LOG_END = 4 << 20
"""Bytes at the end of each monitoring log that are looked through."""


def salvaged(data: bytes, kind: type[T]) -> tuple[T, tuple[str, ...]]:
    """As much of a checkpoint as can be understood, field by field, and the names of what cannot."""
    try:
        plain = msgspec.json.decode(data, type=dict[str, Any])
    except UNDECODABLE:
        return kind(), (ALL,)
    kept: dict[str, Any] = {}
    lost: list[str] = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name in plain:
            _take(field.name, plain[field.encode_name], field.type, kept, lost)
    return kind(**kept), tuple(lost)


def _take(name: str, value: Any, kind: Any, kept: dict[str, Any], lost: list[str]) -> None:
    try:
        kept[name] = msgspec.convert(value, kind)
    except msgspec.ValidationError:
        if get_origin(kind) is not dict or not isinstance(value, dict):
            lost.append(name)
            return
        entries: dict[str, Any] = {}
        for key, one in value.items():
            before = len(lost)
            _take(key, one, get_args(kind)[1], entries, lost)
            lost[before:] = [f"{name}.{entry}" for entry in lost[before:]]
        kept[name] = entries


def recalled(deployment: Deployment, watch: Watch, facts: Facts, book: Book, release: str, now: Instant) -> Watch:
    """The memory with what log, trail and alert book tell of it. ``release``: the one that is judged."""
    watch = with_conditions(watch, book, deployment.monitoring.conditions, release)
    calendar = calendar_of(deployment, facts, now.wall)
    if calendar is None:
        return watch
    return with_slots(watch, calendar, facts, deployment.new.release, rows_of(deployment.paths.logs))


def with_conditions(watch: Watch, book: Book, names: Iterable[str], release: str) -> Watch:
    """Conditions of which nothing is known any more: one with an open alert fires on, until it clears by its rule."""
    conditions = dict(watch.conditions)
    for name in names:
        alert = book.alerts.get(name)
        if name not in conditions and alert is not None and alert.tier in TIERS:
            memories = {alert.tier: Memory(firing=True)}
            conditions[name] = Watched(release=watch.release or release, memories=memories, since=alert.opened)
    return msgspec.structs.replace(watch, conditions=conditions)


def with_slots(watch: Watch, calendar: Calendar, facts: Facts, release: str, rows: Rows) -> Watch:
    """Slots that have their row in the log, or their validation in the trail, are neither missed nor due again."""
    written = [at for offset, at in calendar.log_slots() if _stands(rows, at, slot_name(offset))]
    begun = [
        slot.at
        for slot in calendar.validations()
        if served(slot, facts.validations, release) is not None
        or _stands(rows, slot.at, f"{slot_name(slot.offset)} validation")
    ]
    own = watch.counted_from == calendar.since
    return msgspec.structs.replace(
        watch,
        slot_at=max([*written, *([watch.slot_at] if watch.slot_at else [])], default=None),
        counted_from=calendar.since,
        begun_at=max([*begun, *([watch.begun_at] if own and watch.begun_at else [])], default=None),
    )


def _stands(rows: Rows, at: datetime, name: str) -> bool:
    """Whether the row of a slot is there: said to be missed, or written within a minute or two of it."""
    begin, end = at.replace(second=0, microsecond=0), at + timedelta(minutes=2)
    return any(begin <= when <= end and _names(notes, name) for when, notes in rows)


def _names(notes: str, name: str) -> bool:
    said = notes.removeprefix("MISSED: ")
    return said == name or (said.startswith(name) and said[len(name)] in ":;,")


def rows_of(logs: Path) -> list[tuple[datetime, str]]:
    """Time (to the minute) and notes of the rows of every monitoring log in ``logs``; what cannot be read has none."""
    found: list[tuple[datetime, str]] = []
    for path in sorted(logs.glob("monitoring*.log")):
        try:
            with open_to_read(path) as stream:
                stream.seek(max(path.stat().st_size - _LOG_END, 0))
                found += _rows(stream.read().decode("utf-8", "replace").splitlines())
        except OSError:
            continue
    return found


def _rows(lines: Iterable[str]) -> Iterable[tuple[datetime, str]]:
    day: datetime | None = None
    for line in lines:
        cells = line.split("|")
        try:
            if len(cells) == 1:
                day = datetime.strptime(line.strip(), "%Y-%m-%d").replace(tzinfo=UTC)
            elif day is not None:
                hours, _, minutes = cells[0].strip().partition(":")
                yield day + timedelta(hours=int(hours), minutes=int(minutes)), cells[-1].strip()
        except ValueError:
            continue  # the header
