"""Copying a tree so that the copy is on the disk, hashed while it passes, and never linked to its source."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import os
import stat
import time
from pathlib import Path

from engine.records.atomic import make_directory, sync_directory
from engine.records.shared import hand_over, hand_over_directory, settle_directory
from engine.snapshots.manifest import Checkpoint, Entry, SnapshotProblem, walk

_FICLONE = 0x40049409
_BLOCK = 1 << 20
_ZEROS = bytes(_BLOCK)
_TRIES = 100
_PAUSE = 0.02
_libc = ctypes.CDLL(None, use_errno=True)


class StillWritten(SnapshotProblem):
    """A file changed while it was copied."""


def copy_tree(
    source: Path, target: Path, covered: str, *, checkpoint: Checkpoint | None = None, living: bool = False
) -> tuple[Entry, ...]:
    """Copy ``source/covered`` to ``target/covered`` and return what was copied, hashed while it was read.

    ``living``: the source may change meanwhile, so a file that vanishes is left out. Otherwise that, and a file
    that changes while it is read, is SnapshotProblem. Not yet synced: see :func:`sync_tree`.
    """
    entries: list[Entry] = []
    copy = _copy_living if living else _copy_one
    make_directory((target / covered).parent)
    for relative, status in walk(source, covered):
        try:
            entries.append(copy(source / relative, target / relative, relative, status, checkpoint))
        except FileNotFoundError as error:
            if not living:
                raise SnapshotProblem(f"{source / relative} vanished while it was copied", "find who writes") from error
        if checkpoint is not None:
            checkpoint()
    for entry in reversed(entries):
        if entry.type == "directory":  # its time changed with each file put into it
            os.utime(target / entry.path, ns=(entry.mtime_ns, entry.mtime_ns))
    return tuple(entries)


def copy_file(source: Path, target: Path, checkpoint: Checkpoint | None = None) -> str:
    """Copy one file's content (a reflink where the file system can), and return the sha256 of what was copied."""
    reading = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(reading)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        writing = os.open(target, flags, stat.S_IMODE(status.st_mode) | stat.S_IWUSR)
        try:
            digest = _transfer(reading, writing, checkpoint)
            hand_over(writing, target.parent)
            os.fchmod(writing, stat.S_IMODE(status.st_mode))
            os.utime(writing, ns=(status.st_atime_ns, status.st_mtime_ns))
        finally:
            os.close(writing)
        after = os.fstat(reading)
        if (after.st_size, after.st_mtime_ns) != (status.st_size, status.st_mtime_ns):
            raise StillWritten(f"{source} was written to while it was copied", "find who writes: lsof")
    finally:
        os.close(reading)
    return digest


def sync_tree(path: Path) -> None:
    """Bring everything below ``path`` to the disk: one ``syncfs``, which 10,000 single syncs would not match."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _libc.syncfs(descriptor) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(path))
    finally:
        os.close(descriptor)
    sync_directory(path)


def _copy_one(
    source: Path, target: Path, relative: str, status: os.stat_result, checkpoint: Checkpoint | None
) -> Entry:
    mode, uid, gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
    if stat.S_ISDIR(status.st_mode):
        target.mkdir(mode=(mode | stat.S_IRWXU) & 0o777)
        hand_over_directory(target)
        settle_directory(target, mode | stat.S_IRWXU)
        return Entry(relative, "directory", 0, mode, status.st_mtime_ns, uid=uid, gid=gid)
    if stat.S_ISLNK(status.st_mode):
        link = os.readlink(source)  # noqa: PTH115 - the text of the link, unresolved
        target.symlink_to(link)
        return Entry(relative, "link", 0, mode, status.st_mtime_ns, target=link, uid=uid, gid=gid)
    digest = copy_file(source, target, checkpoint)
    size = target.lstat().st_size
    return Entry(relative, "file", size, mode, status.st_mtime_ns, sha256=digest, uid=uid, gid=gid)


def _copy_living(
    source: Path, target: Path, relative: str, status: os.stat_result, checkpoint: Checkpoint | None
) -> Entry:
    """As :func:`_copy_one`; a file that is just being written is copied again until it holds still or vanishes."""
    for _ in range(_TRIES):
        try:
            return _copy_one(source, target, relative, status, checkpoint)
        except StillWritten:
            target.unlink(missing_ok=True)
            time.sleep(_PAUSE)
            status = source.lstat()
    raise SnapshotProblem(f"{source} is being written to without end", "find who writes: lsof")


def _transfer(reading: int, writing: int, checkpoint: Checkpoint | None) -> str:
    cloned = _cloned(reading, writing)
    status = os.fstat(reading)
    sparse = status.st_blocks * 512 < status.st_size
    size = min(status.st_size + 1, _BLOCK)
    digest = hashlib.sha256()
    while block := os.read(reading, size):
        digest.update(block)
        if sparse and not cloned and block == _ZEROS:
            os.ftruncate(writing, os.lseek(writing, _BLOCK, os.SEEK_CUR))  # a hole stays one: no room for nothing
        elif not cloned:
            _write_all(writing, block)
        if checkpoint is not None and len(block) == _BLOCK:
            checkpoint()
    return digest.hexdigest()


def _write_all(descriptor: int, block: bytes) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(descriptor, view) :]


def _cloned(reading: int, writing: int) -> bool:
    """Share the blocks copy-on-write; False where the file system cannot."""
    try:
        fcntl.ioctl(writing, _FICLONE, reading)
    except OSError:
        return False
    return True
