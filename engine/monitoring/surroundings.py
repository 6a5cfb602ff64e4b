"""What the monitor asks of the rest of the engine: which release is active, how its service is, what it runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.config import Deployment
from engine.errors import OpsError
from engine.records import harmless, is_locked
from engine.services.protocol import Identity, ServiceStatus


@dataclass(frozen=True, slots=True)
class Active:
    """The release whose identified process runs and whose configuration is active, or why there is none."""

    name: str | None
    reason: str
    configured: str | None


class Surroundings(Protocol):
    """Answers that never raise: what cannot be told is None or UNSURE, with the reason."""

    def active(self) -> Active:
        """Which release is active."""
        ...

    def status(self, release: str) -> ServiceStatus:
        """How its service is."""
        ...

    def members(self, identity: Identity) -> Sequence[int]:
        """The pids of a service's process tree; empty when that process is gone."""
        ...

    def operation_runs(self) -> bool:
        """Whether a cutover or rollback is under way."""
        ...


class RealSurroundings:
    """The services of a deployment, as the system has them now."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment

    def active(self) -> Active:
        """Which release is active."""
        from engine.services.active import active_release

        try:
            found = active_release(self._deployment)
        except (OpsError, OSError) as error:
            return Active(None, harmless(error), None)
        return Active(found.name, harmless(found.reason), found.configured)

    def status(self, release: str) -> ServiceStatus:
        """How its service is."""
        from engine.services import open_service

        name = self._deployment.releases[release].service.name
        try:
            return open_service(self._deployment, release).status()
        except (OpsError, OSError) as error:
            return ServiceStatus(name, "UNSURE", None, None, reason=harmless(error))

    def members(self, identity: Identity) -> Sequence[int]:
        """The pids of a service's process tree."""
        from engine.services.processes import tree

        try:
            return [int(pid) for pid in tree(identity)]
        except (OpsError, OSError):
            return ()

    def operation_runs(self) -> bool:
        """Whether a cutover or rollback is under way."""
        try:
            return is_locked(self._deployment.paths.operation_lock)
        except OSError:
            return False
