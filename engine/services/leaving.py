"""A process that works for another one: asked to end, or left behind, it leaves through its ordinary way out.

So what it has started (a release's program, in a process group of its own) ends with it, and no lock outlives it.
"""

from __future__ import annotations

import ctypes
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from engine.services.identity import identity_of, send_signal
from engine.services.protocol import Identity
from engine.services.remains import Belonging, descended, find_remains

_PR_SET_PDEATHSIG = 1


def leave_in_order() -> None:
    """From now on SIGTERM ends this process through its ``finally`` blocks, and so does the end of who started it."""
    signal.signal(signal.SIGTERM, _leave)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # where it is refused, the deadlines are left


@contextmanager
def in_order_when_asked() -> Iterator[None]:
    """Inside, a request to end and a hang-up leave through the ``finally`` blocks, as an interrupt does."""

    def end(number: int, _frame: object) -> NoReturn:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def kill_with_descendants(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a child and whatever descends from it, in whichever process group; returns when the child has ended."""
    main = identity_of(process.pid) if process.poll() is None else None
    others = descended(main) if main is not None else []
    process.kill()
    process.wait()
    _kill(stat.identity for stat in others)


def kill_marked(mark: str) -> None:
    """SIGKILL whoever carries this mark, or one below it: what somebody has started who is no more."""
    _kill(stat.identity for stat in find_remains(Belonging(mark)))


def _kill(processes: Iterable[Identity]) -> None:
    for process in processes:
        try:
            send_signal(process, signal.SIGKILL)
        except OSError:
            continue  # another account's: a program that changed it


def _leave(signum: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asked twice, the way out is not cut short
    raise SystemExit(128 + signum)
