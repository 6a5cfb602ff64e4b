"""``logs/events.jsonl``, the audit trail: who did what when, each record carrying the hash of the last."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from engine.clock import Clock, Instant, SystemClock, iso
from engine.errors import OpsError
from engine.records.account import whoami
from engine.records.atomic import make_directory, open_to_append, open_to_read
from engine.records.form import VERSION
from engine.records.lines import Record, cut_torn_tail, decode, encode, plain, write_line
from engine.records.locked import FileLock, is_locked

FIRST = "0" * 64
LOCK_WAIT = 1.0


class EventsBusy(OpsError):
    """The audit trail's lock could not be had in time."""


class Author(msgspec.Struct, frozen=True):
    """Who and what an event comes from."""

    source: str
    actor: str
    operation: str | None = None
    operation_seq: int | None = None


class ChainReport(msgspec.Struct, frozen=True):
    """What verifying the chain found; ``problem`` is empty when every record follows from the one before."""

    records: int
    problem: str
    last_hash: str

    @property
    def intact(self) -> bool:
        """True when nothing is wrong."""
        return not self.problem


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
    make_directory(path.parent)
    with FileLock(path.with_name(path.name + ".lock")) as lock:
        if not lock.acquire(LOCK_WAIT):
            raise EventsBusy(f"{path} is locked by another writer", "see who writes: lsof " + str(path))
        now = (clock or SystemClock()).now()  # read here, so that the order of times is the order of records
        descriptor = open_to_append(path)
        try:
            last = _repaired(descriptor, now)
            author = Author(source, actor or whoami(), operation, operation_seq)
            return _write(descriptor, last, now, kind, data, author)
        finally:
            os.close(descriptor)


def event_hash(event: Mapping[str, Any]) -> str:
    """sha256 over the event without its own ``hash``, as canonical JSON."""
    import hashlib  # the console's first picture does not wait for OpenSSL

    body = {key: value for key, value in event.items() if key != "hash"}
    return hashlib.sha256(msgspec.json.encode(body, order="deterministic")).hexdigest()


def verify_chain(path: Path) -> ChainReport:
    """Recompute every hash. Never repairs; a torn last line is reported too. OSError when it cannot be read.

    What was cut off at the end leaves no trace in a chain: compare ``records`` and ``last_hash`` with noted ones.
    """
    try:
        stream = open_to_read(path)
    except FileNotFoundError:
        return ChainReport(0, "", FIRST)
    previous, count = FIRST, 0
    with stream:
        end = _settled_end(path, stream.fileno())
        for number, line in enumerate(_lines_until(stream, end), start=1):
            problem = _broken(line, count, previous)
            if problem:
                return ChainReport(count, f"line {number}{problem}", previous)
            previous, count = str(decode(line)["hash"]), count + 1
    return ChainReport(count, "", previous)


def _settled_end(path: Path, descriptor: int) -> int:
    """The file's size while nobody writes, so that a line being written is not taken for a torn one."""
    until = time.monotonic() + LOCK_WAIT
    while is_locked(path.with_name(path.name + ".lock")) and time.monotonic() < until:
        time.sleep(0.005)
    return os.fstat(descriptor).st_size


def _lines_until(stream: BinaryIO, end: int) -> Iterator[bytes]:
    read = 0
    while read < end:
        line = stream.readline(end - read)
        if not line:
            return
        read += len(line)
        yield line


def _broken(line: bytes, count: int, previous: str) -> str:
    """What is wrong with one line, to be read after its number; empty when nothing is."""
    if not line.endswith(b"\n"):
        return f" is unfinished ({len(line)} bytes)"
    try:
        event = decode(line[:-1])
    except ValueError:
        return " is no record"
    if event.get("seq") != count + 1:
        return f": sequence number {event.get('seq')!r} where {count + 1} belongs"
    if event.get("prev") != previous:
        return ": does not follow from the record before it"
    if event.get("hash") != event_hash(event):
        return ": its content does not match its hash"
    if encode(event) != line:
        return ": its bytes are not as they were written"
    return ""


def _repaired(descriptor: int, now: Instant) -> Record | None:
    """The last record, after a torn line behind it was cut off; that repair is then itself the last record."""
    torn = cut_torn_tail(descriptor)
    last = _last_record(descriptor)
    if not torn:
        return last
    import hashlib

    repair = {"removed_bytes": len(torn), "sha256": hashlib.sha256(torn).hexdigest()}
    return _write(descriptor, last, now, "records.repaired", repair, Author("records", whoami()))


def _last_record(descriptor: int) -> Record | None:
    size = os.fstat(descriptor).st_size
    position, tail = size, b""
    while position > 0 and tail.count(b"\n") < 2:
        step = min(65536, position)
        position -= step
        tail = os.pread(descriptor, step, position) + tail
    lines = tail.split(b"\n")[:-1]
    if not lines:
        return None
    try:
        last = decode(lines[-1])
        return {"seq": int(last["seq"]), "hash": str(last["hash"])}
    except (KeyError, TypeError, ValueError):
        # the trail goes on, so that nothing in it can stop an operation; verifying finds the damaged line
        return {"seq": -1, "hash": "damaged"}


def _write(
    descriptor: int, last: Record | None, now: Instant, kind: str, data: Mapping[str, Any], author: Author
) -> Record:
    event: Record = plain(
        {
            "v": VERSION,
            "seq": int(last["seq"]) + 1 if last else 1,
            "at": iso(now.wall),
            "boot": round(now.boot, 3),
            "kind": kind,
            "source": author.source,
            "actor": author.actor,
            "operation": author.operation,
            "operation_seq": author.operation_seq,
            "data": data,
            "prev": str(last["hash"]) if last else FIRST,
        }
    )
    event["hash"] = event_hash(event)
    write_line(descriptor, event)
    return event
