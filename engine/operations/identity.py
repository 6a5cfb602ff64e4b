"""Telling a process from any later one that got the same pid."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

from engine.clock import boot_id
from engine.services.protocol import Identity


def identity_of(pid: int) -> Identity | None:
    """The process that has this pid now; None when there is none, or when it is only a zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None
    if len(fields) < 20 or fields[0] in (b"Z", b"X"):
        return None
    return Identity(pid, int(fields[19]), boot_id())


def is_alive(identity: Identity) -> bool:
    """Whether exactly this process still runs."""
    return identity_of(identity.pid) == identity


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
