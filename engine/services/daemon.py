"""The supervisor of one embedded service: ``python -m engine.services.daemon DIRECTORY``.

It outlives whoever started it, holds the service's lock for life, restarts what crashes, adopts what an earlier
supervisor left running, and ends the whole service when asked to (SIGTERM).
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.records import FileLock
from engine.services.record import LOCK_HELD, NOT_STARTED, STARTED, ServiceFiles
from engine.services.supervisor import Supervisor

_PR_SET_CHILD_SUBREAPER = 36


def main(arguments: Sequence[str]) -> int:
    """Fork into the background. The exit code says whether the service runs: the caller need not guess."""
    files = ServiceFiles(Path(arguments[0]))
    read, write = os.pipe2(os.O_CLOEXEC)
    if os.fork():
        os.close(write)
        answer = os.read(read, 1)
        return answer[0] if answer else NOT_STARTED
    os.close(read)
    with FileLock(files.lock) as lock:
        if not lock.acquire():
            _answer(write, LOCK_HELD)
            os._exit(0)
        _adopt_orphans()
        supervisor = Supervisor(files, files.read_spec())
        _answer(write, STARTED if supervisor.bring_up() else NOT_STARTED)
        supervisor.watch()
    os._exit(0)


def _answer(descriptor: int, code: int) -> None:
    os.write(descriptor, bytes([code]))
    os.close(descriptor)


def _adopt_orphans() -> None:
    """Whatever the service forks away becomes a child of this process, and so stays in sight."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
