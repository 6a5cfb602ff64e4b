"""Who holds the monitor's lock: a small file beside it, for people and for whoever stops the monitor."""

from __future__ import annotations

import errno
import os
from datetime import datetime
from pathlib import Path

import msgspec

from engine.clock import SystemClock
from engine.config import Deployment, Paths
from engine.records import whoami, write_file
from engine.records.undecodable import UNDECODABLE
from engine.services.identity import is_alive, own_identity
from engine.services.origin import origin_of
from engine.services.protocol import Identity

ROOM = 512
"""Bytes of the file, filled up with blanks: the next monitor needs no more."""


class Holder(msgspec.Struct, frozen=True):
    """One monitor process, told apart from any later one with the same pid."""

    identity: Identity
    who: str
    since: datetime
    root: str = ""
    """Of the deployment that it watches: a copy of that one has this file, too, and not the monitor."""

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
    """Say that this process is the monitor. OSError when the disk takes neither a new file nor these bytes instead of
    those of the monitor before.
    """
    holder = Holder(own_identity(), whoami(), SystemClock().now().wall, str(deployment.root))
    path, data = holder_file(deployment), msgspec.json.encode(holder).ljust(ROOM)
    try:
        write_file(path, data)
    except OSError as error:
        try:
            _write_over(path, data)
        except FileNotFoundError:
            raise error from None


def _write_over(path: Path, data: bytes) -> None:
    """In place, which a full disk takes, too: the lock is held, so nobody else writes it."""
    descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.write(descriptor, data) != len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.ftruncate(descriptor, len(data))
    finally:
        os.close(descriptor)


def read_holder(deployment: Deployment) -> Holder | None:
    """Who wrote it last; None when nobody did, when it cannot be read, or came with a copy of another deployment."""
    try:
        holder = msgspec.json.decode(holder_file(deployment).read_bytes(), type=Holder)
        # a deployment is where its configuration is: other directories a monitor makes anew when it has been moved
        config = str(Paths(Path(holder.root)).config) if holder.root else ""
        origin = origin_of(config, deployment.paths.config)
    except (OSError, *UNDECODABLE):
        return None
    return None if origin is not None and origin.copied else holder
