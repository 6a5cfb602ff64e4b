"""Who still has files open below a directory."""

from __future__ import annotations

import os
from pathlib import Path

from engine.records.harmless import harmless


def who_has_open(directory: Path, *, but: int) -> tuple[str, ...]:
    """``name (pid)`` of each process, other than ``but``, with a file open or mapped there, as far as one may look."""
    prefix = f"{directory}/"
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != but and _holds(process, prefix):
            found.append(f"{_name(process)} ({process.name})")
    return tuple(sorted(found))


def _holds(process: Path, prefix: str) -> bool:
    try:
        with os.scandir(process / "fd") as descriptors:
            if any(_target(entry.path).startswith(prefix) for entry in descriptors):
                return True
        return f" {prefix}".encode() in (process / "maps").read_bytes()  # a mapped file needs no descriptor
    except OSError:
        return False  # gone, or another user's


def _target(descriptor: str) -> str:
    try:
        return os.readlink(descriptor)  # noqa: PTH115
    except OSError:
        return ""


def _name(process: Path) -> str:
    try:
        return harmless((process / "comm").read_text(encoding="utf-8", errors="replace").strip(), 40)
    except OSError:
        return "a process"
