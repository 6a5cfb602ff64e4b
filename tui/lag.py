"""How late the event loop is: a console that stands still looks like one on which nothing happens."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread
from time import monotonic

import msgspec

from engine.clock import iso
from engine.records.atomic import make_directory, open_to_append

CADENCE = 0.25
"""Seconds between two looks."""
BAR = 0.5
"""Later than this (s) is written into the console's log."""
QUIET = 60.0
"""Seconds between two lines of the log at least."""


class Lateness(msgspec.Struct):
    """What has been measured, in seconds."""

    last: float = 0.0
    worst: float = 0.0
    worst_at: datetime | None = None
    looks: int = 0

    def add(self, late: float, at: datetime) -> None:
        """One look."""
        self.last, self.looks = late, self.looks + 1
        if late > self.worst:
            self.worst, self.worst_at = late, at

    def words(self) -> str:
        """``3 ms late now; at worst 812 ms, at 09:12:04Z``."""
        if self.worst_at is None:
            return "not measured yet"
        return f"{_ms(self.last)} late now; at worst {_ms(self.worst)}, at {self.worst_at:%H:%M:%SZ}"


class LagWatch:
    """Looks every quarter of a second whether it is called in time. ``log``: where lines go; None: nowhere."""

    def __init__(self, log: Path | None, now: Callable[[], datetime], clock: Callable[[], float] = monotonic) -> None:
        self.lateness = Lateness()
        self._log = log
        self._now = now
        self._clock = clock
        self._due = 0.0
        self._quiet_until = 0.0
        self._unsaid = 0.0
        """The worst since the last line of the log."""
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._next()

    def stop(self) -> None:
        """No more looks."""
        if self._timer is not None:
            self._timer.cancel()

    def _next(self) -> None:
        self._due = self._clock() + CADENCE
        self._timer = asyncio.get_running_loop().call_later(CADENCE, self._look)

    def _look(self) -> None:
        line = self.seen(max(self._clock() - self._due, 0.0))
        if line and self._log is not None:
            Thread(target=append, args=(self._log, line), name="console-log", daemon=True).start()
        self._next()

    def seen(self, late: float) -> str:
        """Take note of a look that was ``late`` seconds late; the line for the log when one is due."""
        at, now = self._now(), self._clock()
        self.lateness.add(late, at)
        self._unsaid = max(self._unsaid, late)
        if self._unsaid < BAR or now < self._quiet_until:
            return ""
        line = f"{iso(at)} pid {os.getpid()}: this console stood still for {_ms(self._unsaid)}; {self.lateness.words()}"
        self._quiet_until, self._unsaid = now + QUIET, 0.0
        return line


def append(log: Path, line: str) -> None:
    """One line into the console's log. Where it cannot be written, it is not: nothing depends on it."""
    try:
        make_directory(log.parent)
        descriptor = open_to_append(log)
    except OSError:
        return
    try:
        os.write(descriptor, f"{line}\n".encode())
    except OSError:
        return
    finally:
        os.close(descriptor)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms" if seconds < 10 else f"{seconds:.0f} s"
