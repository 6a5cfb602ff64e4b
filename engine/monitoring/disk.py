"""Free disk, measured in what a rollback needs."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.reading import Missing, Reading, Value

_MEASURE_EVERY = 60.0
"""Seconds between two looks at the size of what a rollback restores."""


def free_bytes(path: Path) -> int:
    """Bytes that this user can still write below ``path``. OSError when it is not there."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


def full(paths: Iterable[Path]) -> list[str]:
    """A sentence for each of these places whose disk takes nothing more; one that is not there is somebody else's."""
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            if free_bytes(path) == 0:
                found.append(f"the disk of {path} is full: nothing can be written there, abaco-ops doctor")
    return found


def size_of(paths: Iterable[Path]) -> int:
    """Bytes of all regular files in ``paths``; symlinks are not followed, what vanishes meanwhile counts 0."""
    return sum(_size(path) for path in paths)


def _size(path: Path) -> int:
    try:
        if not path.is_dir() or path.is_symlink():
            return path.lstat().st_size if path.is_file() else 0
        with os.scandir(path) as entries:
            return sum(
                _size(Path(entry.path)) if entry.is_dir(follow_symlinks=False) else _entry_size(entry)
                for entry in entries
            )
    except OSError:
        return 0


def _entry_size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_size
    except OSError:
        return 0


class DiskSource:
    """Measures free space at every look, what a rollback needs once in a while."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._need: tuple[float, int] | None = None
        self.free: int | None = None
        """Bytes free at the last look."""

    def look(self, release: str, now: Instant) -> Reading:
        """``disk_ratio``: free space over what a rollback needs."""
        try:
            self.free = free_bytes(self._deployment.root)
        except OSError as error:
            self.free = None
            return Missing(f"free disk cannot be read: {error.strerror}")
        if self._need is None or now.boot - self._need[0] >= _MEASURE_EVERY:
            covered = [self._deployment.root / name for name in self._deployment.console.snapshot.covers]
            size = size_of([*covered, self._deployment.active_config])
            self._need = (now.boot, max(size, self._deployment.monitoring.disk.least_need))
        return (Value(self.free / self._need[1], now.wall, now.boot, release),)


def size_words(size: int) -> str:
    """``84 GB``, ``2.1 GB``, ``49 MB``."""
    if size < 1e9:
        return f"{size / 1e6:.0f} MB"
    return f"{size / 1e9:.0f} GB" if size >= 1e10 else f"{size / 1e9:.1f} GB"
