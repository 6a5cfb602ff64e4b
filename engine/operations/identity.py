"""Finding a process by its pid for the journal, and ending exactly that one later."""

from __future__ import annotations

import contextlib
import os
import select
import signal

from engine.services.identity import is_alive, read_stat
from engine.services.protocol import Identity

__all__ = ["end_process", "identity_of", "is_alive"]


def identity_of(pid: int) -> Identity | None:
    """The process that has this pid now; None when there is none, or when it is only a zombie."""
    stat = read_stat(pid)
    return None if stat is None or stat.dead else stat.identity


def end_process(identity: Identity, *, group: bool, wait: float = 5.0) -> bool:
    """SIGKILL exactly this process (``group``: and its process group). True when it is gone in time (seconds)."""
    try:
        handle = os.pidfd_open(identity.pid)
    except OSError:
        return not is_alive(identity)
    try:
        if not is_alive(identity):  # checked after the handle was taken: the handle cannot change hands
            return True
        with contextlib.suppress(ProcessLookupError):
            if group and os.getpgid(identity.pid) == identity.pid:
                os.killpg(identity.pid, signal.SIGKILL)
            else:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        ready, _, _ = select.select([handle], [], [], wait)
        return bool(ready)
    finally:
        os.close(handle)
