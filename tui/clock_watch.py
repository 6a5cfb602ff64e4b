"""Sees that this machine's clock stands still: every age on the screen would stand still with it."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime


def since_boot() -> float:
    """Seconds since boot, suspend included: a clock that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class ClockWatch:
    """Compares the time of day with the time since boot."""

    def __init__(
        self, wall: Callable[[], datetime] = lambda: datetime.now(UTC), boot: Callable[[], float] = since_boot
    ) -> None:
        self._wall, self._boot = wall, boot
        self._seen, self._at = wall(), boot()

    def stands(self) -> float:
        """Seconds for which the time of day has not moved."""
        wall, boot = self._wall(), self._boot()
        if wall != self._seen:
            self._seen, self._at = wall, boot
        return boot - self._at
