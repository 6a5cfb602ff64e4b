"""A little disk space kept back, so that a rollback can write its records on a full disk."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

from engine.config import Deployment
from engine.records import sync_directory

_NAME = "reserve"
_BYTES = 8 << 20
"""Plan, journal, inventory and manifest of a rollback of some 10,000 files."""


def keep_reserve(deployment: Deployment) -> None:
    """Allocate it, for real blocks; OSError when there is no room."""
    path = _path(deployment)
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o640)
    try:
        os.posix_fallocate(descriptor, 0, _BYTES)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


def release_reserve(deployment: Deployment) -> None:
    """Give it back when the disk is nearly full; nothing here can fail."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(deployment.paths.rollback).free < 2 * _BYTES:
            _path(deployment).unlink(missing_ok=True)


def give_back(deployment: Deployment) -> bool:
    """Give it back whatever is free; False when there is none to give any more."""
    try:
        _path(deployment).unlink()
    except OSError:
        return False
    return True


def disk_is_full(error: BaseException | None) -> bool:
    """Whether this error, or what it was raised from, is a full disk or a quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def _path(deployment: Deployment) -> Path:
    return deployment.paths.rollback / _NAME
