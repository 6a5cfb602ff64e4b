"""From a release's name to its service, whatever runs it."""

from __future__ import annotations

import os
from typing import NoReturn

from engine.config.deployment import Deployment
from engine.config.release import ReleaseConfig
from engine.errors import OpsError, Refused
from engine.services.build import BUILD_VARIABLE, build_hash
from engine.services.embedded import EmbeddedService
from engine.services.protocol import Service
from engine.services.record import ServiceFiles, ServiceSpec
from engine.services.remains import MARK_VARIABLE

_SETTLE = 1.0
"""Seconds: systemd calls a process started that dies half a second later. Longer is the business of verify_hold."""


def open_service(deployment: Deployment, release_name: str) -> Service:
    """The service of ``release_name``. Refused when the deployment does not know that release."""
    release = deployment.releases.get(release_name)
    if release is None:
        raise Refused(f"there is no release {release_name!r}", f"one of: {', '.join(deployment.releases)}")
    try:
        build = build_hash(deployment, release_name)
    except Refused:  # its files are gone: it cannot be started, and it must still be possible to stop it
        build = ""
    name = release.service.name
    mark = f"{deployment.root}|{name}"
    if deployment.console.services.backend == "systemd":
        return _unit(deployment, release, build, mark)
    spec = ServiceSpec(
        name=name,
        release=release_name,
        build=build,
        command=tuple(deployment.command(release.service.command, release_name)),
        root=str(deployment.root),
        environment={MARK_VARIABLE: mark, BUILD_VARIABLE: build},
        mark=mark,
        stop_deadline=float(deployment.console.cadence.stop_deadline),
        events=str(deployment.paths.events),
    )
    return EmbeddedService(ServiceFiles(deployment.paths.services / name), spec)


def become(deployment: Deployment, release_name: str) -> NoReturn:
    """Become the release's command, with its build and its mark, in this process: what ``ExecStart=`` of a unit runs.

    Refused when there is no command, or its build cannot be told; OpsError when it cannot be run.
    """
    release = deployment.releases[release_name]
    command = deployment.command(release.service.command, release_name)
    if not command:
        raise Refused(f"{release_name} has no service.command", f"see {deployment.paths.release(release_name)}")
    mark = f"{deployment.root}|{release.service.name}"
    environment = {MARK_VARIABLE: mark, BUILD_VARIABLE: build_hash(deployment, release_name)}
    try:
        os.chdir(deployment.root)
        os.execvpe(command[0], command, {**os.environ, **environment})  # noqa: S606 - a list, and no shell
    except OSError as error:
        raise OpsError(f"{command[0]} cannot be run: {error}", "see service.command of the release") from error


def _unit(deployment: Deployment, release: ReleaseConfig, build: str, mark: str) -> Service:
    from engine.services.systemd import SystemdService, UnitSpec  # only where it is chosen

    cadence = deployment.console.cadence
    spec = UnitSpec(
        name=release.service.name,
        unit=release.service.unit_name,
        release=release.release,
        build=build,
        mark=mark,
        stop_deadline=float(cadence.stop_deadline),
        settle=min(float(cadence.verify_hold), _SETTLE),
    )
    return SystemdService(spec)
