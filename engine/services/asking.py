"""How somebody else of the group asks a supervisor to end its service: nobody may signal another account's process.

A pipe with a name, beside the service's state, which only the group can write to. It is there where a group works, and
read as long as the supervisor lives.
"""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from engine.records.shared import is_shared, mode_in

_NAME = "ask"
_MODE = 0o640


def listen(directory: Path) -> int | None:
    """The supervisor's end; None where no group works, or no pipe can be made: then only its own account ends it."""
    if not is_shared(directory):
        return None
    path = directory / _NAME
    try:
        path.unlink(missing_ok=True)  # of an earlier supervisor, perhaps another account's
        mode = mode_in(directory, _MODE)
        os.mkfifo(path, mode)
        path.chmod(mode)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None


def ask_to_end(directory: Path) -> bool:
    """Ask whoever listens there; False when nobody does, or it is not for this account to ask."""
    try:
        descriptor = os.open(directory / _NAME, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return stat.S_ISFIFO(os.fstat(descriptor).st_mode) and os.write(descriptor, b"\n") == 1
    except OSError:
        return False
    finally:
        os.close(descriptor)


def heard(descriptor: int) -> bool:
    """Whether somebody has asked since the last time."""
    with contextlib.suppress(BlockingIOError):
        return bool(os.read(descriptor, 4096))
    return False
