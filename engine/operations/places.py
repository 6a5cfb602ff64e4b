"""Every place that an operation or its way back writes to, and whether it can be written to, and replaced in."""

from __future__ import annotations

import fcntl
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from engine.config import Deployment
from engine.operations.trusted import open_to_everyone
from engine.records import existing, make_directory, sync_directory
from engine.snapshots import covers_of
from engine.snapshots.staging import staged_root

_GETFLAGS = 0x80086601
_IMMUTABLE, _APPEND_ONLY = 0x10, 0x20
_PROBE = ".write-probe-"


def problems(deployment: Deployment, *, probing: bool) -> list[str]:
    """What stands in the way, one line each; empty when nothing does.

    ``probing`` creates, syncs, renames and removes a small file in each place, as the operation will; without it
    nothing is changed, and a disk that refuses only when it is written to is not found.
    """
    found = [_refuses(place, probing=probing) for place in places(deployment)]
    found += [
        f"a log cannot be written: {problem}" for path in logs_of(deployment) if (problem := not_appendable(path))
    ]
    found += [problem for path in _replaced(deployment) if (problem := not_replaceable(path))]
    found += [problem for covered in covers_of(deployment) if (problem := _leads_elsewhere(deployment, covered))]
    found += open_to_everyone(deployment)
    for covered in deployment.console.snapshot.covers:
        found.append(_cannot_be_exchanged(deployment, covered, probing=probing))
    return list(dict.fromkeys(problem for problem in found if problem))


def _leads_elsewhere(deployment: Deployment, covered: str) -> str:
    """A link is recorded and never followed: what it leads to would be in no snapshot, and no rollback restores it."""
    path = deployment.root
    for part in Path(covered).parts:
        path /= part
        if path.is_symlink():
            return f"{path} is a symbolic link: no snapshot holds what it leads to; put the real path into console.yml"
    return ""


def places(deployment: Deployment) -> list[Path]:
    """The directories in which names are made, replaced or exchanged; the nearest one above where one is missing."""
    paths = deployment.paths
    found = [paths.logs, paths.rollback]
    found += [path for path in (paths.operations, paths.snapshots, paths.staged, paths.services) if path.is_dir()]
    found += _services(deployment)
    for covered in covers_of(deployment):
        target = deployment.root / covered
        found += [target.parent, *([target] if target.is_dir() and not target.is_symlink() else [])]
    return list(dict.fromkeys(existing(path) for path in found))


def logs_of(deployment: Deployment) -> tuple[Path, ...]:
    """The logs without which a cutover does not go on."""
    paths = deployment.paths
    return paths.events, paths.runs, paths.rollback_log


def not_appendable(path: Path) -> str:
    """Why nobody can append to this file, or create it; empty when one can. Nothing is changed."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return _no_right(existing(path.parent))
    except OSError as error:
        return str(error)
    if not stat.S_ISREG(status.st_mode):
        return f"{path} is no regular file"
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK))
    except OSError as error:
        return str(error)
    return ""


def not_replaceable(path: Path) -> str:
    """Why what stands there cannot be renamed or replaced, though its directory can be written to; empty: it can."""
    try:
        status, above = path.lstat(), path.parent.stat()
    except OSError:
        return ""  # nothing is there; whether its directory can be written to is asked elsewhere
    me = os.geteuid()
    if above.st_mode & stat.S_ISVTX and me not in (0, status.st_uid, above.st_uid):
        return f"{path} belongs to another user, in a directory where only owners replace files (sticky)"
    flags = _flags(path) if not stat.S_ISLNK(status.st_mode) else 0
    if flags & _IMMUTABLE:
        return f"{path} is immutable: chattr -i it"
    return f"{path} can only be appended to: chattr -a it" if flags & _APPEND_ONLY else ""


def _services(deployment: Deployment) -> list[Path]:
    directory = deployment.paths.services
    return sorted(path for path in directory.iterdir() if path.is_dir()) if directory.is_dir() else []


def _replaced(deployment: Deployment) -> Iterator[Path]:
    """What is replaced by rename, or exchanged; and, where it has to be moved to another disk, all that is below."""
    paths = deployment.paths
    for directory in (paths.rollback, paths.operations, paths.snapshots, *_services(deployment)):
        if directory.is_dir():
            yield from (path for path in directory.iterdir() if not path.is_dir() or path.is_symlink())
    for covered in covers_of(deployment):
        target = deployment.root / covered
        yield target
        if not staged_root(deployment, "", covered).is_relative_to(paths.staged) and target.is_dir():
            yield from target.rglob("*")


def _refuses(directory: Path, *, probing: bool) -> str:
    flags = _flags(directory)  # asked first: what is made in an append-only directory could never be removed
    if flags & (_IMMUTABLE | _APPEND_ONLY):
        return f"{directory} is immutable or append-only: chattr -i -a it"
    if not probing:
        return _no_right(directory)
    try:
        make_directory(directory)
        _probe(directory, directory)
    except OSError as error:
        return f"{directory} cannot be written to: {error}"
    return ""


def _cannot_be_exchanged(deployment: Deployment, covered: str, *, probing: bool) -> str:
    """The emergency renames the staged tree over the live one: a mount between the two would stop it."""
    target = deployment.root / covered
    if target.is_dir() and str(target) in _mount_points():
        return f"{target} is a mount point, which cannot be exchanged: let snapshots cover a directory below it"
    source = existing(staged_root(deployment, "0000", covered).parent)
    parent = existing(target.parent)
    if not probing or source == parent:
        return ""
    try:
        _probe(source, parent)
    except OSError as error:
        return f"nothing can be renamed from {source} into {parent}: {error}"
    return ""


def _probe(directory: Path, to: Path) -> None:
    """Create, write, sync, rename, remove, sync the directory: all that an operation does to its files. OSError."""
    name = _PROBE + secrets.token_hex(4)
    path, renamed = directory / name, to / f"{name}.renamed"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, b"x")
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.rename(renamed)
    finally:
        path.unlink(missing_ok=True)
        renamed.unlink(missing_ok=True)
    sync_directory(directory)
    sync_directory(to)


def _no_right(directory: Path) -> str:
    allowed = os.access(directory, os.W_OK | os.X_OK, effective_ids=True)
    return "" if allowed else f"no right to write in {directory}, or it is read-only"


def _flags(path: Path) -> int:
    """The file's attributes (``lsattr``); 0 where the file system has none, or does not tell."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(descriptor, _GETFLAGS, bytes(8))[:4], "little")
    except OSError:
        return 0
    finally:
        os.close(descriptor)


def _mount_points() -> set[str]:
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return set()
    return {line.split()[4].replace("\\040", " ") for line in lines}
