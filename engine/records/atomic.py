"""Writing a whole file so that a reader, or a power cut, meets the old one or the new one, nothing else."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import time
from pathlib import Path
from typing import BinaryIO

from engine.records.shared import directory_mode_in, hand_over, hand_over_directory, mode_in, settle_directory

FILE_MODE = 0o640
DIRECTORY_MODE = 0o750
FOR_GROUP = 0o2770
UNFINISHED_AFTER = 600.0
"""Seconds after which a file that was to take another's place has no writer any more: it takes milliseconds."""
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def write_file(path: Path, data: bytes, mode: int = FILE_MODE, *, mine: bool = False, lasts: bool = True) -> None:
    """Temporary beside ``path``, fsync, rename over it, fsync the directory. OSError leaves the old file.

    ``mine``: its owner is to tell who wrote it, root too. ``lasts``: False for what says nothing after a power cut;
    a reader meets it whole all the same, and nobody waits for the disk.
    """
    temporary = path.with_name(f".{path.name}.{os.urandom(4).hex()}.tmp")
    try:
        with os.fdopen(open_new(temporary, mode, mine=mine), "wb") as stream:
            stream.write(data)
            stream.flush()
            if lasts:
                os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105 - the one call that matters, spelled plainly
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if lasts:
        sync_directory(path.parent)


def remove_unfinished(directory: Path, older_than: float = UNFINISHED_AFTER) -> list[str]:
    """Remove what writers that were killed in :func:`write_file` left there; gives the names. Never raises."""
    removed, since = [], time.time() - older_than
    for path in directory.glob(".*.tmp") if directory.is_dir() else ():
        with contextlib.suppress(OSError):  # another has just done so, or it is another account's
            if _TEMPORARY.fullmatch(path.name) and path.lstat().st_mtime < since:
                path.unlink()
                removed.append(path.name)
    return removed


def sync_directory(path: Path) -> None:
    """Fsync a directory, so that names created, renamed or removed in it survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(path: Path, mode: int = DIRECTORY_MODE) -> None:
    """Create ``path`` and its missing parents, each synced into its parent."""
    if path.is_dir():
        return
    make_directory(path.parent, mode)
    with contextlib.suppress(FileExistsError):
        make_one(path, mode)
    sync_directory(path.parent)


def make_one(path: Path, mode: int = DIRECTORY_MODE) -> None:
    """Create one directory, not synced yet. FileExistsError, and any other OSError."""
    mode = directory_mode_in(path.parent, mode)
    path.mkdir(mode=mode & 0o777)
    hand_over_directory(path)
    if mode & stat.S_ISGID:
        settle_directory(path, mode)  # whatever the umask of who runs this: the group works here


def make_for_group(path: Path) -> None:
    """Create a directory that its group writes to, wherever it is: in it people ask, and say who they are. OSError."""
    if not path.is_dir():
        make_directory(path)
        settle_directory(path, FOR_GROUP)


def existing(path: Path) -> Path:
    """``path``, or the nearest directory above it that is there: what would have to take a new name."""
    while not path.exists():
        path = path.parent
    return path


def open_new(path: Path, mode: int = FILE_MODE, *, mine: bool = False) -> int:
    """A descriptor that reads and writes a new file with ``mode``, or what that is where a group works.

    FileExistsError when something is there already, a link too. The caller closes it, and syncs.
    """
    mode = mode_in(path.parent, mode)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    hand_over(descriptor, path.parent, mine=mine)
    os.fchmod(descriptor, mode)  # whatever the umask of who runs this
    return descriptor


def open_to_append(path: Path, mode: int = FILE_MODE) -> int:
    """A descriptor that appends to the regular file ``path``, created with ``mode`` when it is absent.

    OSError for a symlink, or for anything else that is no regular file. The caller closes it.
    """
    flags = os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
    mode = mode_in(path.parent, mode)
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
    except FileExistsError:
        # without O_CREAT: fs.protected_regular would refuse another user's file in a sticky directory
        return _regular(os.open(path, flags), path)
    hand_over(descriptor, path.parent)
    os.fchmod(descriptor, mode)
    sync_directory(path.parent)
    return descriptor


def open_to_read(path: Path) -> BinaryIO:
    """The regular file ``path``. OSError for a symlink or a special file: a pipe must not hang a reader."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    return os.fdopen(_regular(descriptor, path), "rb")


def _regular(descriptor: int, path: Path) -> int:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(22, "is no regular file", str(path))
    return descriptor
