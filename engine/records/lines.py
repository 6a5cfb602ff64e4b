"""Append-only files of JSON lines: fsynced appends, and readers that forgive only what a crash can do."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import math
import os
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import iso
from engine.errors import DamagedRecord
from engine.records.atomic import open_to_append, open_to_read
from engine.records.undecodable import UNDECODABLE

Record = dict[str, Any]
TURN_WAIT = 1.0


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of JSON with sorted keys, newline included; the same record gives the same bytes.

    NaN and infinities become null. Whatever JSON has no form for becomes text: a record is never lost for it.
    """
    try:
        return msgspec.json.encode(record, order="deterministic") + b"\n"
    except (TypeError, UnicodeEncodeError, OverflowError, ValueError):
        return msgspec.json.encode(plain(record), order="deterministic") + b"\n"


def plain(value: Any) -> Any:
    """``value`` as dicts, lists, texts and numbers that JSON can hold; lone surrogates become ``\\udc80``."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, int):
        return int(value) if -(2**63) <= value < 2**63 else str(int(value))
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(plain(str(key))): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return iso(value)
    return plain(str(value))


def decode(line: bytes) -> Record:
    """One line back into a record; ValueError when it is none."""
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except UNDECODABLE as error:
        raise ValueError(str(error)) from error


def append_line(path: Path, record: Mapping[str, Any], *, sync: bool = True) -> None:
    """Append one record; a torn last line of an earlier crash is cut off first.

    Writers take turns by a lock on the file itself, which each holds for one write. OSError when that cannot
    be had within a second, or when the disk refuses: then the file is as it was.
    """
    descriptor = open_to_append(path)
    try:
        _take_turn(descriptor, path)
        write_line(descriptor, record, sync=sync)
    finally:
        os.close(descriptor)


def write_line(descriptor: int, record: Mapping[str, Any], *, sync: bool = True) -> None:
    """Append one record to an open file. On a failed write the file is cut back to where it was; OSError."""
    cut_torn_tail(descriptor)
    size = os.fstat(descriptor).st_size
    line = encode(record)
    try:
        _write_all(descriptor, line)
        if sync:
            os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):  # the first error is the one to tell; a torn tail is cut later
            os.ftruncate(descriptor, size)
        raise


def _write_all(descriptor: int, line: bytes) -> None:
    rest = memoryview(line)
    while rest:
        written = os.write(descriptor, rest)
        if written == 0:
            raise OSError(errno.EIO, "the disk took nothing")
        rest = rest[written:]


def _take_turn(descriptor: int, path: Path) -> None:
    until = time.monotonic() + TURN_WAIT
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= until:
                raise OSError(errno.EAGAIN, "another writer keeps it locked", str(path)) from error
            time.sleep(0.005)
        else:
            return


def cut_torn_tail(descriptor: int) -> bytes:
    """Remove an unfinished last line, and return it; empty when the file ends as it should."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return b""
    position, tail = size, b""
    while position > 0 and b"\n" not in tail:
        step = min(65536, position)
        position -= step
        tail = os.pread(descriptor, step, position) + tail
    cut = tail.rfind(b"\n") + 1
    os.ftruncate(descriptor, position + cut)
    return tail[cut:]


def parse_lines(path: Path, data: bytes) -> list[Record]:
    """All records of ``data``. An unfinished last line is left out; damage before it is DamagedRecord."""
    records: list[Record] = []
    for number, line in enumerate(data.split(b"\n")[:-1], start=1):
        try:
            records.append(decode(line))
        except ValueError as error:
            raise damaged(path, number, error) from error
    return records


def damaged(path: Path, number: int, error: Exception) -> DamagedRecord:
    """The error for a whole line that is no record: no crash leaves one behind."""
    return DamagedRecord(
        f"{path}, line {number}, is damaged: {error}",
        "nothing was repaired; keep the file and compare it with a copy",
    )


def read_lines(path: Path) -> list[Record]:
    """Every whole record of the file; an absent file has none. OSError when it is no regular file."""
    try:
        with open_to_read(path) as stream:
            data = stream.read()
    except FileNotFoundError:
        return []
    return parse_lines(path, data)
