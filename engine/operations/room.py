"""The room that an operation and its way back need, file system by file system: bytes, inodes, and what for."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from engine.operations.reserve import RESERVED_NAMES, reserve_bytes

BLOCK = 4096
"""A file takes whole blocks (bytes)."""
_MANIFEST_LINE = 512
_OWN_RECORDS = 1 << 20
_OWN_NAMES = 64
"""Journal, output, plan, backups and snapshot directories of the operation itself."""
_LOG_BYTES = 1 << 20
_LOG_NAMES = 16


class Tree(msgspec.Struct, frozen=True):
    """One covered path: the file system on which it is exchanged, its size in whole blocks, its names."""

    device: int
    bytes: int
    names: int
    staged: bool = True
    """False for the active configuration: one small file, which is rewritten."""


class Surroundings(msgspec.Struct, frozen=True):
    """The rest of what a cutover needs room for. Sizes in bytes; a device is a file system (``st_dev``)."""

    rollback_device: int
    logs_device: int
    probe_bytes: int
    """The tape that each snapshot keeps."""
    min_free: int
    reserve_kept: bool
    """Whether the room for a rollback on a full disk is taken already."""


class Need(msgspec.Struct, frozen=True):
    """What one file system must have free."""

    device: int
    bytes: int
    inodes: int
    reasons: tuple[str, ...]


class Room(msgspec.Struct, frozen=True):
    """A need held against what is free there; ``free_inodes`` is None where the file system knows no such limit."""

    need: Need
    place: str
    free_bytes: int
    free_inodes: int | None

    @property
    def problem(self) -> str:
        """What is lacking, and what for; empty when there is enough."""
        what = f"needed on the file system of {self.place} ({', '.join(self.need.reasons)})"
        if self.free_bytes < self.need.bytes:
            return f"{size(self.free_bytes)} free, {size(self.need.bytes)} {what}"
        if self.free_inodes is not None and self.free_inodes < self.need.inodes:
            return f"{self.free_inodes} inodes free, {self.need.inodes} {what}"
        return ""

    def __str__(self) -> str:
        inodes = f"; {count(self.free_inodes)} inodes free" if self.free_inodes is not None else ""
        return f"{size(self.free_bytes)} free, {size(self.need.bytes)} needed{inodes}"


def needs(trees: Iterable[Tree], around: Surroundings) -> tuple[Need, ...]:
    """What a cutover and the rollback after it will write, summed by file system; the one of ``.rollback`` first."""
    found: dict[int, list[tuple[int, int, str]]] = {around.rollback_device: []}

    def add(device: int, size_: int, inodes: int, why: str) -> None:
        found.setdefault(device, []).append((size_, inodes, why))

    trees = tuple(trees)
    names = sum(tree.names for tree in trees)
    for tree in trees:
        add(around.rollback_device, 2 * tree.bytes, 2 * tree.names, "two snapshots")
        if tree.staged:
            add(tree.device, tree.bytes, tree.names, "the staged tree")
        if tree.staged and tree.device != around.rollback_device:
            add(around.rollback_device, tree.bytes, tree.names, "what a rollback sets aside from another disk")
    own = 2 * (around.probe_bytes + names * _MANIFEST_LINE) + _OWN_RECORDS
    add(around.rollback_device, own, _OWN_NAMES, "tapes, manifests and journal")
    if not around.reserve_kept:
        add(around.rollback_device, reserve_bytes(names), RESERVED_NAMES, "the rollback's own records")
    add(around.rollback_device, around.min_free, 0, "min_free")
    add(around.logs_device, _LOG_BYTES, _LOG_NAMES, "logs")
    return tuple(_summed(device, parts) for device, parts in found.items())


def _summed(device: int, parts: list[tuple[int, int, str]]) -> Need:
    reasons = tuple(dict.fromkeys(why for size_, inodes, why in parts if size_ or inodes))
    return Need(device, sum(part[0] for part in parts), sum(part[1] for part in parts), reasons)


def size(value: int) -> str:
    """Bytes as a person reads them: ``3.2 GB``, ``412 MB``, ``338 KB``."""
    if value >= 1e9:
        return f"{value / 1e9:.1f} GB"
    return f"{value / 1e6:.0f} MB" if value >= 1e6 or not value else f"{value / 1e3:.0f} KB"


def count(value: int) -> str:
    """A number of inodes as a person reads it: ``1.2 M``."""
    return f"{value / 1e6:.1f} M" if value >= 1e6 else str(value)
