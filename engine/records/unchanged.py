"""A file that is read again only when it was changed."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")
SETTLED = 2.0
"""Seconds since its last change after which a file's stamp counts: a second change within one tick of the kernel's
clock leaves the stamp as it is.
"""
Stamp = tuple[int, int, int, int]
"""Inode, size, and both times. Whoever writes may set the one time back, as ``touch`` does; the other nobody can."""


def stamp_of(status: os.stat_result) -> Stamp:
    """Another one after each change of the file, but for a second change within one tick of the kernel's clock."""
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


class ReadOnce(Generic[T]):
    """What ``read`` makes of a file, as long as the file is the same: inode, size, and both of its times."""

    def __init__(self, path: Path, read: Callable[[Path], T]) -> None:
        self._path, self._read = path, read
        self._kept: tuple[Stamp | None, T] | None = None

    def read(self) -> T:
        """What it is now. Raises what reading raises; a file that cannot be looked at is read each time."""
        stamp, settled = self._stamp()
        if self._kept is not None and stamp is not None and self._kept[0] == stamp:
            return self._kept[1]
        made = self._read(self._path)
        self._kept = (stamp if settled else None, made)
        return made

    def _stamp(self) -> tuple[Stamp | None, bool]:
        try:
            status = os.stat(self._path)  # noqa: PTH116 - once a second for each file
        except OSError:
            return None, False
        return stamp_of(status), time.time() - status.st_ctime > SETTLED
