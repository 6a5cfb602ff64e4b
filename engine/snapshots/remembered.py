"""Hashes of files that were read once and have not changed since, so that the same bytes are not read again."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec

from engine.records.atomic import write_file
from engine.records.undecodable import UNDECODABLE

_SETTLED = 1.0
"""Seconds. A file changed more recently than this before it was read may change once more within one tick of the file
system's clock, and look the same: it is not remembered."""

Key = tuple[int, int, int, int, int]
"""Device, inode, size, mtime and ctime in ns. Nobody can write to a file, or put its mtime back, and keep its ctime."""


class Read(msgspec.Struct, frozen=True, array_like=True):
    """What one file's content was when it was read."""

    sha256: str
    at: float
    """Unix time of the reading."""


class Remembered:
    """What this process has read itself, by what ``stat`` says of it.

    A worker begins with an empty one and never stores it, so everything that it relies on it has read at least once.
    One writer escapes the key: a process that has mapped a file into its memory. So the proof at the end of a rollback
    reads what was set aside without it, and :meth:`forget` is for when somebody has files open.
    """

    def __init__(self, known: dict[Key, Read] | None = None, pace: float = 0.0) -> None:
        self._known = known or {}
        self._used: dict[Key, Read] = {}
        self._trusted = True
        self._stored_pace = pace
        self.read_bytes = 0
        self.read_seconds = 0.0
        self.spared_bytes = 0

    def find(self, status: os.stat_result) -> str | None:
        """The hash of a file that is as it was when it was read; None when it has to be read."""
        key = _key(status)
        known = self._known.get(key)
        if known is None:
            return None
        self._used[key] = known
        self.spared_bytes += status.st_size
        return known.sha256

    def keep(self, before: os.stat_result, after: os.stat_result, sha256: str, began: float) -> None:
        """Remember a file that was read from ``began`` (Unix time) on; not one that changed then or just before."""
        self.read_bytes += after.st_size
        self.read_seconds += max(time.time() - began, 0.0)
        if self._trusted and _key(before) == _key(after) and before.st_ctime < began - _SETTLED:
            self._known[_key(after)] = self._used[_key(after)] = Read(sha256, began)

    def forget(self) -> None:
        """From now on everything is read whenever it is asked for."""
        self._trusted = False
        self._known.clear()

    @property
    def oldest(self) -> float | None:
        """When the longest remembered of the files asked for was read (Unix time); None when none was remembered."""
        return min((read.at for read in self._used.values()), default=None)

    @property
    def would_take(self) -> float:
        """Seconds that reading what was spared would have taken, at the pace at which most of it was read."""
        return self.spared_bytes / self._pace if self._pace else 0.0

    @property
    def _pace(self) -> float:
        """Bytes a second, of this process if it read more than it was spared, else of the one that stored it."""
        own = self.read_bytes / self.read_seconds if self.read_seconds else 0.0
        return own if self.read_bytes > self.spared_bytes or not self._stored_pace else self._stored_pace

    def store(self, path: Path, *, so_far: bool = False) -> None:
        """Write down what was used, or, ``so_far``, everything: the rest may be asked for later. OSError."""
        reads = self._known if so_far else self._used
        write_file(path, msgspec.json.encode(_Stored(self._pace, list(reads.items()))))


class _Stored(msgspec.Struct, frozen=True):
    pace: float
    reads: list[tuple[Key, Read]]


def load_remembered(path: Path, not_before: float) -> Remembered:
    """What an earlier process stored; what it read before ``not_before`` (Unix time) is left out."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Stored)
    except (OSError, *UNDECODABLE):
        return Remembered()
    now = time.time()
    return Remembered({key: read for key, read in found.reads if not_before <= read.at <= now}, found.pace)


def _key(status: os.stat_result) -> Key:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
