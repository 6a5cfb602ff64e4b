"""Free disk, measured in what a rollback needs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path


def free_bytes(path: Path) -> int:
    """Bytes that this user can still write below ``path``. OSError when it is not there."""
    status = os.statvfs(path)
    return status.f_bavail * status.f_frsize


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
