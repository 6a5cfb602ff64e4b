"""Is there a terminal that the console can draw on? And the way out of one that has gone."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
from collections.abc import Mapping
from typing import Any

from tui import unechoed

RESTORE = b"\x1b[?2004l\x1b[?7h\x1b[?1004l\x1b[<u\x1b[0m\x1b[?1049l\x1b[?25h"
"""Bracketed paste, wrapping, focus reports, keyboard protocol, colours, screen and cursor as they were."""

_INSTEAD = "use abaco-ops status, or abaco-ops follow, which need no screen"
_INCAPABLE = ("", "dumb", "unknown")


def refusal(environment: Mapping[str, str], *, encoding: str, terminals: bool) -> str:
    """Why the console cannot draw here, as a sentence; empty when it can."""
    if not terminals:
        return f"the console needs a terminal for input and output; {_INSTEAD}"
    if environment.get("TERM", "") in _INCAPABLE:
        return f"TERM={environment.get('TERM', '')!s} cannot draw a screen; {_INSTEAD}"
    if encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "utf8sig"):
        return f"the terminal's encoding is {encoding}, not UTF-8; set LANG=C.UTF-8, or {_INSTEAD}"
    return ""


def refusal_here() -> str:
    """The same for this process."""
    streams = (sys.__stdin__, sys.__stdout__, sys.__stderr__)
    terminals = all(stream is not None and stream.isatty() for stream in streams)
    encoding = sys.__stderr__.encoding if sys.__stderr__ is not None else "none"
    return refusal(os.environ, encoding=encoding, terminals=terminals)


class Modes:
    """The terminal's modes as they were before anything was drawn."""

    def __init__(self, descriptor: int = 2) -> None:
        self._descriptor = descriptor
        self._before: list[Any] | None = None
        with contextlib.suppress(termios.error, OSError):
            self._before = unechoed.as_it_was(termios.tcgetattr(descriptor))

    def restore(self) -> None:
        """Put them back without ever waiting: for an end that Textual could not make itself."""
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self._descriptor, termios.TCOFLUSH)
        with contextlib.suppress(termios.error, OSError):
            if self._before is not None:
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._before)
        with contextlib.suppress(OSError):
            own = os.open(os.ttyname(self._descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            os.write(own, RESTORE)
            os.close(own)


def detach() -> None:
    """Point standard input and output of a terminal that has gone at nothing: no write fails, no read waits."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.dup2(null, descriptor)
