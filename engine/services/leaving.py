"""A process that works for another one: asked to end, or left behind, it leaves through its ordinary way out.

So what it has started (a release's program, in a process group of its own) ends with it, and no lock outlives it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import NoReturn

from engine.services.identity import identity_of, send_signal
from engine.services.protocol import Identity
from engine.services.remains import descended, marked

_PR_SET_PDEATHSIG = 1
_WAYS_OUT = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


def leave_in_order() -> None:
    """From now on SIGTERM ends this process through its ``finally`` blocks, and so does the end of who started it."""
    signal.signal(signal.SIGTERM, _leave)
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)  # where it is refused, the deadlines are left


@contextmanager
def in_order_when_asked() -> Iterator[None]:
    """Inside, a request to end and a hang-up leave through the ``finally`` blocks, as an interrupt does, and whichever
    comes second does not cut those short. What is ignored, as below ``nohup``, stays ignored.
    """
    before = {number: signal.getsignal(number) for number in _WAYS_OUT}
    before = {number: handler for number, handler in before.items() if handler is not signal.SIG_IGN}

    def end(number: int, _frame: object) -> NoReturn:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        raise SystemExit(128 + number)

    for number in before:
        signal.signal(number, end)
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
    reap(process)
    _kill(stat.identity for stat in others)


def reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child that was killed. Popen's own wait would wait for ever where a request to end came while Popen
    looked after the child: the lock that it had taken for that is given back by nobody.
    """
    if process.returncode is not None:
        return
    try:
        _, status = os.waitpid(process.pid, 0)
    except ChildProcessError:  # that look has taken its end away, and was not let say what it was
        process.returncode = -signal.SIGKILL
    else:
        process.returncode = os.waitstatus_to_exitcode(status)


def kill_marked(*marks: str) -> list[Identity]:
    """SIGKILL whoever carries one of these marks, or one below it: what somebody has started who is no more."""
    found = [stat.identity for stat in marked(marks)]
    _kill(found)
    return found


def _kill(processes: Iterable[Identity]) -> None:
    for process in processes:
        try:
            send_signal(process, signal.SIGKILL)
        except OSError:
            continue  # another account's: a program that changed it


def _leave(signum: int, frame: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # asked twice, the way out is not cut short
    raise SystemExit(128 + signum)
