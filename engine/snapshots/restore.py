"""Putting a staged tree in the place of the live one: one exchange, and nothing that stood there is deleted."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

import msgspec

from engine.records.atomic import make_directory
from engine.snapshots.copying import copy_tree, sync_tree
from engine.snapshots.exchange import CannotExchange, exchange, inode, sync_both
from engine.snapshots.manifest import Entry, SnapshotProblem, entries_of

_ASIDE = ".displaced"


class Swap(msgspec.Struct, frozen=True):
    """Two trees to be swapped, known by their inodes, so that a later look can tell whether it happened."""

    target: str
    """The live tree."""
    staged: str
    """The tree that takes its place; where the live one stands afterwards."""
    staged_inode: int | None
    """None: the snapshot has nothing there, and the live tree is only moved away."""
    live_inode: int | None
    """None: nothing stands there now."""


def plan_swap(target: Path, staged: Path) -> Swap:
    """Write down who is who before anything moves."""
    return Swap(str(target), str(staged), inode(staged), inode(target))


def swapped(swap: Swap) -> bool:
    """Whether the staged tree is in place."""
    return inode(Path(swap.target)) == swap.staged_inode


def swap_in(swap: Swap) -> str:
    """Swap, unless it has happened; says how. May be called again after a crash at any point. OSError."""
    target, staged = Path(swap.target), Path(swap.staged)
    if swapped(swap):
        return "was in place already"
    if swap.staged_inode is not None and inode(staged) != swap.staged_inode:
        raise SnapshotProblem(f"{staged} is not the tree that was verified", "find who moved it; nothing was changed")
    make_directory(target.parent)
    if inode(target) is not None and swap.staged_inode is not None:
        try:
            exchange(staged, target)
        except CannotExchange as reason:
            return _two_renames(target, staged, str(reason))
        return "exchanged in one step"
    return _two_renames(target, staged, "nothing to exchange with")


def displaced(swap: Swap) -> Path | None:
    """Where the tree that was live stands now; None when there was none, or when it is still live."""
    staged = Path(swap.staged)
    for place in (staged, _aside(staged)):
        if swap.live_inode is not None and inode(place) == swap.live_inode:
            return place
    return None


def take_back(swap: Swap) -> None:
    """Undo the first of two renames, so that a swap that was never finished can be planned anew. OSError."""
    target, aside = Path(swap.target), _aside(Path(swap.staged))
    if swap.live_inode is not None and inode(target) is None and inode(aside) == swap.live_inode:
        aside.rename(target)
        sync_both(target, aside)


def move_tree(source: Path, target: Path) -> None:
    """Give a tree another name; across file systems it is copied, compared by hash, and only then removed."""
    make_directory(target.parent)
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copied = copy_tree(source.parent, target.parent, source.name)
        if target.name != source.name:
            (target.parent / source.name).rename(target)
        sync_tree(target.parent)
        if _contents(entries_of(target.parent, (target.name,))) != _contents(copied):
            raise SnapshotProblem(f"{source} could not be moved to {target}", "both are kept as they are") from error
        shutil.rmtree(source)
    sync_both(source, target)


def _contents(entries: Iterable[Entry]) -> set[tuple[str, str, str]]:
    return {(entry.path.partition("/")[2], entry.sha256, entry.target) for entry in entries}


def _two_renames(target: Path, staged: Path, why: str) -> str:
    aside = _aside(staged)
    if inode(target) is not None:
        if inode(aside) is not None:
            raise SnapshotProblem(f"{aside} is in the way", "look what it is; nothing was changed")
        make_directory(aside.parent)
        target.rename(aside)
        sync_both(target, aside)
    if inode(staged) is not None:
        staged.rename(target)
        sync_both(staged, target)
    return f"two renames ({why})"


def _aside(staged: Path) -> Path:
    return staged.with_name(staged.name + _ASIDE)
