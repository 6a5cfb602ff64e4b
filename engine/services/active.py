"""Which release is in service: the one whose identified process runs and whose configuration is active."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml

from engine.config.deployment import Deployment
from engine.records import harmless
from engine.records.regular import read_regular
from engine.services.opening import open_service
from engine.services.protocol import ServiceState


class ActiveRelease(msgspec.Struct, frozen=True):
    """The answer, and what it rests on."""

    name: str | None
    reason: str
    """Why there is none; empty when there is one."""
    configured: str | None
    """The release of the active configuration; None when that cannot be read."""
    running: tuple[str, ...]
    """Releases whose service runs, old before new."""


def active_release(deployment: Deployment) -> ActiveRelease:
    """Asked of the system and of the active configuration, now."""
    configured, problem = configured_release(deployment.active_config)
    states = {
        name: open_service(deployment, name).status().state for name in (deployment.old.release, deployment.new.release)
    }
    return judged(configured, problem, states)


def judged(configured: str | None, problem: str, states: Mapping[str, ServiceState]) -> ActiveRelease:
    """The answer from what is configured (or the ``problem`` of finding out) and each release's service state."""
    running = tuple(name for name, state in states.items() if state == "RUNNING")
    unsure = [name for name, state in states.items() if state == "UNSURE"]
    if problem:
        return ActiveRelease(None, problem, None, running)
    if len(running) > 1:
        return ActiveRelease(None, f"{' and '.join(running)} run at once", configured, running)
    if unsure:
        return ActiveRelease(None, f"it is unsure what of {', '.join(unsure)} runs", configured, running)
    if not running:
        return ActiveRelease(None, f"{configured} is configured, and no release runs", configured, running)
    if running[0] != configured:
        return ActiveRelease(None, f"{running[0]} runs, and {configured} is configured", configured, running)
    return ActiveRelease(configured, "", configured, running)


def configured_release(path: Path) -> tuple[str | None, str]:
    """The ``release`` key of a pipeline configuration; None with the reason when it has none."""
    try:
        loaded: Any = yaml.load(read_regular(path), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
    except (OSError, yaml.YAMLError) as error:
        return None, harmless(f"the active configuration cannot be read: {error}")
    name = loaded.get("release") if isinstance(loaded, dict) else None
    if not isinstance(name, str) or not name:
        return None, f"the active configuration {path.name} names no release"
    return name, ""
