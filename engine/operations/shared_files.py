"""The files of a deployment that a group of operators works on: what is not the group's yet, and giving it to them."""

from __future__ import annotations

import contextlib
import grp
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.config import Deployment
from engine.config.may_write import account_here, as_root, name_of
from engine.errors import Refused
from engine.operations.access_list import give_group, group_lacks
from engine.records import harmless

_LOOKED_AT = 20_000
"""Names that the doctor looks at: with more of them it says nothing of the rest."""


@dataclass(frozen=True, slots=True)
class Unshared:
    """One file or directory, and the group and mode that it should have."""

    path: Path
    is_directory: bool
    copied: bool
    why: str
    owner: int


def must_belong(group: int, name: str) -> None:
    """Refused where this account is not in the group: only root may give files to a group of others."""
    if os.geteuid() != 0 and not in_group(group):
        me = account_here()
        raise Refused(
            f"{me} is not in {name}, and only root may give files to a group of others",
            f"as root: usermod -aG {name} {me}, then log in anew and again; or the same command as root",
        )


def in_group(group: int) -> bool:
    """Whether this process has the group."""
    return group in (os.getegid(), *os.getgroups())


def give_them(deployment: Deployment, name: str, owners: set[int]) -> str:
    """The command that shares files of these owners, in the words for whoever is told: an owner gives away its own
    files alone, and only to a group that it is in.
    """
    command, me = f"abaco-ops init {deployment.root} --share {name}", os.geteuid()
    if me == 0 or (owners == {me} and in_group(group_number(name))):
        return command
    others = [name_of(owner) for owner in sorted(owners - {0, me})]
    if len(owners) == 1 and others:
        return f"as {others[0]}, whose files they are, or as root: {command}"
    return f"as root: {command}"


def shared_places(deployment: Deployment) -> tuple[Path, ...]:
    """The directories in which operators write: all of the deployment, or, where units of a fixed account carry out
    the operations and run the releases, what people write themselves: records and requests.
    """
    services = deployment.console.services
    if services.backend == "systemd" and services.operation_unit is not None:
        return deployment.paths.logs, deployment.paths.rollback
    return (deployment.root,)


def group_number(name: str) -> int:
    """Refused when there is no such group."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError as error:
        raise Refused(
            f"there is no group {name!r}", f"{as_root(f'groupadd {name}')}; or mend deployment.group in console.yml"
        ) from error


def not_shared(deployment: Deployment, group: int, at_most: int = _LOOKED_AT) -> Iterator[Unshared]:
    """What in those places is not the group's to read and write; links and special files are left out. OSError."""
    looked = 0
    for place in shared_places(deployment):
        for path, status in _below(place):
            looked += 1
            if looked > at_most:
                return
            if path.parent == deployment.paths.left:
                continue  # each person's own
            found = _unshared(path, status, group, copied=_is_copy(deployment, path))
            if found is not None:
                yield found


def share(deployment: Deployment, group: int) -> tuple[int, list[tuple[Unshared, str]]]:
    """Give the group what it lacks: how many names were changed, and which could not be, each with the reason.

    A file with a second name is left alone: as root it might be one of another place. For the same reason no directory
    on the way is a link, whatever a member of the group has put there since it was looked at.
    """
    for place in shared_places(deployment):
        place.mkdir(exist_ok=True)
    changed, left = 0, list[tuple[Unshared, str]]()
    for one in list(not_shared(deployment, group, at_most=2**63)):
        try:
            _give(deployment.root, one, group)
        except FileNotFoundError:
            continue  # somebody works here: it has gone
        except OSError as error:
            left.append((one, f"{harmless(one.path)}: {error.strerror or error}"))
        else:
            changed += 1
    return changed, left


def linked_directories(deployment: Deployment) -> list[tuple[Path, Path]]:
    """Links to directories right below the places, and where they lead: nothing behind them is looked at."""
    found = [path for place in shared_places(deployment) for path in sorted(place.iterdir())]
    found += [path for path in (deployment.paths.logs, deployment.paths.rollback) if path not in found]
    return [(path, path.resolve()) for path in found if path.is_symlink() and path.is_dir()]


def _is_copy(deployment: Deployment, path: Path) -> bool:
    """What was copied, or set aside, keeps the mode that it had: the group reads it, and nobody writes to it."""
    paths, parts = deployment.paths, path.parts
    inside = (place.parts for place in (paths.snapshots, paths.staged, paths.rollback / "metrics_backup"))
    kept = any(len(parts) > len(place) + 1 and parts[: len(place)] == place for place in inside)
    return kept or path.name.startswith(("pipeline_backup", "config_displaced"))


def _unshared(path: Path, status: os.stat_result, group: int, *, copied: bool) -> Unshared | None:
    mode, is_directory = stat.S_IMODE(status.st_mode), stat.S_ISDIR(status.st_mode)
    wanted = _wanted(status, copied=copied)
    said = f"{harmless(path)} is {mode:04o}, group {_name(status.st_gid)}"
    if status.st_gid != group or mode != wanted:
        return Unshared(path, is_directory, copied, said, status.st_uid)
    if group_lacks(path, _of_group(wanted), is_directory=is_directory, to_come=not copied):
        less = f"{said}, whose access list (getfacl) gives that group less"
        return Unshared(path, is_directory, copied, less, status.st_uid)
    return None


def _wanted(status: os.stat_result, *, copied: bool) -> int:
    mode = stat.S_IMODE(status.st_mode)
    if copied:
        return mode | (mode & (stat.S_IRUSR | stat.S_IXUSR)) >> 3
    return mode | (mode & stat.S_IRWXU) >> 3 | (stat.S_ISGID if stat.S_ISDIR(status.st_mode) else 0)


def _of_group(mode: int) -> int:
    return (mode & stat.S_IRWXG) >> 3


def _give(root: Path, one: Unshared, group: int) -> None:
    descriptor = _open_below(root, one)
    try:
        status = os.fstat(descriptor)  # of what is given now, not of what was looked at
        if not one.is_directory and (status.st_nlink > 1 or not stat.S_ISREG(status.st_mode)):
            raise OSError(1, "has a second name: look what it is")
        mode = _wanted(status, copied=one.copied)
        os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, mode)  # after the group: changing that takes a file's setgid away
        give_group(descriptor, _of_group(mode), is_directory=one.is_directory, to_come=not one.copied)
    finally:
        os.close(descriptor)


def _open_below(root: Path, one: Unshared) -> int:
    """Name by name from the root on, none of them a link. OSError."""
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    descriptor = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    names = one.path.relative_to(root).parts
    for number, name in enumerate(names, start=1):
        directory = os.O_DIRECTORY if number < len(names) or one.is_directory else 0
        try:
            below = os.open(name, flags | directory, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = below
    return descriptor


def _below(place: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """What stands there, parents first; what goes meanwhile is none of it. However deep it is."""
    waiting = [place]
    while waiting:
        path = waiting.pop()
        with contextlib.suppress(FileNotFoundError):
            status = path.lstat()
            if stat.S_ISDIR(status.st_mode):
                waiting += [path / name for name in sorted(os.listdir(path), reverse=True)]  # noqa: PTH208 - 3x faster
            if stat.S_ISDIR(status.st_mode) or stat.S_ISREG(status.st_mode):
                yield path, status


def _name(group: int) -> str:
    try:
        return harmless(grp.getgrgid(group).gr_name)
    except KeyError:
        return str(group)
