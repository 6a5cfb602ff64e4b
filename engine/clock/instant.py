"""One reading of both clocks, and the text forms in which times stand in files and names."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Protocol

import msgspec


class Instant(msgspec.Struct, frozen=True):
    """A moment: ``wall`` (UTC, a label that may jump) and ``boot`` (seconds since boot, suspend included)."""

    wall: datetime
    boot: float


class Clock(Protocol):
    """Whatever can tell the time; tests hand in one they move by hand."""

    def now(self) -> Instant:
        """Both clocks, read together."""
        ...


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> Instant:
        """Both clocks, read together."""
        return Instant(datetime.now(UTC), time.clock_gettime(time.CLOCK_BOOTTIME))


@cache
def boot_id() -> str:
    """The kernel's id of this boot: boot times of different boots must not be compared."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds: ``2026-01-31T09:12:04.120Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_iso(text: str) -> datetime:
    """The inverse of :func:`iso`; a text without a zone is taken as UTC. ValueError when it is no time."""
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def compact(moment: datetime) -> str:
    """The form used in file names: ``20260131_091204``, UTC."""
    return moment.astimezone(UTC).strftime("%Y%m%d_%H%M%S")


def pretty_duration(seconds: float) -> str:
    """A duration as people say it: ``2.1 s``, ``48 s``, ``12m``, ``1h05``, ``3d04h``; never negative zero."""
    if seconds < 10:
        return f"{max(seconds, 0.0):.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 60:
        return f"{minutes}m"
    if minutes < 24 * 60:
        return f"{minutes // 60}h{minutes % 60:02d}"
    return f"{minutes // 1440}d{minutes % 1440 // 60:02d}h"
