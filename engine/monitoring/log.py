"""``logs/monitoring.log``: one row per check in the documented template, a date line per day."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile
from pathlib import Path

from engine.monitoring.model import VerdictWord
from engine.records import harmless, make_directory
from engine.records.atomic import open_to_append, open_to_read

HEADER = (
    "TIME (UTC) | LATENCY (ms) | ERROR RATE | MEMORY (MB) | CPU (%) | STATUS | NOTES\n"
    "-----------|--------------|------------|-------------|---------|--------|------\n"
)
WIDTHS = (10, 12, 10, 11, 7, 6)
STATUS: dict[VerdictWord, str] = {
    "CONTINUE": "PASS",
    "WATCH": "WARN",
    "INVESTIGATE": "FAIL",
    "ROLL BACK": "FAIL",
    "UNKNOWN": "ERROR",
}
"""The result word of a row; UNKNOWN is ERROR: the check could not be made."""
NOT_RUN = "NOT RUN"


@dataclass(frozen=True, slots=True)
class Row:
    """One check; None is missing and shown as ``-``, never as 0."""

    at: datetime
    latency_ms: float | None
    error_percent: float | None
    memory_mb: float | None
    cpu_percent: float | None
    status: str
    notes: str


def render(row: Row) -> str:
    """The row as it stands in the file, without its newline."""
    cells = (
        f"{row.at:%H:%M}",
        "-" if row.latency_ms is None else f"{row.latency_ms:.2f}",
        "-" if row.error_percent is None else f"{row.error_percent:.2f}".rstrip("0").rstrip(".") + "%",
        "-" if row.memory_mb is None else f"{row.memory_mb:.0f}",
        "-" if row.cpu_percent is None else f"{row.cpu_percent:.0f}%",
        row.status,
    )
    padded = " | ".join(cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    notes = harmless(row.notes, 300).replace("|", "/")  # a bar would be a column
    return f"{padded} | {notes}".rstrip()


class MonitoringLog:
    """Appends rows; header once per file, a date line whenever the day changes."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def size(self) -> int:
        """Bytes of the file; 0 when there is none, or when it cannot be looked at."""
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def inode(self) -> int | None:
        """Of the file; None when there is none, or when it cannot be looked at."""
        try:
            return self._path.stat().st_ino
        except OSError:
            return None

    def missing_of(self, rows: Sequence[Row], since: int) -> tuple[Row, ...]:
        """Those of ``rows`` that do not stand in the file, which was ``since`` bytes long before they were due.

        They are written in order, so the ones that are there are its first ones. OSError when it cannot be read.
        """
        try:
            with open_to_read(self._path) as stream:
                stream.seek(since)
                lines = stream.read().decode("utf-8", "replace").split("\n")[:-1]
        except FileNotFoundError:
            return tuple(rows)
        pairs = zip(_rows_in(lines), rows, strict=False)
        there = sum(1 for _ in takewhile(lambda pair: pair[0] == render(pair[1]), pairs))
        return tuple(rows[there:])

    def append(self, row: Row) -> None:
        """One row, in one write. OSError when the disk refuses it."""
        make_directory(self._path.parent)
        descriptor = open_to_append(self._path)
        try:
            size = os.fstat(descriptor).st_size
            head = HEADER if size == 0 else "" if os.pread(descriptor, 1, size - 1) == b"\n" else "\n"
            day = f"{row.at:%Y-%m-%d}"
            if _last_day(descriptor, size) != day:
                head += f"{day}\n"
            data = f"{head}{render(row)}\n".encode()
            if os.write(descriptor, data) != len(data):  # a disk that fills up takes a part of it
                os.ftruncate(descriptor, size)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
        finally:
            os.close(descriptor)


def _rows_in(lines: Iterable[str]) -> list[str]:
    head = HEADER.splitlines()
    return [line for line in lines if line and line not in head and not _is_day(line.encode())]


def _is_day(line: bytes) -> bool:
    return len(line) == 10 and line[4:5] == b"-" and line[7:8] == b"-" and line.replace(b"-", b"").isdigit()


def _last_day(descriptor: int, size: int) -> str:
    """The newest date line of the file; empty when there is none."""
    position, tail = size, b""
    while position > 0:
        step = min(65536, position)
        position -= step
        tail = os.pread(descriptor, step, position) + tail
        for line in reversed(tail.split(b"\n")[1 if position else 0 :]):
            if _is_day(line):
                return line.decode()
    return ""
