"""The monitor as a process: one per deployment, outlives nobody's terminal, ends when asked."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from engine.clock import SystemClock
from engine.config import Deployment
from engine.doctor.deployment import examine_deployment
from engine.errors import LockHeld
from engine.monitoring.launch import ensure_monitor, monitor_pid, monitor_running, restart_monitor, stop_monitor
from engine.monitoring.loop import watch
from engine.monitoring.model import Evaluation
from engine.monitoring.store import SampleStore
from engine.state import StateReader


def until(met: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def newest(deployment: Deployment) -> Evaluation | None:
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        return store.newest_evaluation()
    finally:
        store.close()


def problems(deployment: Deployment) -> tuple[str, ...]:
    """Those of the configuration that the monitor told with its newest sample."""
    evaluation = newest(deployment)
    assert evaluation is not None
    return tuple(text for text in evaluation.problems if text.startswith("the edited configuration"))


@pytest.fixture
def started(deployment: Deployment) -> Iterator[Deployment]:
    ensure_monitor(deployment)
    until(lambda: newest(deployment))
    yield deployment
    if monitor_running(deployment):
        stop_monitor(deployment)


def test_it_watches_an_empty_deployment_and_says_unknown(started: Deployment) -> None:
    evaluation = newest(started)
    assert evaluation is not None
    assert evaluation.verdict.word == "UNKNOWN"
    assert evaluation.pid == monitor_pid(started)


def test_a_second_one_is_not_started_and_refuses_to_run(started: Deployment) -> None:
    pid = monitor_pid(started)
    assert ensure_monitor(started) == pid
    with pytest.raises(LockHeld):
        watch(started.root, threading.Event())
    assert monitor_pid(started) == pid


def test_it_ends_cleanly_when_asked_and_a_later_one_goes_on(started: Deployment) -> None:
    assert stop_monitor(started)
    assert not monitor_running(started)
    assert stop_monitor(started) is False
    before = newest(started)
    ensure_monitor(started)
    until(lambda: newest(started) != before)


def test_a_killed_one_leaves_the_lock_free(started: Deployment) -> None:
    pid = monitor_pid(started)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: not monitor_running(started))
    assert monitor_pid(started) is None


def test_one_that_hangs_is_found_out_and_another_takes_its_place(started: Deployment) -> None:
    pid = monitor_pid(started)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)

    def doctor() -> str:
        return next(
            f"{one.status} {one.what} {one.fix}" for one in examine_deployment(started) if one.name == "monitor"
        )

    assert doctor().startswith("ok runs")
    until(lambda: doctor().startswith(f"FAIL pid {pid} has sampled nothing for"))
    assert doctor().endswith("abaco-ops monitor --restart")
    state = StateReader(started, SystemClock()).read()
    assert "abaco-ops monitor --restart" in state.verdict.clears
    another = restart_monitor(started)
    assert another not in (None, pid)
    until(lambda: monitor_pid(started) == another and doctor().startswith("ok runs"))


def test_a_broken_edit_of_the_configuration_is_told_and_the_watch_goes_on(started: Deployment) -> None:
    path = started.paths.config / "monitoring.yml"
    output = started.paths.logs / "monitor.out"
    before = path.read_text()
    path.write_text("version: 1\n")
    until(lambda: "is not used" in output.read_text())
    until(lambda: any("monitoring.yml" in problem for problem in problems(started)))
    path.write_text(before)
    until(lambda: problems(started) == ())


def test_where_nobody_can_write_who_watches_the_watch_begins_and_it_is_written_later(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    full, tried = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), []

    def write(of: Deployment) -> None:
        tried.append(newest(of))
        if len(tried) < 3:
            raise full

    monkeypatch.setattr("engine.monitoring.loop.write_holder", write)
    watch(deployment.root, threading.Event(), ticks=4)
    assert len(tried) == 3 and tried[-1] is not None


def test_the_reading_side_imports_no_frames() -> None:
    code = (
        "import sys, engine.monitoring.monitor, engine.monitoring.loop, engine.monitoring.board\n"
        "print([name for name in ('pandas', 'numpy', 'pyarrow', 'engine.portfolio', 'textual') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
