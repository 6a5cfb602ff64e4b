"""Reading what is still sound of a damaged file: for emergencies, which a bad line of the past must not stop."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from engine.records.atomic import open_to_read
from engine.records.lines import Record, decode

_BLOCK = 1 << 16


def sound_records(path: Path) -> tuple[list[Record], int]:
    """Every whole line that is a record, oldest first, and how many whole lines are none. OSError."""
    records: list[Record] = []
    damaged = 0
    for record in records_from_end(path):
        if record is None:
            damaged += 1
        else:
            records.append(record)
    records.reverse()
    return records, damaged


def records_from_end(path: Path) -> Iterator[Record | None]:
    """The records of a file, newest first, None for a line that is none. Reads no more than is asked for. OSError."""
    for line in lines_from_end(path):
        record: Record | None = None
        with contextlib.suppress(ValueError):
            record = decode(line)
        yield record


def lines_from_end(path: Path) -> Iterator[bytes]:
    """Whole lines, newest first; what stands after the last newline is being written, or was torn."""
    try:
        stream = open_to_read(path)
    except FileNotFoundError:
        return
    with stream:
        position = os.fstat(stream.fileno()).st_size
        rest = b""
        torn = True
        while position > 0:
            step = min(_BLOCK, position)
            position -= step
            stream.seek(position)
            first, *lines = (stream.read(step) + rest).split(b"\n")
            if lines and torn:
                lines.pop()
                torn = False
            yield from reversed(lines)
            rest = first
        if not torn:
            yield rest
