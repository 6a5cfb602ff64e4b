"""How late the event loop is: a console that stands still looks like one on which nothing happens."""

from __future__ import annotations

import asyncio
import os
import selectors
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from threading import Thread
from time import monotonic

import msgspec

from engine.clock import iso
from engine.records.atomic import make_directory, open_to_append

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

    def words(self) -> str:
        """``3 ms late now; at worst 812 ms, at 09:12:04Z``."""
        if self.worst_at is None:
            return "not measured yet"
        return f"{_ms(self.last)} late now; at worst {_ms(self.worst)}, at {self.worst_at:%H:%M:%SZ}"


class LagWatch:
    """Measures each turn of the loop that :meth:`loop` makes. ``log``: where lines go; None: nowhere.

    A turn costs nothing that a timer's looks would: a console on which nothing happens is not woken for it.
    """

    def __init__(self, log: Path | None, now: Callable[[], datetime], clock: Callable[[], float] = monotonic) -> None:
        self.lateness = Lateness()
        self._log = log
        self._now = now
        self._clock = clock
        self._watching = False
        self._turn: float | None = None
        """When the turn under way began; None: it is not measured."""
        self._quiet_until = 0.0
        self._unsaid = 0.0
        """The worst since the last line of the log."""

    def loop(self) -> asyncio.AbstractEventLoop:
        """An event loop that is watched between :meth:`start` and :meth:`stop`."""
        return asyncio.SelectorEventLoop(_Watched(self))

    def start(self) -> None:
        """Begin to measure."""
        self._watching = True

    def stop(self) -> None:
        """Measure no more."""
        self._watching, self._turn = False, None

    def turn_ends(self) -> float:
        """The loop has done what was due: whatever came up meanwhile has waited for that. Returns when that was."""
        now = self._clock()
        if self._turn is not None:
            self._take(now - self._turn)
        return now

    def turn_begins(self, wanted: float | None) -> None:
        """The loop goes on; ``wanted``: when it had wanted to, if nothing else woke it. Later it was not let."""
        if not self._watching:
            return
        self._turn = self._clock()
        if wanted is not None and self._turn > wanted:
            self._take(self._turn - wanted)

    def _take(self, late: float) -> None:
        line = self.seen(late)
        if line and self._log is not None:
            Thread(target=append, args=(self._log, line), name="console-log", daemon=True).start()

    def seen(self, late: float) -> str:
        """Take note of ``late`` seconds; the line for the log when one is due."""
        lateness = self.lateness
        lateness.last, lateness.looks = late, lateness.looks + 1
        self._unsaid = max(self._unsaid, late)
        if late <= lateness.worst and self._unsaid < BAR:
            return ""
        at, now = self._now(), self._clock()
        if late > lateness.worst:
            lateness.worst, lateness.worst_at = late, at
        if self._unsaid < BAR or now < self._quiet_until:
            return ""
        line = f"{iso(at)} pid {os.getpid()}: this console stood still for {_ms(self._unsaid)}; {self.lateness.words()}"
        self._quiet_until, self._unsaid = now + QUIET, 0.0
        return line


class _Watched(selectors.DefaultSelector):
    """Where a loop waits for what is next: between two of its waits lies a turn."""

    def __init__(self, watch: LagWatch) -> None:
        super().__init__()
        self._watch = watch

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait, and have it measured how long the loop did not, and how much longer than it wanted to it did."""
        began = self._watch.turn_ends()
        ready = super().select(timeout)
        self._watch.turn_begins(None if ready or timeout is None else began + max(timeout, 0.0))
        return ready


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
