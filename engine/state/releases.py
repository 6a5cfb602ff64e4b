"""The two releases as installed, and which of them is live."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import msgspec

from engine.clock import Clock
from engine.config import Deployment
from engine.errors import OpsError
from engine.records import harmless
from engine.records.harmless import one_line
from engine.records.regular import read_regular
from engine.records.unchanged import ReadOnce
from engine.services import open_service
from engine.services.active import configured_release, judged
from engine.services.build import build_hash
from engine.services.protocol import UNSUPERVISED, Service, ServiceState, ServiceStatus
from engine.state.model import ReleaseView

HASHES_AGAIN = 10.0
"""Seconds (boot time) after which builds and staged configurations are hashed again."""
ASKING_SHARE = 20.0
"""Asking a service may take one part in this many of a reader's time."""
AT_REST_AGAIN = 10.0
"""Seconds (boot time) after which a service that does not run is asked again though its records are as they were: it
means a look at every process of the machine, for one that carries its mark and that no record knows.
"""
_AT_REST = ("STOPPED", "FAILED")
ASKING_SPARED, SPARED_AT_MOST = 200.0, 1.5
"""Where it costs no staleness worth speaking of (seconds), one part in this many."""
_DIGITS = 6


class Releases(msgspec.Struct, frozen=True):
    """What the services say."""

    live: str | None
    reason: str
    views: tuple[ReleaseView, ...]
    active_hash: str = ""
    """First digits of the active configuration's sha256; empty where it cannot be read."""


class ReleasesReader:
    """Asks the services each time; hashes files and reads the active configuration only now and then."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        self._deployment = deployment
        self._clock = clock
        self._services: dict[str, Service] = {}
        self._hashes: dict[str, tuple[str, str]] = {}
        self._answers: dict[str, tuple[float, ServiceStatus]] = {}
        """Release -> until when (boot time) the answer holds, and the answer."""
        self._signs: dict[str, tuple[object, ...]] = {}
        """Release -> what its service's records were before that answer."""
        self._hashed_at: float | None = None
        self._configured = ReadOnce(deployment.active_config, _configuration)

    def read(self, problems: list[str]) -> Releases:
        """Old, then new; what cannot be read is UNSURE, with the reason in ``problems``."""
        self._hash_again(problems)
        names = (self._deployment.old.release, self._deployment.new.release)
        views = tuple(self._view(name, problems) for name in names)
        configured, problem, active_hash = self._configured.read()
        live = judged(configured, problem, {view.name: view.service_state for view in views})
        return Releases(live.name, live.reason, views, active_hash)

    def _view(self, name: str, problems: list[str]) -> ReleaseView:
        release = self._deployment.releases[name]
        build, config = self._hashes[name]
        state: ServiceState = "UNSURE"
        pid = None
        try:
            status = self._status(name)
            state = status.state
            pid = status.identity.pid if status.identity else None
            if state == "RUNNING" and not status.supervised:
                problems.append(f"{name} {self._bare(name)}")
        except (OSError, OpsError) as error:
            problems.append(harmless(f"service {release.service.name}: {error}"))
        return ReleaseView(name, build, config, release.service.name, state, pid, release.decimals)

    def _bare(self, name: str) -> str:
        """Nothing starts it again if it dies: in words, and what to do; another account's is that account's to mend."""
        obstacle = self._services[name].obstacle().removeprefix("it ")
        return harmless(obstacle or f"{UNSUPERVISED}: abaco-ops service start {name}")

    def _status(self, name: str) -> ServiceStatus:
        """Asked now, unless the last answer cost so much time that asking at each read would be a load, or it rests."""
        if name not in self._services:
            self._services[name] = open_service(self._deployment, name)
        before, sign = self._clock.now().boot, self._services[name].sign()
        answered = self._answers.get(name)
        if answered is not None and before < answered[0] and sign == self._signs.get(name):
            return answered[1]
        status = self._services[name].status()
        after = self._clock.now().boot
        cost = after - before
        spared = max(cost * ASKING_SHARE, min(cost * ASKING_SPARED, SPARED_AT_MOST))
        if status.state in _AT_REST and not status.supervised:
            spared = max(spared, AT_REST_AGAIN)
        self._answers[name], self._signs[name] = (after + spared, status), sign
        return status

    def _hash_again(self, problems: list[str]) -> None:
        now = self._clock.now().boot
        if self._hashed_at is not None and now - self._hashed_at < HASHES_AGAIN:
            return
        self._hashed_at = now
        for name in (self._deployment.old.release, self._deployment.new.release):
            build = _attempt(partial(build_hash, self._deployment, name), f"build of {name}", problems)
            config = _attempt(partial(_file_hash, self._deployment.paths.release(name)), f"release {name}", problems)
            self._hashes[name] = (build[:_DIGITS], config[:_DIGITS])


def _configuration(path: Path) -> tuple[str | None, str, str]:
    """What :func:`configured_release` finds, and the first digits of the file's hash."""
    digits = _attempt(partial(_file_hash, path), path.name, [])[:_DIGITS]
    return *configured_release(path), digits


def _attempt(do: Callable[[], str], what: str, problems: list[str]) -> str:
    try:
        return do()
    except (OSError, OpsError) as error:
        problems.append(harmless(one_line(f"{what}: {error}")))
        return ""


def _file_hash(path: Path) -> str:
    return hashlib.sha256(read_regular(path)).hexdigest()
