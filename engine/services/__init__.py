"""Services: start, stop, status, output of a release, behind one protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.services.protocol import Identity, Service, ServiceState, ServiceStatus, StopResult

if TYPE_CHECKING:
    from engine.config.deployment import Deployment

__all__ = ["Identity", "Service", "ServiceState", "ServiceStatus", "StopResult", "open_service"]


def open_service(deployment: Deployment, release_name: str) -> Service:
    """The service of ``release_name``, whatever backend runs it. Refused when there is no such release."""
    from engine.services import opening  # here: a supervisor starts without reading any configuration

    return opening.open_service(deployment, release_name)
