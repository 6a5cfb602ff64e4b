"""A file that can be read to its end: a pipe keeps its reader waiting, and a device may never end."""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


class NotRegular(OSError):
    """What stands there is neither a regular file nor a directory; its words say what it is."""


def special(path: Path) -> str:
    """``a named pipe``, ``a socket``, ``a device``: what is at ``path``, or behind a link. Empty for files and
    directories. OSError when it cannot be looked at.
    """
    return _special(path.stat())


def open_regular(path: Path) -> BufferedReader:
    """The regular file at ``path``, or behind a link, to be read. NotRegular at once for what would make a reader wait;
    any other OSError.
    """
    _check(path.stat())  # first: a socket cannot be opened, and some devices move when they are
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe put there meanwhile does not hang
    try:
        status = os.fstat(descriptor)
        _check(status)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    except BaseException:
        os.close(descriptor)
        raise
    return os.fdopen(descriptor, "rb")


def read_regular(path: Path) -> bytes:
    """All of it; errors as :func:`open_regular` has them."""
    with open_regular(path) as file:
        return file.read()


def _check(status: os.stat_result) -> None:
    kind = _special(status)
    if kind:
        raise NotRegular(f"it is {kind}, no regular file")


def _special(status: os.stat_result) -> str:
    return next((kind for is_one, kind in _KINDS if is_one(status.st_mode)), "")
