"""Ends the console when its terminal goes or somebody asks it to: at once, the screen restored, nothing else stopped.

Textual alone dies with a dirty screen on a signal, spins on the end of input, and stops for ever when nobody
reads the terminal. So signals are taken by ``signal.signal`` (they come through even then), a thread watches for
the hang-up, and whatever happens the process ends after a deadline.
"""

from __future__ import annotations

import os
import select
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

from tui.terminal import Modes, detach

HANG_UP, TERMINATED = 128 + signal.SIGHUP, 128 + signal.SIGTERM
DEADLINE = 1.2
"""Seconds that an orderly end may take."""


_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


class Guard:
    """Watches over one run of the console. ``end`` asks it to end, from any thread."""

    def __init__(self, end: Callable[[], object]) -> None:
        self._end = end
        self._modes = Modes()
        self._previous: dict[int, Any] = {}
        self._over = threading.Event()
        self._told, self._tell = os.pipe2(os.O_CLOEXEC)
        """The end of the console, for the thread that watches: it waits for nothing else but the hang-up."""
        self._lock = threading.Lock()
        self.code: int | None = None
        """The exit code when the guard ended the console, else None."""

    def __enter__(self) -> Guard:
        for number, handler in (
            (signal.SIGHUP, self._on_hang_up),
            (signal.SIGTERM, self._on_terminate),
            (signal.SIGINT, self._on_interrupt),
        ):
            self._previous[number] = signal.signal(number, handler)
        threading.Thread(target=self._watch, name="terminal-watch", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.code is None:  # else the deadline holds to the very end of the process
            self._over.set()
            os.close(self._tell)  # it wakes the thread
            for number, handler in self._previous.items():
                signal.signal(number, handler)

    def hang_up(self) -> None:
        """The terminal is gone."""
        self._begin(HANG_UP, gone=True)

    def _on_hang_up(self, _number: int, _frame: FrameType | None) -> None:
        self.hang_up()

    def _on_terminate(self, _number: int, _frame: FrameType | None) -> None:
        self._begin(TERMINATED, gone=False)

    def _on_interrupt(self, _number: int, _frame: FrameType | None) -> None:
        """Ctrl-C never leaves: as a key it cancels, as a signal it does nothing."""

    def _begin(self, code: int, *, gone: bool) -> None:
        if not self._lock.acquire(blocking=False):
            return  # it is ending already
        self.code = code
        if gone:
            detach()
        threading.Thread(target=self._deadline, args=(gone,), name="console-deadline", daemon=True).start()
        self._end()

    def _deadline(self, gone: bool) -> None:
        if self._over.wait(DEADLINE):
            return
        if not gone:
            self._modes.restore()
        os._exit(self.code or 1)

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(0, 0)  # hang-up and error are reported without being asked for
        poll.register(self._told, 0)
        while not self._over.is_set():
            if any(mask & _GONE and number == 0 for number, mask in poll.poll()):
                self.hang_up()
                return
