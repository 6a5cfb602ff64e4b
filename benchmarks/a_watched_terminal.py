"""A terminal played by a benchmark: a pty with a program in it, when each byte came, what the screen showed then."""

from __future__ import annotations

import fcntl
import math
import os
import pty
import random
import re
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyte

TICKS = os.sysconf("SC_CLK_TCK")
GAP = 0.005
"""Seconds of silence between what counts as two updates."""
_NOT_INHERITED = {"NO_COLOR", "TMUX", "TERM_PROGRAM", "PYTHONDONTWRITEBYTECODE"}
_SYNC_ASKED, _SYNC_ANSWER = b"\x1b[?2026$p", b"\x1b[?2026;2$y"
_UNKNOWN_TO_PYTE = re.compile(rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\?[0-9;]*\$p")


@dataclass
class Line:
    """One direction of a slow line: a delay, and lost segments that TCP sends again while all that follows waits."""

    delay: float = 0.0
    loss: float = 0.0
    again: float = 0.3
    """Seconds until a lost segment is sent again: the least a Linux sender waits (0.2), and the way there and back."""
    random: random.Random = field(default_factory=lambda: random.Random(5))
    _last: float = 0.0

    def through(self, sent: float) -> float:
        """When what was sent at a time comes out of the other end."""
        lost = self.random.random() < self.loss
        self._last = max(self._last, sent + self.delay + (self.again if lost else 0.0))
        return self._last


class WatchedTerminal:
    """Runs a command in a pty of ``columns`` x ``rows``; every read has its time."""

    def __init__(self, command: Sequence[str], columns: int = 120, rows: int = 40, **environment: str) -> None:
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.reads: list[tuple[float, bytes]] = []
        settings = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **environment}
        inherited = {name: value for name, value in os.environ.items() if name not in _NOT_INHERITED}
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            os.execvpe(command[0], list(command), {**inherited, **settings})

    def read(self, seconds: float) -> bool:
        """Wait this long at most for output; True when some came."""
        if not select.select([self._fd], [], [], max(seconds, 0.0))[0]:
            return False
        try:
            data = os.read(self._fd, 65536)
        except OSError:
            raise SystemExit("the program has ended:\n" + "\n".join(self.screen.display)) from None
        self.reads.append((time.perf_counter(), data))
        if _SYNC_ASKED in data:
            os.write(self._fd, _SYNC_ANSWER)
        return True

    def collect(self, seconds: float) -> list[tuple[float, bytes]]:
        """What comes in this time, not shown yet; :meth:`show` shows it."""
        first, until = len(self.reads), time.perf_counter() + seconds
        while (left := until - time.perf_counter()) > 0:
            self.read(left)
        return self.reads[first:]

    def show(self, data: bytes) -> None:
        """Play bytes into the screen."""
        self._stream.feed(_UNKNOWN_TO_PYTE.sub(b"", data))

    def until(self, there: Callable[[], bool], what: str, timeout: float = 60.0) -> float:
        """Read and show until it is there; when the bytes came that brought it."""
        end = time.perf_counter() + timeout
        while time.perf_counter() < end:
            if self.read(0.1):
                came, data = self.reads[-1]
                self.show(data)
                if there():
                    return came
        raise SystemExit(f"{what} did not appear:\n" + "\n".join(self.screen.display))

    def shown_after(self, reads: Sequence[tuple[float, bytes]], there: Callable[[], bool]) -> float | None:
        """Show what was collected, piece by piece: seconds from the start to the one that brought it."""
        for came, data in reads:
            self.show(data)
            if there():
                return came - self.began
        return None

    def settle(self, seconds: float) -> None:
        """Read and show for a while."""
        for _, data in self.collect(seconds):
            self.show(data)

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._fd, text.encode())

    def cells(self) -> list[list[Any]]:
        """What every cell shows."""
        return [[row[x] for x in range(self.screen.columns)] for row in map(self.screen.buffer.__getitem__, range(40))]

    def cpu(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_bytes().rpartition(b")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def pss(self) -> float:
        """Proportional memory in MB."""
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

    def close(self) -> None:
        """End the program."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._fd)


@dataclass(frozen=True)
class Steady:
    """What a program sends in a while, and what a minimal differ would have sent for the same pictures."""

    seconds: float
    bytes: int
    minimal: int
    updates: int
    cpu: float
    """Seconds of processor time."""
    pss: float


def steady(terminal: WatchedTerminal, seconds: float) -> Steady:
    """Watch a program for a while; the pictures are computed afterwards, so that it is not disturbed."""
    terminal.settle(0.2)
    cpu, began = terminal.cpu(), time.perf_counter()
    reads = terminal.collect(seconds)
    spent, cpu = time.perf_counter() - began, terminal.cpu() - cpu
    bursts: list[bytes] = []
    last = 0.0
    for came, data in reads:
        if came - last > GAP or not bursts:
            bursts.append(b"")
        bursts[-1] += data
        last = came
    minimal, before = 0, terminal.cells()
    for burst in bursts:
        terminal.show(burst)
        after = terminal.cells()
        minimal += minimal_bytes(before, after)
        before = after
    return Steady(spent, sum(len(data) for _, data in reads), minimal, len(bursts), cpu, terminal.pss())


def minimal_bytes(before: list[list[Any]], after: list[list[Any]]) -> int:
    """Bytes that turn one picture into the other: moves, changed attributes, text. Nothing around it: no synchronized
    update, no cursor put back, no attributes reset; a blank's colour of writing counts as the one that is set.
    """
    total, pen, at = 0, ("default", "default", (False,) * 6), (-1, -1)
    for y, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        for x, (was, cell) in enumerate(zip(old, new, strict=True)):
            if was == cell or not cell.data:
                continue
            blank = cell.data == " " and not any(cell[5:8])
            if blank and was.data == " " and not any(was[5:8]) and was.bg == cell.bg:
                continue
            if at != (x, y):
                total += _move(at, x, y, new, pen)
            want = (
                pen[0] if blank else cell.fg,
                cell.bg,
                pen[2] if blank and not any(pen[2][2:5]) else tuple(cell[3:]),
            )
            total += _change(pen, want) + len(cell.data.encode())
            pen, at = want, (x + 1, y)
    return total


def _move(at: tuple[int, int], x: int, y: int, row: list[Any], pen: tuple[Any, ...]) -> int:
    if at[1] != y or at[0] > x:
        return len(f"\x1b[{y + 1};{x + 1}H")
    hop = len(f"\x1b[{x - at[0]}C") if x - at[0] > 1 else 3
    gap = row[at[0] : x]
    same = all((cell.fg, cell.bg, tuple(cell[3:])) == pen for cell in gap)
    return min(hop, sum(len(cell.data.encode()) for cell in gap)) if same else hop


def _change(pen: tuple[Any, ...], want: tuple[Any, ...]) -> int:
    codes = [_color(want[index], 30 + 10 * index) for index in (0, 1) if want[index] != pen[index]]
    codes += ["22" if was else "1" for was, now in zip(pen[2], want[2], strict=True) if was != now]
    return len(";".join(codes)) + 3 if codes else 0


def _color(name: str, base: int) -> str:
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"{base + 8};2;" + ";".join(str(int(name[at : at + 2], 16)) for at in (0, 2, 4))
    return str(base + 9)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that a share of them does not exceed."""
    ordered = sorted(values)
    return math.inf if not ordered else ordered[min(int(share * len(ordered)), len(ordered) - 1)]


PYTHON = sys.executable
