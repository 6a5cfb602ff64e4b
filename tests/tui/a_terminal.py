"""A terminal played by the test: a pty with a program in it, its output kept, its screen computed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pyte

HERE = Path(__file__).parent


class PlayedTerminal:
    """Runs ``arguments`` in a pty of ``columns`` x ``rows``; reads only when asked to."""

    def __init__(self, arguments: list[str], columns: int = 80, rows: int = 24, **environment: str) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.output = b""
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            found = os.pathsep.join(filter(None, (str(HERE), os.environ.get("PYTHONPATH"))))
            settings = {"TERM": "xterm-256color", "LANG": "C.UTF-8", "PYTHONPATH": found, **environment}
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)  # as from a shell, however whoever runs the tests was started
            os.execvpe(sys.executable, [sys.executable, *arguments], {**os.environ, **settings})
        self.resize(columns, rows)
        self._status: int | None = None

    def resize(self, columns: int, rows: int) -> None:
        """Give the terminal another size; the program is told by a signal."""
        self.screen.resize(rows, columns)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self, seconds: float = 0.1, *, drawn: bool = True) -> None:
        """Take what the program writes for this long; ``drawn``: onto the screen too, which takes its time."""
        until = time.monotonic() + seconds
        while self._fd >= 0 and time.monotonic() < until:
            if select.select([self._fd], [], [], 0.02)[0]:
                try:
                    data = os.read(self._fd, 65536)
                except OSError:
                    return
                if not data:
                    return
                self.output += data
                if drawn:
                    self._stream.feed(data)

    def wait_for(self, words: str, timeout: float = 20.0) -> None:
        """Read until the words stand on the screen."""
        self._until(lambda: words in "\n".join(self.screen.display), timeout, words)

    def read_until(self, met: Callable[[], bool], timeout: float = 20.0) -> None:
        """Read until it is so."""
        self._until(met, timeout, "what was waited for")

    def _until(self, wanted: Callable[[], bool], timeout: float, what: str) -> None:
        until = time.monotonic() + timeout
        while not wanted():
            if time.monotonic() > until:
                raise AssertionError(f"{what!r} did not appear:\n" + "\n".join(self.screen.display))
            self.read()

    def type(self, text: str) -> None:
        os.write(self._fd, text.encode())

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def hang_up(self) -> None:
        """The line is cut: the other end of the terminal is closed."""
        os.close(self._fd)
        self._fd = -1

    def modes(self) -> int:
        """The terminal's local modes (echo, line mode, signals)."""
        return int(termios.tcgetattr(self._fd)[3])

    def ended(self, timeout: float, *, reading: bool = True) -> int | None:
        """The exit code, or None when it still runs after the deadline."""
        until = time.monotonic() + timeout
        while time.monotonic() < until:
            done, status = os.waitpid(self.pid, os.WNOHANG)
            if done:
                self._status = os.waitstatus_to_exitcode(status)
                self.read(0.2)
                return self._status
            if reading:
                self.read(0.05)
            else:
                time.sleep(0.02)
        return None

    def close(self) -> None:
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        if self._fd >= 0:
            os.close(self._fd)
