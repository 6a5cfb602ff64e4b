"""The processes in a unit's control group: systemd keeps every process of a service there, whatever it forks."""

from __future__ import annotations

import os
from pathlib import Path

_MOUNTS = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"), Path("/sys/fs/cgroup/systemd"))
"""Where the hierarchy that systemd keeps is mounted: unified, hybrid, legacy."""


def members(group: str) -> list[int]:
    """Pids in the group (``/system.slice/x.service``) and in those below it; empty when it is gone."""
    if not group.strip("/"):
        return []
    for mount in _MOUNTS:
        top = mount / group.lstrip("/")
        if (top / "cgroup.procs").exists():
            return sorted({pid for directory, _, _ in os.walk(top) for pid in _pids(Path(directory))})
    return []


def group_of(slice_name: str, unit: str) -> str:
    """The group that a unit of this slice has: ``a-b.slice`` lies in ``a.slice``."""
    if slice_name in ("", "-.slice"):
        return f"/{unit}"
    parts = slice_name.removesuffix(".slice").split("-")
    return "/" + "/".join([*("-".join(parts[: count + 1]) + ".slice" for count in range(len(parts))), unit])


def _pids(directory: Path) -> list[int]:
    try:
        return [int(word) for word in (directory / "cgroup.procs").read_bytes().split()]
    except OSError:
        return []  # the group has just ended
