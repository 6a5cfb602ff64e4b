"""Frozen sources as the state shows them: a monitor that was really stopped, a trail that cannot be read."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.clock import SystemClock
from engine.config import Deployment
from engine.monitoring.model import ChecklistItem
from engine.records import append_event
from engine.state import StateReader
from engine.state.model import ChecklistView
from engine.state.slots import marked_late

CADENCES = 2.0


@pytest.fixture
def monitor(deployment: Deployment) -> Iterator[subprocess.Popen[bytes]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "engine.monitoring", "--root", str(deployment.root)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield child
    child.kill()
    child.wait()


def reached(wanted: Callable[[], object], within: float = 20.0) -> bool:
    end = time.monotonic() + within
    while time.monotonic() < end:
        if wanted():
            return True
        time.sleep(0.05)
    return False


def test_a_monitor_that_is_stopped_is_seen_within_two_cadences_of_its_deadline(
    deployment: Deployment, monitor: subprocess.Popen[bytes]
) -> None:
    reader = StateReader(deployment, SystemClock())
    assert reached(lambda: reader.read().monitor.observed_at and not reader.read().monitor.stale), "it never sampled"
    os.kill(monitor.pid, signal.SIGSTOP)
    began, cadence = time.monotonic(), reader.read().sample_cadence
    deadline = deployment.console.stale_after * cadence
    assert reached(lambda: reader.read().monitor.stale), "a frozen monitor is not seen"
    assert time.monotonic() - began < deadline + CADENCES * cadence
    state = reader.read()
    assert state.monitor.running and "does not get on" in state.verdict.why
    assert state.verdict.word == "UNKNOWN" and all(kpi.stale for kpi in state.kpis)
    assert all(gauge.stale for gauge in state.resources) and state.checklist.stale
    os.kill(monitor.pid, signal.SIGCONT)
    assert reached(lambda: not reader.read().monitor.stale), "and when it goes on, that is seen too"


def test_who_holds_the_watch_is_stale_while_the_trail_cannot_be_read(deployment: Deployment, clock: Any) -> None:
    append_event(deployment.paths.events, "watch.taken", {"holder": "A. Moreno"}, source="console", clock=clock)
    reader = StateReader(deployment, clock)
    assert (reader.read().watch.holder, reader.read().watch.stale) == ("A. Moreno", False)
    aside = deployment.paths.events.with_suffix(".aside")
    deployment.paths.events.rename(aside)
    deployment.paths.events.mkdir()
    state = reader.read()
    assert (state.watch.holder, state.watch.stale) == ("A. Moreno", True)
    deployment.paths.events.rmdir()
    aside.rename(deployment.paths.events)
    assert not reader.read().watch.stale


def an_item(key: str, state: Any, measured: str) -> ChecklistItem:
    return ChecklistItem(key, "T+1", key, state, None, measured, True, "", "")


def test_of_the_checklist_what_the_monitor_measured_is_marked_and_what_the_records_say_is_not() -> None:
    view = ChecklistView(
        1, 1, (an_item("MEM", "due", "204 MB"), an_item("snapshot", "due", "0004"), an_item("CPU", "done", "27 %"))
    )
    without = ChecklistView(
        0, 0, (an_item("MEM", "due", "missing"), an_item("snapshot", "due", "0004"), an_item("CPU", "done", "27 %"))
    )
    late = marked_late(view, without, "41 s")
    assert late.stale
    assert [(item.measured, item.measured_ok, item.stale) for item in late.items] == [
        ("STALE 41 s: 204 MB", None, True),
        ("0004", True, False),
        ("27 %", True, False),
    ]
