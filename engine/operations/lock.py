"""The one lock of cutover and rollback, and beside it, for people, who holds it."""

from __future__ import annotations

import contextlib
from datetime import datetime
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.operations.model import HOLDS
from engine.records import FileLock, harmless, is_locked, write_file

_HOLDER = "operation.holder.json"


class Holder(msgspec.Struct, frozen=True):
    """Who operates, from where, at what step, since when, and why."""

    operation: str
    actor: str
    origin: str
    step: str
    since: datetime
    reason: str
    pid: int

    @property
    def holds(self) -> bool:
        """Whether it is a held cutover: nothing has been switched, and nothing is being switched."""
        return self.step == HOLDS

    def __str__(self) -> str:
        where = f" from {self.origin}" if self.origin != "local" else ""
        return harmless(f"{self.actor}{where} with {self.operation}, at: {self.step or 'its beginning'}")


def holder(deployment: Deployment) -> Holder | None:
    """Who holds the lock now; None when it is free. Someone unknown when the file beside it cannot be read."""
    if not is_locked(deployment.paths.operation_lock):
        return None
    try:
        return msgspec.json.decode(_beside(deployment).read_bytes(), type=Holder)
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return Holder("an operation", "someone", "local", "", datetime.fromisoformat("1970-01-01T00:00:00Z"), "", 0)


class OperationLock:
    """Held by a worker for its life; the file is never unlinked, and a loser never touches it."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._lock = FileLock(deployment.paths.operation_lock)

    def acquire(self, wait: float) -> bool:
        """Try for ``wait`` seconds."""
        return self._lock.acquire(wait)

    def tell(self, who: Holder) -> None:
        """Write down who holds it; a full disk must not stop anything here."""
        with contextlib.suppress(OSError):
            write_file(_beside(self._deployment), msgspec.json.encode(who), 0o660)

    def release(self) -> None:
        """Let go."""
        self._lock.release()


def _beside(deployment: Deployment) -> Path:
    return deployment.paths.rollback / _HOLDER
