"""Swapping two names in one step, and telling afterwards whether it happened."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

from engine.records.atomic import sync_directory

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_CANNOT = frozenset({errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EPERM})
_libc = ctypes.CDLL(None, use_errno=True)


class CannotExchange(Exception):
    """The file system does not know an atomic exchange."""


def exchange(first: Path, second: Path) -> None:
    """``renameat2(RENAME_EXCHANGE)``, then both directories synced. CannotExchange, or OSError; then nothing moved."""
    try:
        call = _libc.renameat2
    except AttributeError as error:
        raise CannotExchange("the C library has no renameat2") from error
    if call(_AT_FDCWD, os.fsencode(first), _AT_FDCWD, os.fsencode(second), _RENAME_EXCHANGE) != 0:
        number = ctypes.get_errno()
        if number in _CANNOT:
            raise CannotExchange(os.strerror(number))
        raise OSError(number, os.strerror(number), str(first), None, str(second))
    sync_both(first, second)


def sync_both(first: Path, second: Path) -> None:
    """Sync the directories of two names."""
    sync_directory(first.parent)
    if second.parent != first.parent:
        sync_directory(second.parent)


def inode(path: Path) -> int | None:
    """The inode of a name, unfollowed: who it is, whatever it is called. None when it is not there.

    The device is left out: its number may differ after a reboot, and a swap never leaves its file system.
    """
    try:
        return path.lstat().st_ino
    except FileNotFoundError:
        return None
