"""Whether somebody has edited the configuration since it was read."""

from __future__ import annotations

import contextlib

from engine.config.deployment import Deployment
from engine.records.unchanged import Stamp as FileStamp
from engine.records.unchanged import stamp_of

Stamp = tuple[tuple[str, FileStamp], ...]


def stamp(deployment: Deployment) -> Stamp:
    """Another one whenever a file of the configuration is; the active pipeline configuration is none of them."""
    found = []
    for path in sorted([*deployment.paths.config.glob("*.yml"), *deployment.paths.config.glob("releases/*.yml")]):
        if path == deployment.active_config:
            continue  # a cutover replaces it
        with contextlib.suppress(OSError):
            found.append((path.name, stamp_of(path.stat())))
    return tuple(found)
