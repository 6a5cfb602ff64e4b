"""Who else may use what is made here: a directory in which a group works hands that on to all that is made in it.

Such a directory is setgid and its group may write (2770). The kernel gives the directory's group to what is made in it,
and here its group is given the rights of its owner, whatever the umask of who makes it. Elsewhere everything stays as
it is asked for. No configuration is asked: the daemons and the pipelines, which read none, go by the same rule.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

SHARED = stat.S_ISGID | stat.S_IWGRP
_SECRET_UNLESS = stat.S_IRGRP


def is_shared(directory: Path) -> bool:
    """Whether a group works in this directory; one that is not there, or cannot be looked at, is nobody's but ours."""
    try:
        return os.stat(directory).st_mode & SHARED == SHARED  # noqa: PTH116 - for each file that is made
    except OSError:
        return False


def mode_in(directory: Path, mode: int) -> int:
    """The mode of a file made in ``directory`` that would have ``mode`` elsewhere. A secret (0600) stays one."""
    if not mode & _SECRET_UNLESS or not is_shared(directory):
        return mode
    return mode | (mode & stat.S_IRWXU) >> 3


def directory_mode_in(directory: Path, mode: int) -> int:
    """The same for a directory: it is shared in its turn."""
    if not mode & _SECRET_UNLESS or not is_shared(directory):
        return mode
    return mode | (mode & stat.S_IRWXU) >> 3 | stat.S_ISGID


def hand_over(descriptor: int, directory: Path, *, mine: bool = False) -> None:
    """What root makes in the directory of another account becomes that account's, which could not even read it else.

    ``mine``: only its group does, for the owner is to tell who made it. Where a group works, the group has it already.
    """
    if os.geteuid() != 0:
        return
    with contextlib.suppress(OSError):  # a file system that knows no owners, or lets root give nothing away
        status = os.stat(directory)  # noqa: PTH116 - for each file that is made
        if status.st_uid and status.st_mode & SHARED != SHARED:
            os.fchown(descriptor, -1 if mine else status.st_uid, status.st_gid)


def hand_over_directory(path: Path) -> None:
    """The same for a directory that was just made."""
    if os.geteuid() != 0:
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            hand_over(descriptor, path.parent)
        finally:
            os.close(descriptor)


def settle_directory(path: Path, mode: int) -> None:
    """Give a directory that was just made its mode.

    A unit with ``RestrictSUIDSGID=`` may not ask for setgid, but what it makes in such a directory has that by itself:
    so it is asked for only where it is lacking, and where it is refused the rest of the mode is what can be had.
    """
    now = stat.S_IMODE(path.stat().st_mode)
    if now == mode:
        return
    try:
        path.chmod(mode)
    except PermissionError:
        if not now & stat.S_ISGID:
            path.chmod(mode & 0o777)
