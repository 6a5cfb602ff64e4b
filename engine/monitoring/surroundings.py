"""What the monitor asks of the rest of the engine: which release is active, how its service is, what it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from engine.config import Deployment
from engine.errors import OpsError
from engine.operations.lock import holder
from engine.records import harmless
from engine.services import open_service
from engine.services.active import configured_release, judged
from engine.services.processes import tree
from engine.services.protocol import Identity, Service, ServiceStatus


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

    def operation(self) -> str:
        """The cutover or rollback that is under way; empty when none is."""
        ...


OTHERS_EVERY = 10.0
"""Seconds between two looks at a release that is stopped while the active one runs: that look costs the most."""


class RealSurroundings:
    """The services of a deployment, as the system has them now: :meth:`active` looks, :meth:`status` tells."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._services: dict[str, Service] = {}
        self._seen: dict[str, ServiceStatus] = {}
        self._others_at = -OTHERS_EVERY

    def active(self) -> Active:
        """Which release is active; looks at the services anew."""
        configured, problem = configured_release(self._deployment.active_config)
        names = (self._deployment.old.release, self._deployment.new.release)
        if configured in names:
            self._seen[configured] = self._ask(configured)
        calm = configured in self._seen and self._seen[configured].state == "RUNNING" and not self.operation()
        if not calm or time.monotonic() - self._others_at >= OTHERS_EVERY:
            self._others_at = time.monotonic() if calm else -OTHERS_EVERY
            self._seen |= {name: self._ask(name) for name in names if name != configured}
        found = judged(configured, problem, {name: self._seen[name].state for name in names})
        return Active(found.name, harmless(found.reason), found.configured)

    def status(self, release: str) -> ServiceStatus:
        """How its service is, as last seen by :meth:`active`."""
        return self._seen.get(release) or self._ask(release)

    def members(self, identity: Identity) -> Sequence[int]:
        """The pids of a service's process tree, or of its control group."""
        try:
            for release, status in self._seen.items():
                if status.identity == identity and release in self._services:
                    return self._services[release].members(identity)
            return tree(identity)
        except (OSError, OpsError):
            return ()

    def operation(self) -> str:
        """The cutover or rollback that is under way; empty when none is, or when it holds: then nothing is moved."""
        try:
            found = holder(self._deployment)
        except (OSError, OpsError):
            return ""
        return harmless(found.operation, 60) if found is not None and not found.holds else ""

    def _ask(self, release: str) -> ServiceStatus:
        try:
            if release not in self._services:
                self._services[release] = open_service(self._deployment, release)
            return self._services[release].status()
        except (OpsError, OSError) as error:
            name = self._deployment.releases[release].service.name
            return ServiceStatus(name, "UNSURE", None, None, reason=harmless(error))
