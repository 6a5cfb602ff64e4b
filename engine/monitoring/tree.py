"""Memory and CPU of a service's processes, one read of ``/proc/PID/stat`` each."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class Usage:
    """A process tree at one moment. ``cpu_seconds`` counts ended children whom someone waited for."""

    memory_mb: float
    cpu_seconds: float
    processes: int
    threads: int


def usage(pids: Iterable[int], proc: Path = Path("/proc")) -> Usage | None:
    """What these processes use together; None when none of them is there any more.

    Memory is the proportional set where several processes share pages (what the kernel lets us see), else
    the resident set. A process that ends between two reads is simply not counted.
    """
    found = [(pid, stat) for pid in pids if (stat := _stat(proc / str(pid)))]
    if not found:
        return None
    shared = len(found) > 1
    return Usage(
        memory_mb=sum(_memory(proc / str(pid), stat, shared) for pid, stat in found) / _MB,
        cpu_seconds=sum(sum(int(ticks) for ticks in stat[11:15]) for _, stat in found) / _TICK,
        processes=len(found),
        threads=sum(int(stat[17]) for _, stat in found),
    )


def cpu_percent(before: Usage, after: Usage, seconds: float, cores: int) -> float | None:
    """Share of all cores, in %, between two readings of the same tree; None over no time."""
    if seconds <= 0:
        return None
    return max(after.cpu_seconds - before.cpu_seconds, 0.0) / seconds / max(cores, 1) * 100


def _stat(directory: Path) -> Sequence[bytes] | None:
    try:
        fields = (directory / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if len(fields) < 22 or fields[0] in (b"Z", b"X") else fields


def _memory(directory: Path, stat: Sequence[bytes], shared: bool) -> int:
    resident = int(stat[21]) * _PAGE
    if not shared:
        return resident
    try:
        for line in (directory / "smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return resident  # another user's process: its shared pages are counted once each
    return resident
