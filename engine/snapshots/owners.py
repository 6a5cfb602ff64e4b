"""Owner and group of what is restored: given back as far as the account that restores it may.

Root gives back both. Another account gives back a group that it is in; a copy that it made stays its own.
"""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import stat
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

from engine.records import harmless
from engine.records.counted import counted
from engine.snapshots.manifest import Entry


def give_back_owners(root: Path, entries: Iterable[Entry]) -> str:
    """Make owner and group below ``root`` what the entries say; what could not be, in words, else empty.

    An entry of a manifest that does not say is left as it is. A name that is not there is not ours to find here.
    """
    owners: Counter[tuple[int, int]] = Counter()
    groups: Counter[tuple[int, int]] = Counter()
    for entry in entries:
        path = f"{root}/{entry.path}"
        try:
            status = os.lstat(path)
            if entry.uid is None or entry.gid is None or (entry.uid, entry.gid) == (status.st_uid, status.st_gid):
                continue
            _give(path, entry.uid, entry.gid, status)
            status = os.lstat(path)
        except FileNotFoundError:
            continue
        owners[status.st_uid, entry.uid] += status.st_uid != entry.uid
        groups[status.st_gid, entry.gid] += status.st_gid != entry.gid
    return "; ".join([*_words(owners, _user, "only root gives them back to"), *_words(groups, _group, "not given to")])


def _give(path: str, uid: int, gid: int, status: os.stat_result) -> None:
    for owner in dict.fromkeys((uid, -1)):  # both; where that is not allowed the group alone
        with contextlib.suppress(PermissionError):
            if stat.S_ISLNK(status.st_mode):
                os.chown(path, owner, gid, follow_symlinks=False)
            else:
                _give_opened(path, owner, gid)
            return


def _give_opened(path: str, uid: int, gid: int) -> None:
    """Through a descriptor: as root nothing that somebody puts into its place meanwhile may be given away."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode) or (stat.S_ISREG(status.st_mode) and status.st_nlink == 1):
            os.fchown(descriptor, uid, gid)
            os.fchmod(descriptor, stat.S_IMODE(status.st_mode))  # a change of owner takes setgid away
    finally:
        os.close(descriptor)


def _words(found: Counter[tuple[int, int]], name: Callable[[int], str], how: str) -> list[str]:
    told = ((counted(number, "name"), name(now), name(then)) for (now, then), number in found.items() if number)
    return [f"{number} of {now}, {how} {then}" for number, now, then in told]


def _user(number: int) -> str:
    try:
        return harmless(pwd.getpwuid(number).pw_name)
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return f"group {harmless(grp.getgrgid(number).gr_name)}"
    except KeyError:
        return f"group {number}"
