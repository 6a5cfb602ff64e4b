"""Keys typed before there is a picture: the terminal echoes none of them into it, and none is lost.

Until Textual takes the terminal over, which needs everything imported, it is in the modes of a shell: it keeps what is
typed, to be read later, and echoes it. So echo alone is switched off at the very start, and given back on every way
out that comes before Textual, whose own way out gives it back from then on.
"""

from __future__ import annotations

import os
import signal
import termios
from contextlib import suppress
from types import FrameType
from typing import Any

_LOCAL = 3
"""Where the local modes stand in what termios gives."""
_WAYS_OUT = (signal.SIGHUP, signal.SIGQUIT, signal.SIGTERM, signal.SIGTSTP)
"""Signals that end or stop this process without another word; SIGINT is an exception of Python's own."""
_held = False


def hold() -> None:
    """Switch echo off, where this process stands in front of a terminal that the console could draw on."""
    global _held
    with suppress(OSError, termios.error, ValueError):  # no terminal, or no thread that may take signals: as it was
        if not all(map(os.isatty, (0, 1, 2))) or os.tcgetpgrp(0) != os.getpgrp():
            return  # changing a terminal from behind would stop this process
        modes = termios.tcgetattr(0)
        if not modes[_LOCAL] & termios.ECHO:
            return
        for number in _WAYS_OUT:
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _on_the_way_out)
        _held = True
        modes[_LOCAL] &= ~termios.ECHO
        termios.tcsetattr(0, termios.TCSANOW, modes)


def as_it_was(modes: list[Any]) -> list[Any]:
    """What the terminal's modes, read now, were before."""
    if not _held:
        return modes
    before = list(modes)
    before[_LOCAL] |= termios.ECHO
    return before


def take_over(modes: list[Any]) -> list[Any]:
    """The same; and from here on whoever asks gives them back."""
    before = as_it_was(modes)
    _over()
    return before


def let_go() -> None:
    """Switch echo on again, unless that is somebody else's by now."""
    if _held:
        with suppress(OSError, termios.error):  # the terminal has gone
            termios.tcsetattr(0, termios.TCSANOW, as_it_was(termios.tcgetattr(0)))
        _over()


def _over() -> None:
    global _held
    _held = False
    with suppress(ValueError):
        for number in _WAYS_OUT:
            if signal.getsignal(number) is _on_the_way_out:
                signal.signal(number, signal.SIG_DFL)


def _on_the_way_out(number: int, _frame: FrameType | None) -> None:
    let_go()
    os.kill(os.getpid(), number)
