"""Following an append-only file: each call returns only what is new since the last one."""

from __future__ import annotations

import os
from pathlib import Path

from engine.records.lines import Record, parse_lines


class Tail:
    """Reads a growing file of JSON lines; a replaced or shortened file is read again from its start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._inode = 0

    def new_records(self) -> list[Record]:
        """The records appended since the last call. DamagedRecord when a whole line is no JSON."""
        try:
            with self._path.open("rb") as stream:
                status = os.fstat(stream.fileno())
                if status.st_ino != self._inode or status.st_size < self._offset:
                    self._inode, self._offset = status.st_ino, 0
                if status.st_size == self._offset:
                    return []
                stream.seek(self._offset)
                data = stream.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        return parse_lines(self._path, data[:end])
