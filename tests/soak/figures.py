"""What processes and disk take over a soak, and whether any of it grows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from engine.records.atomic import UNFINISHED_AFTER

MEMORY_MAY_GROW = 4.0
"""MB of PSS from the second sixth of the time to the last one: caches fill, and every screen has been open by then."""
LEAST_MINUTES = 15.0
HANDLES_MAY_GROW = 2
"""Open files and threads, at the quietest moment of each sixth."""


@dataclass(frozen=True)
class Sample:
    """One process at one moment: minutes since the begin, PSS in MB, open files, threads."""

    minutes: float
    memory: float
    files: int
    threads: int


def sample(pid: int, minutes: float) -> Sample | None:
    """None where it is gone."""
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            memory = process.memory_full_info().pss / 1e6
            return Sample(minutes, memory, process.num_fds(), process.num_threads())
    except psutil.Error:
        return None


def growth(samples: Sequence[Sample]) -> tuple[float, int, int] | None:
    """How much memory (MB), open files and threads grew between the second sixth of the samples and the last one.

    None for a soak that is too short to tell growth from what is opened for the first time.
    """
    size = len(samples) // 6
    if size < 2 or samples[-1].minutes - samples[0].minutes < LEAST_MINUTES:
        return None
    early, late = samples[size : 2 * size], samples[-size:]
    memory = statistics.median(one.memory for one in late) - statistics.median(one.memory for one in early)
    files = min(one.files for one in late) - min(one.files for one in early)
    threads = min(one.threads for one in late) - min(one.threads for one in early)
    return memory, files, threads


def grown(found: Mapping[str, Sequence[Sample]]) -> list[str]:
    """A sentence for each process that grew."""
    told = []
    for name, samples in found.items():
        more = growth(samples)
        if more is None:
            continue
        memory, files, threads = more
        if memory > MEMORY_MAY_GROW:
            told.append(f"{name} grew by {memory:.1f} MB")
        if files > HANDLES_MAY_GROW or threads > HANDLES_MAY_GROW:
            told.append(f"{name} has {files:+d} open files and {threads:+d} threads")
    return told


def left_behind(root: Path, keep: int) -> list[str]:
    """What is on disk and should not be: unfinished files, places of rehearsals, more snapshots than are kept."""
    unfinished = [path for path in root.rglob("*") if path.suffix in (".tmp", ".partial", ".new")]
    since = time.time() - 2 * UNFINISHED_AFTER  # the first operation after that removes what a killed writer left
    told = [f"left behind: {path}" for path in unfinished if path.suffix != ".tmp" or path.lstat().st_mtime < since]
    sealed = [path for path in (root / ".rollback" / "snapshots").iterdir() if (path / "COMPLETE").exists()]
    sides = [path for path in sealed if '"side"' in (path / "manifest.json").read_text()]
    if len(sealed) - len(sides) > keep + 2:
        told.append(f"{len(sealed) - len(sides)} snapshots, of which {keep} are to be kept")
    return told


def size_of(directory: Path) -> float:
    """MB of all files below it."""
    total = 0
    for path in directory.rglob("*"):
        try:
            total += path.lstat().st_size
        except OSError:
            continue  # it has just gone
    return total / 1e6
