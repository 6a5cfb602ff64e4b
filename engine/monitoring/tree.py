"""What a service's processes use: memory, CPU, threads, open files, disk I/O, each as the kernel counts it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_MB = 1_000_000
SHARE_EVERY = 60.0
"""Seconds after which the shared part of a process is read again: walking its pages costs 20 ms of a core per GB."""
SHARE_MOVED = 0.05
"""It is read at once when the resident set has changed by more than this share."""
T = TypeVar("T")
Process = tuple[int, int]
"""Pid and start time."""


@dataclass(frozen=True, slots=True)
class Usage:
    """A process tree at one moment. ``cpu_seconds`` counts ended children whom someone waited for."""

    memory_mb: float
    cpu_seconds: float
    processes: int
    threads: int
    memory_kind: str = "RSS"
    """PSS: pages that several processes share are divided among them; RSS where the kernel does not let us see that."""
    open_files: int | None = None
    files_refused: str = ""
    """Why the open files cannot be counted."""
    moved: Mapping[str, tuple[int, int]] | None = None
    """Bytes read from and written to disk since it started, by each process: ``pid:start time``."""
    moved_refused: str = ""
    resident_mb: float = 0.0
    """The whole resident set (RSS), shared pages too: what other processes do does not change it."""


@dataclass(slots=True)
class Shares:
    """What was last known of the pages that a process shares: the resident set is read always, this once in a while."""

    _known: dict[Process, tuple[float, int, int]] = field(default_factory=dict)

    def proportional(self, directory: Path, process: Process, resident: int, now: float) -> int | None:
        """The proportional set in bytes; None when the kernel does not let us see it."""
        at, before, shared = self._known.get(process, (0.0, -1, 0))
        if before >= 0 and now - at < SHARE_EVERY and abs(resident - before) <= SHARE_MOVED * before:
            return max(resident - shared, 0)
        found = _pss(directory)
        if found is not None:
            self._known[process] = (now, resident, max(resident - found, 0))
        return found

    def forget_all_but(self, processes: Iterable[Process]) -> None:
        """Those that are gone."""
        there = set(processes)
        self._known = {process: known for process, known in self._known.items() if process in there}


def usage(
    pids: Iterable[int], proc: Path = Path("/proc"), *, shares: Shares | None = None, now: float = 0.0
) -> Usage | None:
    """What these processes use together at boot time ``now``; None when none of them is there any more.

    A process that ends between two reads is simply not counted. What one process refuses to tell makes the whole
    unknown, with the reason, never smaller.
    """
    found = {
        (pid, int(stat[19])): (proc / str(pid), stat) for pid in pids if (stat := _stat(proc / str(pid))) is not None
    }
    if not found:
        return None
    shares = shares if shares is not None else Shares()
    memory, whole, kinds = 0, 0, set()
    for process, (directory, stat) in found.items():
        resident = int(stat[21]) * _PAGE
        proportional = shares.proportional(directory, process, resident, now)
        whole += resident
        memory += resident if proportional is None else proportional
        kinds.add("RSS" if proportional is None else "PSS")
    shares.forget_all_but(found)
    files, files_refused = _of_all(found, _open_files, "open files")
    moved, moved_refused = _of_all(found, _moved, "disk I/O")
    return Usage(
        memory_mb=memory / _MB,
        cpu_seconds=sum(sum(int(ticks) for ticks in stat[11:15]) for _, stat in found.values()) / _TICK,
        processes=len(found),
        threads=sum(int(stat[17]) for _, stat in found.values()),
        memory_kind=" and ".join(sorted(kinds)),
        open_files=sum(files.values()) if files is not None else None,
        files_refused=files_refused,
        moved=None if moved is None else {f"{pid}:{start}": bytes_ for (pid, start), bytes_ in moved.items()},
        moved_refused=moved_refused,
        resident_mb=whole / _MB,
    )


def bytes_per_second(before: Usage, after: Usage, seconds: float) -> tuple[float, float] | None:
    """Read and written per second between two readings of the same tree; None when either is not known.

    A process that came meanwhile counts with all that it moved; one that went takes its last part with it.
    """
    if seconds <= 0 or before.moved is None or after.moved is None:
        return None
    read = written = 0
    for process, (now_read, now_written) in after.moved.items():
        was_read, was_written = before.moved.get(process, (0, 0))
        read, written = read + max(now_read - was_read, 0), written + max(now_written - was_written, 0)
    return read / seconds, written / seconds


def cpu_percent(before: Usage, after: Usage, seconds: float, cores: int) -> float | None:
    """Share of all cores, in %, between two readings of the same tree; None over no time."""
    if seconds <= 0:
        return None
    return max(after.cpu_seconds - before.cpu_seconds, 0.0) / seconds / max(cores, 1) * 100


def _of_all(
    found: Mapping[Process, tuple[Path, Sequence[bytes]]], ask: Callable[[Path], T], what: str
) -> tuple[dict[Process, T] | None, str]:
    answers: dict[Process, T] = {}
    for process, (directory, _) in found.items():
        try:
            answers[process] = ask(directory)
        except PermissionError:
            return None, f"{what} of pid {process[0]} cannot be read: it belongs to another user"
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has just ended
        except (OSError, ValueError, KeyError, IndexError) as error:
            return None, f"{what} of pid {process[0]} cannot be read: {error}"
    return (answers, "") if answers else (None, f"{what}: no process could be read")


def _open_files(directory: Path) -> int:
    return len(os.listdir(directory / "fd"))  # noqa: PTH208 - a count, no paths are needed


def _moved(directory: Path) -> tuple[int, int]:
    lines = (line.split(b":") for line in (directory / "io").read_bytes().splitlines())
    counted = {name: int(value) for name, value in lines}
    return counted[b"read_bytes"], counted[b"write_bytes"]


def _stat(directory: Path) -> Sequence[bytes] | None:
    try:
        fields = (directory / "stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if len(fields) < 22 or fields[0] in (b"Z", b"X") else fields


def _pss(directory: Path) -> int | None:
    try:
        for line in (directory / "smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None  # another user's process, or one that has just ended
    return None
