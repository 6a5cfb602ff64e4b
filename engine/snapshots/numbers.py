"""Numbered directories whose numbers are never given twice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.errors import LockHeld
from engine.records.atomic import make_directory, make_one, sync_directory, write_file
from engine.records.locked import FileLock

_COUNTER = ".last"
_LOCK = ".numbers.lock"
_PATIENCE = 5.0


def new_directory(parent: Path, name: Callable[[int], str]) -> Path:
    """Create ``parent/name(n)`` with the next free number n; of two callers at once each gets one of its own.

    The counter is written before the directory: a crash between them wastes a number and repeats none.
    """
    make_directory(parent)
    with FileLock(parent / _LOCK) as lock:
        if not lock.acquire(_PATIENCE):
            raise LockHeld(f"{parent / _LOCK} is held by another process", "see who: lsof " + str(parent / _LOCK))
        number = _last(parent) + 1
        write_file(parent / _COUNTER, str(number).encode())
        path = parent / name(number)
        make_one(path)  # shared where a group works: one of it asks, another carries out
        sync_directory(parent)
        return path


def _last(parent: Path) -> int:
    """The highest number ever given: the counter's, or that of what stands there if it is higher."""
    try:
        counted = int((parent / _COUNTER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        counted = 0
    numbers = [int(entry.name[:4]) for entry in parent.iterdir() if entry.name[:4].isdigit()]
    return max([counted, *numbers])
