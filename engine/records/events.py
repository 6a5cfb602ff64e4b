"""``logs/events.jsonl``, the audit trail: who did what when, each record carrying the hash of the last."""

from __future__ import annotations

import getpass
import hashlib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import Clock, SystemClock, iso
from engine.errors import OpsError
from engine.records.atomic import FILE_MODE, make_directory, sync_directory
from engine.records.lines import Record, cut_torn_tail, write_line
from engine.records.locked import FileLock

FIRST = "0" * 64
LOCK_WAIT = 1.0
VERSION = 1


class EventsBusy(OpsError):
    """The audit trail's lock could not be had in time."""


@dataclass(frozen=True, slots=True)
class ChainReport:
    """What verifying the chain found; ``problem`` is empty when every record follows from the one before."""

    records: int
    problem: str
    last_hash: str

    @property
    def intact(self) -> bool:
        """True when nothing is wrong."""
        return not self.problem


def whoami() -> str:
    """The author of what this process does: ``user@host``."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = str(os.getuid())
    return f"{user}@{socket.gethostname()}"


def append_event(
    path: Path,
    kind: str,
    data: Mapping[str, Any],
    *,
    source: str,
    actor: str | None = None,
    operation: str | None = None,
    operation_seq: int | None = None,
    clock: Clock | None = None,
) -> Record:
    """Append one event and return it as written.

    Waits one second at most for other writers (EventsBusy), then for the disk (OSError). A torn last
    line is cut off, and that repair is itself the next record.
    """
    now = (clock or SystemClock()).now()
    make_directory(path.parent)
    with FileLock(path.with_name(path.name + ".lock")) as lock:
        if not lock.acquire(LOCK_WAIT):
            raise EventsBusy(f"{path} is locked by another writer", "see who writes: lsof " + str(path))
        existed = path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
        try:
            torn = cut_torn_tail(descriptor)
            last = _last_record(descriptor)
            if torn:
                repair = {"removed_bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
                last = _write(descriptor, last, now.wall, now.boot, "records.repaired", repair, source="records")
            event = _write(
                descriptor,
                last,
                now.wall,
                now.boot,
                kind,
                data,
                source=source,
                actor=actor,
                operation=operation,
                operation_seq=operation_seq,
            )
        finally:
            os.close(descriptor)
        if not existed:
            sync_directory(path.parent)
        return event


def event_hash(event: Mapping[str, Any]) -> str:
    """sha256 over the event without its own ``hash``, as canonical JSON."""
    body = {key: value for key, value in event.items() if key != "hash"}
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def verify_chain(path: Path) -> ChainReport:
    """Recompute every hash. Never repairs; a torn last line is reported too."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ChainReport(0, "", FIRST)
    previous, count = FIRST, 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        try:
            event = msgspec.json.decode(line, type=dict[str, Any])
        except msgspec.DecodeError:
            return ChainReport(count, f"line {number} is no record", previous)
        problem = _broken(event, count, previous, line)
        if problem:
            return ChainReport(count, f"line {number}: {problem}", previous)
        previous, count = str(event["hash"]), count + 1
    if lines[-1]:
        return ChainReport(count, f"the last line is unfinished ({len(lines[-1])} bytes)", previous)
    return ChainReport(count, "", previous)


def _broken(event: Record, count: int, previous: str, line: bytes) -> str:
    if event.get("seq") != count + 1:
        return f"sequence number {event.get('seq')} where {count + 1} belongs"
    if event.get("prev") != previous:
        return "does not follow from the record before it"
    if event.get("hash") != event_hash(event):
        return "its content does not match its hash"
    if msgspec.json.encode(event, order="deterministic") != line:
        return "its bytes are not as they were written"
    return ""


def _last_record(descriptor: int) -> Record | None:
    size = os.fstat(descriptor).st_size
    position, tail = size, b""
    while position > 0 and tail.count(b"\n") < 2:
        step = min(65536, position)
        position -= step
        tail = os.pread(descriptor, step, position) + tail
    lines = [line for line in tail.split(b"\n") if line]
    if not lines:
        return None
    try:
        return msgspec.json.decode(lines[-1], type=dict[str, Any])
    except msgspec.DecodeError:
        return {"seq": -1, "hash": "damaged"}


def _write(
    descriptor: int,
    last: Record | None,
    wall: datetime,
    boot: float,
    kind: str,
    data: Mapping[str, Any],
    *,
    source: str,
    actor: str | None = None,
    operation: str | None = None,
    operation_seq: int | None = None,
) -> Record:
    event: Record = {
        "v": VERSION,
        "seq": int(last["seq"]) + 1 if last else 1,
        "at": iso(wall),
        "boot": round(boot, 3),
        "kind": kind,
        "source": source,
        "actor": actor or whoami(),
        "operation": operation,
        "operation_seq": operation_seq,
        "data": dict(data),
        "prev": str(last["hash"]) if last else FIRST,
    }
    event["hash"] = event_hash(event)
    write_line(descriptor, event)
    return event
