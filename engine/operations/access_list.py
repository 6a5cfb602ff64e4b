"""Access lists (POSIX ACLs) of files: where there is one, the group bits of the mode are its mask, not the group's."""

from __future__ import annotations

import os
import struct
from pathlib import Path

_OF_FILE, _TO_COME = "system.posix_acl_access", "system.posix_acl_default"
_HEAD, _ENTRY = struct.Struct("<I"), struct.Struct("<HHI")
_VERSION = 2
_GROUP, _MASK = 0x04, 0x10
_ALL = 0o7


def group_lacks(path: Path, wanted: int, *, is_directory: bool, to_come: bool) -> bool:
    """Whether a list gives the file's own group less than ``wanted`` (rwx bits), whatever the mode looks like.

    ``to_come``: or, in a directory, less than everything for what will be made in it.
    """
    if _lacks(_read(path, _OF_FILE), wanted):
        return True
    return is_directory and to_come and _lacks(_read(path, _TO_COME), _ALL)


def give_group(descriptor: int, wanted: int, *, is_directory: bool, to_come: bool) -> None:
    """Give it that; what the list says of others stays. OSError."""
    for name, rights in ((_OF_FILE, wanted), (_TO_COME, _ALL if is_directory and to_come else 0)):
        found = _read(descriptor, name)
        if _lacks(found, rights):
            raised = [(tag, rights | bits if tag in (_GROUP, _MASK) else bits, who) for tag, bits, who in found]
            packed = _HEAD.pack(_VERSION) + b"".join(_ENTRY.pack(*entry) for entry in raised)
            os.setxattr(descriptor, name, packed)


def _read(target: Path | int, name: str) -> list[tuple[int, int, int]]:
    """Its entries; none where there is no list, or the file system knows none."""
    try:
        data = os.getxattr(target, name, follow_symlinks=isinstance(target, int))
    except OSError:
        return []
    if len(data) % _ENTRY.size != _HEAD.size or _HEAD.unpack_from(data)[0] != _VERSION:
        return []
    return list(_ENTRY.iter_unpack(data[_HEAD.size :]))


def _lacks(entries: list[tuple[int, int, int]], wanted: int) -> bool:
    return any(tag == _GROUP and bits & wanted != wanted for tag, bits, _ in entries)
