"""Following an append-only file: each call returns only what is new since the last one."""

from __future__ import annotations

import os
from pathlib import Path

from engine.records.atomic import open_to_read
from engine.records.lines import Record, damaged, decode


class Tail:
    """Reads a growing file of JSON lines; a replaced or shortened file is read again from its start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0
        self._lines = 0
        self._inode = 0

    @classmethod
    def from_offset(cls, path: Path, offset: int) -> Tail:
        """A tail that begins with the first line starting at or after ``offset``; past the end: at the start.

        For who has read the file before, or needs only its end. Line numbers in errors count from there.
        """
        tail = cls(path)
        try:
            stream = open_to_read(path)
        except OSError:
            return tail  # absent or unreadable: new_records says so
        with stream:
            status = os.fstat(stream.fileno())
            if 0 < offset <= status.st_size:
                stream.seek(offset - 1)
                stream.readline()  # the rest of the line before, or its newline alone
                tail._offset, tail._inode = stream.tell(), status.st_ino
        return tail

    @property
    def offset(self) -> int:
        """Where the next line to be returned begins, in bytes."""
        return self._offset

    def new_records(self, at_most: int | None = None) -> list[Record]:
        """The records appended since the last call; ``at_most``: read no more than about this many bytes now.

        DamagedRecord when the next whole line is no JSON: once per such line, and nothing around it is lost,
        since the call before returned what stood before it and the next one goes on after it. OSError when the
        file is no regular file or cannot be read; an absent one has no records.
        """
        data = self._unread(at_most)
        records: list[Record] = []
        for line in data.split(b"\n")[:-1]:
            try:
                record = decode(line)
            except ValueError as error:
                if records:
                    return records
                self._pass(line)
                raise damaged(self._path, self._lines, error) from error
            self._pass(line)
            records.append(record)
        return records

    def _unread(self, at_most: int | None) -> bytes:
        """Whole lines that were not returned yet (the last one may be torn); empty when there are none."""
        try:
            stream = open_to_read(self._path)
        except FileNotFoundError:
            return b""
        with stream:
            status = os.fstat(stream.fileno())
            if status.st_ino != self._inode or status.st_size < self._offset:
                self._inode, self._offset, self._lines = status.st_ino, 0, 0
            if status.st_size == self._offset:
                return b""
            stream.seek(self._offset)
            data = stream.read(status.st_size - self._offset if at_most is None else at_most)
            while at_most is not None and b"\n" not in data and (more := stream.read(at_most)):
                data += more
            return data

    def _pass(self, line: bytes) -> None:
        self._offset += len(line) + 1
        self._lines += 1
