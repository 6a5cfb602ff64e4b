"""The one lock of cutover and rollback, and beside it, for people, who holds it."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import msgspec

from engine.clock import SystemClock, pretty_duration
from engine.config import Deployment
from engine.errors import Refused
from engine.operations.model import HOLDS
from engine.operations.watchers import person
from engine.records import FileLock, harmless, is_locked, write_file
from engine.records.undecodable import UNDECODABLE
from engine.services.identity import is_alive
from engine.services.protocol import Identity

_HOLDER = "operation.holder.json"


class Holder(msgspec.Struct, frozen=True):
    """Who operates, from where, at what step, since when, and why."""

    operation: str
    actor: str
    origin: str
    step: str
    since: datetime
    """When this worker took the lock."""
    reason: str
    pid: int
    worker: Identity | None = None
    """The process that wrote this; when it is gone, this tells of an earlier holder."""

    @property
    def holds(self) -> bool:
        """Whether it is a held cutover: nothing has been switched, and nothing is being switched."""
        return self.step == HOLDS

    def __str__(self) -> str:
        return harmless(
            f"{person(self.actor, self.origin)} with {self.operation}, at: {self.step or 'its beginning'}", 300
        )

    def told(self, now: datetime) -> str:
        """The same with how long it has been held, and why."""
        age = pretty_duration(max((now - self.since).total_seconds(), 0.0)) if self.since.year > 1970 else "?"
        return harmless(f"{self}, for {age}" + (f" ({self.reason})" if self.reason else ""), 300)


def holder(deployment: Deployment) -> Holder | None:
    """Who holds the lock now; None when it is free. Someone unknown when nothing beside it tells of a living process.

    Refused when the lock file cannot be looked at.
    """
    try:
        if not is_locked(deployment.paths.operation_lock):
            return None
    except OSError as error:
        raise _cannot_be_used(deployment, error) from error
    try:
        found = msgspec.json.decode(_beside(deployment).read_bytes(), type=Holder)
    except (OSError, *UNDECODABLE):
        return _unknown()
    return found if found.worker is None or is_alive(found.worker) else _unknown()


def held_by(deployment: Deployment) -> str:
    """Who holds the lock now, in words with its age; empty when it is free."""
    found = holder(deployment)
    return found.told(SystemClock().now().wall) if found else ""


class OperationLock:
    """Held by a worker for its life; the file is never unlinked, and a loser never touches it."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lock = FileLock(deployment.paths.operation_lock)

    def acquire(self, wait: float) -> bool:
        """Try for ``wait`` seconds. Refused when the lock file cannot be used at all."""
        try:
            return self._lock.acquire(wait)
        except OSError as error:
            raise _cannot_be_used(self._deployment, error) from error

    def tell(self, who: Holder) -> None:
        """Write down who holds it; a full disk must not stop anything here."""
        with contextlib.suppress(OSError):
            write_file(_beside(self._deployment), msgspec.json.encode(who), 0o660)

    def release(self) -> None:
        """Let go."""
        self._lock.release()


def _unknown() -> Holder:
    return Holder("an operation", "someone", "local", "", datetime.fromisoformat("1970-01-01T00:00:00Z"), "", 0)


def _cannot_be_used(deployment: Deployment, error: OSError) -> Refused:
    path = deployment.paths.operation_lock
    return Refused(
        f"the operation lock {path} cannot be used: {error.strerror or error}",
        f"nothing was changed; it is a plain file that its group may read and write: ls -ld {path}",
    )


def _beside(deployment: Deployment) -> Path:
    return deployment.paths.rollback / _HOLDER
