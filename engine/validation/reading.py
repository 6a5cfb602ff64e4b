"""How far the reading of the tape is: rows, percent, time left; told at most once a second, from any thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import msgspec

from engine.clock import pretty_duration

_EVERY = 1.0
"""Seconds between two tellings."""


class Read(msgspec.Struct, frozen=True):
    """So much of the tape was read by now."""

    rows: int
    percent: float
    left: float | None
    """Seconds until its end, if it goes on as it did; None while that cannot be said."""

    def __str__(self) -> str:
        words = f"{self.rows:,} rows read, {self.percent:.0f} %"
        return words if self.left is None else f"{words}, about {pretty_duration(self.left)} left"


TellReading = Callable[[Read], None]


def silent(read: Read) -> None:
    """For nobody."""


class Reading:
    """One reading of a tape; ``told`` is what it is told by."""

    def __init__(self, tell: TellReading, now: Callable[[], float] = time.monotonic) -> None:
        self._tell, self._now = tell, now
        self._lock = threading.Lock()
        self._rows, self._share = 0, 0.0
        self._began = self._last = now()

    def told(self, rows: int, share: float) -> None:
        """So many more rows, and so large a share of the tape."""
        with self._lock:
            self._rows, self._share = self._rows + rows, self._share + share
            now = self._now()
            if now - self._last < _EVERY:
                return
            self._last = now
            took = now - self._began
            left = took / self._share - took if self._share > 0 else None
            self._tell(Read(self._rows, min(100 * self._share, 100.0), None if left is None else max(left, 0.0)))
