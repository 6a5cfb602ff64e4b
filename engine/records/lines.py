"""Append-only files of JSON lines: fsynced appends, and readers that forgive only what a crash can do."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from engine.errors import DamagedRecord
from engine.records.atomic import FILE_MODE, sync_directory

Record = dict[str, Any]


def encode(record: Mapping[str, Any]) -> bytes:
    """One line of JSON with sorted keys, newline included; the same record gives the same bytes."""
    return msgspec.json.encode(record, order="deterministic") + b"\n"


def append_line(path: Path, record: Mapping[str, Any], *, sync: bool = True) -> None:
    """Append one record in a single write; a torn last line of an earlier crash is cut off first."""
    existed = path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        write_line(descriptor, record, sync=sync)
    finally:
        os.close(descriptor)
    if not existed:
        sync_directory(path.parent)


def write_line(descriptor: int, record: Mapping[str, Any], *, sync: bool = True) -> None:
    """Append one record to an open file. On a failed write the file is cut back to where it was; OSError."""
    cut_torn_tail(descriptor)
    size = os.fstat(descriptor).st_size
    line = encode(record)
    try:
        written = os.write(descriptor, line)
        while written < len(line):
            written += os.write(descriptor, line[written:])
        if sync:
            os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, size)
        raise


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
    lines = data.split(b"\n")
    records: list[Record] = []
    for number, line in enumerate(lines[:-1], start=1):
        try:
            records.append(msgspec.json.decode(line, type=dict[str, Any]))
        except msgspec.DecodeError as error:
            raise DamagedRecord(
                f"{path}, line {number}, is damaged: {error}",
                "nothing was repaired; keep the file and compare it with a copy",
            ) from error
    return records


def read_lines(path: Path) -> list[Record]:
    """Every whole record of the file; an absent file has none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return parse_lines(path, data)
