"""Who holds the monitor's lock: a small file beside it, for people and for whoever stops the monitor."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from engine.clock import SystemClock
from engine.config import Deployment
from engine.records import whoami, write_file
from engine.services.identity import is_alive, own_identity
from engine.services.protocol import Identity


class Holder(msgspec.Struct, frozen=True):
    """One monitor process, told apart from any later one with the same pid."""

    identity: Identity
    who: str
    since: datetime

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.identity.pid

    @property
    def alive(self) -> bool:
        """Whether this very process is still there."""
        return is_alive(self.identity)


def holder_file(deployment: Deployment) -> Path:
    """The file beside the lock."""
    return deployment.paths.monitor_lock.with_suffix(".json")


def write_holder(deployment: Deployment) -> None:
    """Say that this process is the monitor."""
    holder = Holder(own_identity(), whoami(), SystemClock().now().wall)
    write_file(holder_file(deployment), msgspec.json.encode(holder))


def read_holder(deployment: Deployment) -> Holder | None:
    """Who wrote it last; None when nobody did or it cannot be read."""
    try:
        return msgspec.json.decode(holder_file(deployment).read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None
