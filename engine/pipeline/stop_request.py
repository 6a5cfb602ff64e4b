"""SIGTERM and SIGINT as a wish that is seen between two pieces of work, and that wakes a sleeper."""

from __future__ import annotations

import os
import select
import signal
from types import FrameType


class Stopped(Exception):
    """Raised where work can be dropped without a trace."""


class StopRequest:
    """Installed once, first thing in the process."""

    def __init__(self) -> None:
        self.asked = False
        self._read, self._write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._ask)

    def check(self) -> None:
        """Stopped when a stop was asked for."""
        if self.asked:
            raise Stopped

    def wait(self, seconds: float) -> bool:
        """Sleep at most ``seconds``; True when a stop was asked for."""
        if not self.asked:
            select.select([self._read], [], [], max(seconds, 0.0))
        return self.asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        os.write(self._write, b"x")
