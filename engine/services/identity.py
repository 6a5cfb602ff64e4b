"""Processes told apart from later ones with the same pid, read straight from ``/proc``."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from engine.clock import boot_id
from engine.services.protocol import Identity


@dataclass(frozen=True, slots=True)
class Stat:
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


def read_stat(pid: int) -> Stat | None:
    """The process with this pid now, zombies included; None when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes().decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = text.rpartition(")")[2].split()
    return Stat(pid, fields[0], int(fields[1]), int(fields[3]), int(fields[19]))


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


def send_signal(identity: Identity, number: signal.Signals) -> bool:
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


def command_line(pid: int) -> str:
    """How it was called, for people; its name in brackets when it has no command line."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").strip()
        return words.decode("utf-8", "replace") or f"[{Path(f'/proc/{pid}/comm').read_text().strip()}]"
    except OSError:
        return "[ended]"
