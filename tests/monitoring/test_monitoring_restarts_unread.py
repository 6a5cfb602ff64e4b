"""Restarts whose moments nobody can read are missing: zero would be good, and is not known."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

import pytest

from engine.clock import boot_id
from engine.config import Deployment
from engine.monitoring.process_source import ProcessSource
from engine.monitoring.reading import Missing, Reading
from engine.services.protocol import Identity, ServiceStatus

WHY = "systemd counts 5 restarts of v1.service, the journal tells when of none"


@pytest.fixture
def source(deployment: Deployment) -> ProcessSource:
    return ProcessSource(deployment, lambda identity: (os.getpid(),), lambda metric, era, since: [])


def restarts(source: ProcessSource, now: Any, state: Any, *, up: float, ago: tuple[float, ...] = ()) -> Reading:
    identity = Identity(os.getpid(), 1, boot_id()) if state == "RUNNING" else None
    since = now.wall - timedelta(seconds=up) if identity else None
    moments = tuple(now.wall - timedelta(seconds=seconds) for seconds in ago)
    status = ServiceStatus("v1", state, identity, since, moments, True, "", 5, WHY)
    return source.look("v1", status, now)["restarts"]


@pytest.mark.parametrize("state", ["RUNNING", "FAILED"])
def test_a_crash_loop_that_the_journal_does_not_tell_is_missing_not_zero(
    source: ProcessSource, clock: Any, state: str
) -> None:
    assert restarts(source, clock.now(), state, up=2.0) == Missing(WHY)


def test_a_process_older_than_the_window_had_no_restart_in_it(source: ProcessSource, clock: Any) -> None:
    found = restarts(source, clock.now(), "RUNNING", up=1000.0)
    assert isinstance(found, tuple) and found[0].value == 0


def test_those_that_are_known_count_and_do_not_wait_for_the_others(source: ProcessSource, clock: Any) -> None:
    found = restarts(source, clock.now(), "RUNNING", up=2.0, ago=(20.0, 12.0, 3.0))
    assert isinstance(found, tuple) and found[0].value == 3
