"""What the monitor must not forget, while the disk has no room for it: a file whose bytes were taken beforehand.

``logs/samples.db`` grows with every write, so a full disk refuses it. This file is written over in place, which needs
no room: two halves in turn, so that a monitor that is killed while it writes leaves the half before.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from engine.records.atomic import open_to_append, open_to_read
from engine.records.undecodable import UNDECODABLE

HALF = 512 * 1024
"""Bytes of one half: the alert book with as much as it ever keeps, packed, several times over."""
_HEAD = 16
"""Bytes before the packed parts: their length and their check sum, each 8 hexadecimal digits."""


class _Half(msgspec.Struct, frozen=True):
    number: int
    parts: dict[str, bytes]


class Reserve:
    """Parts of the memory by name, newer than those in the store as long as there are any."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._newest: _Half | None = None
        self._read = False

    def make(self) -> None:
        """Take the room, unless it is taken. OSError when there is none; then nothing is left behind."""
        if self._size() >= 2 * HALF:
            return
        descriptor = open_to_append(self._path)
        try:
            os.posix_fallocate(descriptor, 0, 2 * HALF)
            os.fsync(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(descriptor, 0)
            raise
        finally:
            os.close(descriptor)

    def parts(self) -> Mapping[str, bytes]:
        """What it holds; nothing when it was cleared, is damaged, or never written."""
        if not self._read:
            self._newest, self._read = self._look(), True
        return self._newest.parts if self._newest is not None else {}

    def write(self, parts: Mapping[str, bytes]) -> None:
        """These instead of what it holds. OSError when they have no room in it."""
        self.parts()
        number = self._newest.number + 1 if self._newest is not None else 1
        half = _Half(number, dict(parts))
        packed = zlib.compress(msgspec.msgpack.encode(half), 1)
        if len(packed) + _HEAD > HALF or self._size() < 2 * HALF:
            raise OSError(28, "has no room for what must not be forgotten", str(self._path))
        self._put(number % 2 * HALF, f"{len(packed):08x}{zlib.crc32(packed):08x}".encode() + packed)
        self._newest = half

    def clear(self) -> None:
        """The store has everything again. OSError when it cannot be written."""
        if self.parts():
            for place in (0, HALF):
                self._put(place, b"0" * _HEAD)
            self._newest = None

    def _put(self, place: int, data: bytes) -> None:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, data, place)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _look(self) -> _Half | None:
        try:
            with open_to_read(self._path) as stream:
                data = stream.read()
        except OSError:
            return None
        found = [half for half in (_unpacked(data[:HALF]), _unpacked(data[HALF:])) if half is not None]
        return max(found, key=lambda half: half.number, default=None)


def _unpacked(data: bytes) -> _Half | None:
    try:
        length, check = int(data[:8], 16), int(data[8:_HEAD], 16)
        packed = data[_HEAD : _HEAD + length]
        if not length or zlib.crc32(packed) != check:
            return None
        return msgspec.msgpack.decode(zlib.decompress(packed), type=_Half)
    except (ValueError, zlib.error, *UNDECODABLE):
        return None
