"""The build of a release: a hash of the files that run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import engine
from engine.config.deployment import Deployment
from engine.errors import Refused
from engine.services.build_files import matched

BUILD_VARIABLE = "ABACO_OPS_BUILD"
"""Hands the build to the service, which writes it into its run records."""


def build_hash(deployment: Deployment, release_name: str) -> str:
    """sha256 (hex) over the sorted names and the contents of the release's build files.

    Names count from the engine's or the deployment's directory, so the same files give the same build anywhere.
    Refused when the patterns match nothing, or without end, or a file cannot be read.
    """
    named = sorted((_name(path, deployment.root), path) for path in build_files(deployment, release_name))
    if not named:
        raise Refused(
            f"the build files of {release_name} do not exist: {', '.join(_patterns(deployment, release_name))}",
            f"correct build.files in {deployment.paths.release(release_name)}",
        )
    digest = hashlib.sha256()
    for name, path in named:
        try:
            content = path.read_bytes()
        except OSError as error:
            raise Refused(f"the build file {path} cannot be read: {error.strerror}") from error
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def build_files(deployment: Deployment, release_name: str) -> set[Path]:
    """The files that the release's patterns match now. Refused when a pattern matches without end."""
    return {path for pattern in _patterns(deployment, release_name) for path in matched(pattern)}


def _patterns(deployment: Deployment, release_name: str) -> list[str]:
    return deployment.command(deployment.releases[release_name].build.files, release_name)


def _name(path: Path, root: Path) -> str:
    for label, base in (("engine", Path(engine.__file__).parent), ("root", root)):
        if path.is_relative_to(base):
            return f"{label}/{path.relative_to(base).as_posix()}"
    return path.as_posix()
