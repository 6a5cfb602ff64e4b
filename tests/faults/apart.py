"""A lane in a process table and with mounts of its own, where that is allowed: it sees, and can end, only its own."""

from __future__ import annotations

import ctypes
import os
import signal
import traceback
from collections.abc import Callable

_CLONE_NEWNS = 0x00020000
_CLONE_NEWPID = 0x20000000
_MS_REC, _MS_PRIVATE = 0x4000, 0x40000


def run_apart(lane: Callable[[], int]) -> int:
    """Run it in a process of its own, alone in its process table if we are root; its exit code."""
    alone = os.geteuid() == 0 and _unshare(_CLONE_NEWPID | _CLONE_NEWNS)
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            if alone:
                _mount_own_proc()
            code = lane()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGKILL))
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def _unshare(what: int) -> bool:
    return ctypes.CDLL(None, use_errno=True).unshare(what) == 0


def _mount_own_proc() -> None:
    """The whole of it is private to this lane; without its own /proc it would see the numbers of others."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None) != 0:
        raise OSError(ctypes.get_errno(), "mount --make-rprivate /")
    if libc.mount(b"proc", b"/proc", b"proc", 0, None) != 0:
        raise OSError(ctypes.get_errno(), "mount /proc")
