"""Whether somebody has edited the configuration since it was read."""

from __future__ import annotations

from engine.config.deployment import Deployment

Stamp = tuple[tuple[str, int, int, int], ...]


def stamp(deployment: Deployment) -> Stamp:
    """Another one whenever a file of the configuration is; the active pipeline configuration is none of them."""
    found = []
    for path in sorted([*deployment.paths.config.glob("*.yml"), *deployment.paths.config.glob("releases/*.yml")]):
        if path == deployment.active_config:
            continue  # a cutover replaces it
        try:
            status = path.stat()
        except OSError:
            continue
        found.append((path.name, status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)
