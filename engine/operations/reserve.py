"""Disk space and a few names (inodes) kept back, so that a rollback can write its records on a full disk.

A cutover that undoes itself may use them too: before the new release's first start no rollback needs them.
"""

from __future__ import annotations

import contextlib
import errno
import os
from pathlib import Path

from engine.config import Deployment
from engine.records import make_directory, sync_directory
from engine.records.atomic import open_new, open_to_append

RESERVED_NAMES = 48
"""Inodes for a rollback's own directory, its side snapshot, and the temporary files of what it rewrites."""
_LEAST = 8 << 20
_GROUND = 4 << 20
_A_NAME = 1 << 10
"""What one file takes in inventory, side manifest and incident record (bytes), with room to grow."""
_SPACE = "reserve"
_NAMES = "reserve.names"


def reserve_bytes(names: int) -> int:
    """How much is kept where snapshots cover this many files, directories and links (bytes)."""
    return max(_LEAST, _GROUND + names * _A_NAME)


def keep_reserve(deployment: Deployment, names: int = 0) -> None:
    """Allocate it, for real blocks and inodes, sized for ``names`` covered files. OSError when there is no room."""
    path = _space(deployment)
    descriptor = open_to_append(path)
    try:
        os.posix_fallocate(descriptor, 0, reserve_bytes(names))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    make_directory(_names(deployment))
    for number in range(RESERVED_NAMES):
        with contextlib.suppress(FileExistsError):
            os.close(open_new(_names(deployment) / f"{number:02d}"))
    sync_directory(_names(deployment))
    sync_directory(path.parent)


def keep_again(deployment: Deployment, names: int = 0) -> str:
    """Keep it where it was used and there is ample room again; why it is not kept, empty when it is."""
    if not reserve_problem(deployment):
        return ""
    try:
        if not _nearly_full(deployment):
            keep_reserve(deployment, names)
    except OSError as error:
        return f"{reserve_problem(deployment)}, and cannot be kept: {error}"
    return reserve_problem(deployment)


def reserve_problem(deployment: Deployment) -> str:
    """Whether it is missing, in words; empty when all of it is there."""
    try:
        if _space(deployment).stat().st_size >= _LEAST and len(os.listdir(_names(deployment))) >= RESERVED_NAMES:  # noqa: PTH208
            return ""
    except OSError:
        pass
    return "the space kept for a rollback on a full disk is missing"


def release_reserve(deployment: Deployment) -> bool:
    """Give it back when the disk is nearly full; whether it was given now. Nothing here can fail."""
    with contextlib.suppress(OSError):
        return _nearly_full(deployment) and give_back(deployment)
    return False


def give_back(deployment: Deployment) -> bool:
    """Give it back whatever is free; False when there is none to give any more."""
    given = False
    for path in (_space(deployment), *_kept_names(deployment)):
        with contextlib.suppress(OSError):
            path.unlink()
            given = True
    return given


def disk_is_full(error: BaseException | None) -> bool:
    """Whether this error, or what it was raised from, is a full disk or a quota."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            return True
        error = error.__cause__
    return False


def _nearly_full(deployment: Deployment) -> bool:
    found = os.statvfs(deployment.paths.rollback)
    few_names = bool(found.f_files) and found.f_favail < 2 * RESERVED_NAMES  # some file systems know no such limit
    return few_names or found.f_bavail * found.f_frsize < 2 * _LEAST


def _kept_names(deployment: Deployment) -> list[Path]:
    try:
        return list(_names(deployment).iterdir())
    except OSError:
        return []


def _space(deployment: Deployment) -> Path:
    return deployment.paths.rollback / _SPACE


def _names(deployment: Deployment) -> Path:
    return deployment.paths.rollback / _NAMES
