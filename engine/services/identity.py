"""Processes told apart from later ones with the same pid, read straight from ``/proc``."""

from __future__ import annotations

import contextlib
import os
import select
import signal
from pathlib import Path

import msgspec

from engine.clock import boot_id
from engine.services.protocol import Identity


class Stat(msgspec.Struct, frozen=True):
    """What ``/proc/PID/stat`` says, as far as it is needed."""

    pid: int
    state: str
    parent: int
    session: int
    start_time: int

    @property
    def dead(self) -> bool:
        """A zombie has ended, only nobody has asked for its exit code."""
        return self.state in "ZX"

    @property
    def identity(self) -> Identity:
        """Who this is."""
        return Identity(self.pid, self.start_time, boot_id())


def read_proc(pid: int, name: str) -> bytes:
    """What the kernel says about a process; OSError when it is gone or somebody else's.

    Looking at all processes reads two of these for each: through :class:`Path` that costs twice as much.
    """
    descriptor = os.open(f"/proc/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(descriptor, 1 << 16):
            parts.append(part)
    finally:
        os.close(descriptor)
    return b"".join(parts)


def read_stat(pid: int) -> Stat | None:
    """The process with this pid now, zombies included; None when there is none."""
    try:
        text = read_proc(pid, "stat").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return Stat(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


def started_at(identity: Identity) -> float:
    """When a process began, in boot time (s)."""
    return identity.start_time / os.sysconf("SC_CLK_TCK")


def own_identity() -> Identity:
    """Who asks."""
    stat = read_stat(os.getpid())
    assert stat is not None
    return stat.identity


def is_alive(identity: Identity | None) -> bool:
    """Whether exactly this process still runs; an unreaped zombie does not."""
    if identity is None or identity.boot_id != boot_id():
        return False
    stat = read_stat(identity.pid)
    return stat is not None and stat.start_time == identity.start_time and not stat.dead


def send_signal(identity: Identity, number: int) -> bool:
    """Signal exactly this process, never a later one with its pid; False when it is gone."""
    try:
        descriptor = os.pidfd_open(identity.pid)
    except ProcessLookupError:
        return False
    try:
        if not is_alive(identity):
            return False
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        return False
    finally:
        os.close(descriptor)
    return True


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


def command_line(pid: int) -> str:
    """How it was called, for people; its name in brackets when it has no command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").strip()
        return words.decode("utf-8", "replace") or f"[{Path(f'/proc/{pid}/comm').read_text().strip()}]"
    except OSError:
        return "[ended]"
