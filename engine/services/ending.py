"""Ending a service: asked first, killed at the deadline, then looked for until nothing is left."""

from __future__ import annotations

import os
import signal
import time

from engine.services.identity import Stat, is_alive, send_signal
from engine.services.protocol import Identity, StopResult
from engine.services.remains import Belonging, described, find_remains

_NONE = 0
"""No signal: only whether one could be sent."""
_POLL = 0.01
_KILL_FOR = 5.0
"""How long SIGKILL is repeated: what stays after that hangs in the kernel."""


def end_service(belonging: Belonging, deadline: float) -> StopResult:
    """End every process of the service; ``deadline`` is how long (s) it has to end by itself.

    Another account's cannot be ended: while one of those is there none is asked, and all are what is left.
    """
    began = time.monotonic()
    asked: set[Identity] = set()
    remains = find_remains(belonging)
    while remains and time.monotonic() - began < deadline:
        if not _may_ask(remains):
            return StopResult(False, False, time.monotonic() - began, described(remains))
        _ask(remains, asked)
        _await_main(belonging.main, began + deadline)
        remains = _remaining(belonging)
    killed = bool(remains)
    killing = time.monotonic()
    while remains and time.monotonic() - killing < _KILL_FOR:
        for stat in remains:
            send_signal(stat.identity, signal.SIGKILL)
        remains = _remaining(belonging)
    return StopResult(not remains, killed, time.monotonic() - began, described(remains))


def reap() -> dict[int, int]:
    """Collect every child that has ended: pid to exit code, negative for a signal."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def _may_ask(remains: list[Stat]) -> bool:
    """Whether all of them are this account's to end: tried on each before any is asked."""
    try:
        for stat in remains:
            send_signal(stat.identity, _NONE)
    except PermissionError:
        return False
    return True


def _ask(remains: list[Stat], asked: set[Identity]) -> None:
    for stat in remains:
        if stat.identity not in asked:
            asked.add(stat.identity)
            send_signal(stat.identity, signal.SIGTERM)
            send_signal(stat.identity, signal.SIGCONT)  # a stopped process gets the request only when it goes on


def _await_main(main: Identity | None, until: float) -> None:
    """The whole list of processes is read again only when the main one, cheap to watch, is gone."""
    while is_alive(main) and time.monotonic() < until:
        time.sleep(_POLL)


def _remaining(belonging: Belonging) -> list[Stat]:
    remains = find_remains(belonging)
    if remains:
        time.sleep(_POLL)
        remains = find_remains(belonging)
    return remains
