"""One ``flock`` on a file that is never unlinked."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from engine.records.atomic import make_directory
from engine.records.shared import hand_over

LOCK_MODE = 0o660
LOOK_GRACE = 0.2


class FileLock:
    """An exclusive lock held by this process; the descriptor is close-on-exec, so no child keeps it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._descriptor >= 0

    def acquire(self, wait: float = 0.0) -> bool:
        """Try for ``wait`` seconds (0.2 at least); False when someone else holds it.

        The least time is there because :func:`is_locked` takes the lock for an instant to look.
        """
        if self.held:
            return True
        make_directory(self._path.parent)
        until = time.monotonic() + max(wait, LOOK_GRACE)
        while True:
            if self._try():
                return True
            if time.monotonic() >= until:
                return False
            time.sleep(0.01)

    def take(self) -> bool:
        """Try once, without waiting for somebody who only looks. OSError when the file cannot be opened."""
        return self.held or self._try()

    def _try(self) -> bool:
        descriptor = self._open()
        try:
            if _locked_now(descriptor, fcntl.LOCK_EX) and _still_there(descriptor, self._path):
                self._descriptor = descriptor
        finally:
            if not self.held:
                os.close(descriptor)
        return self.held

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self._path, flags | os.O_CREAT | os.O_EXCL, LOCK_MODE)
        except FileExistsError:
            return os.open(self._path, flags)
        hand_over(descriptor, self._path.parent)
        os.fchmod(descriptor, LOCK_MODE)  # the group shares it, whatever the umask
        return descriptor

    def release(self) -> None:
        """Let go; harmless when not held."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> FileLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def is_locked(path: Path) -> bool:
    """Whether some process holds the lock right now; an absent file is free. OSError when it cannot be read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _locked_now(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def _locked_now(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _still_there(descriptor: int, path: Path) -> bool:
    """Whether the name still means the file that was locked; a lock on an unlinked file excludes nobody."""
    try:
        named = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - beside fstat, spelled alike
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))
