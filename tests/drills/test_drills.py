"""Each drill leads to the verdict that it promises, on a real demo, and leaves nothing behind."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from rehearsal_at_work import Night, abaco, await_that

from engine.config.templates import write_config
from engine.drills.faults import FAULTS
from engine.drills.order import order_file
from engine.errors import Refused
from engine.monitoring.launch import ensure_monitor
from engine.services import open_service
from engine.state.replayed import ReplayReader


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Night]:
    made = Night(tmp_path_factory.mktemp("night") / "demo")
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(autouse=True)
def no_drill_is_left(night: Night) -> Iterator[None]:
    yield
    assert not order_file(night.root).exists()
    assert night.state().drill is None


def test_stop_monitor_is_unknown_and_the_monitor_comes_back_though_the_drills_keeper_was_killed(night: Night) -> None:
    night.shows("CONTINUE")
    order = night.begin("stop-monitor")
    assert night.kill("engine.drills keep") == 1
    assert "no monitor runs" in night.shows("UNKNOWN").verdict.why
    assert ensure_monitor(night.deployment) is None  # a console that is opened meanwhile does not spoil it
    night.let_time_pass(order)
    ensure_monitor(night.deployment)  # as every console does that is opened
    assert night.shows("CONTINUE").monitor.running
    await_that(lambda: not order_file(night.root).exists())


def test_hang_is_unknown_then_to_be_investigated_and_is_shown_for_what_it_is(night: Night) -> None:
    night.shows("CONTINUE")
    night.begin("hang")
    drill = night.state().drill
    assert drill is not None and (drill.drill, drill.release, drill.expected) == ("hang", "v2", "INVESTIGATE")
    with pytest.raises(Refused, match="the drill hang runs"):
        night.begin("latency")
    told = abaco("--root", str(night.root), "status").stdout
    assert "DRILL hang of v2, ends in 4m" in told and "not real" in told
    night.shows("UNKNOWN")
    night.shows("INVESTIGATE", "NODATA", "critical")
    night.end()
    night.shows("CONTINUE")


def test_a_corrupt_tape_is_to_be_investigated_and_comes_back_though_its_keeper_was_killed(night: Night) -> None:
    tape = night.deployment.tape
    before, times = hashlib.sha256(tape.read_bytes()).hexdigest(), tape.stat().st_mtime_ns
    order = night.begin("corrupt-tape")
    assert night.kill("engine.drills keep") == 1
    assert hashlib.sha256(tape.read_bytes()).hexdigest() != before
    night.shows("INVESTIGATE", "DQ", "critical")
    night.let_time_pass(order)
    await_that(lambda: night.events("drill.ended")[-1]["data"]["drill"] == "corrupt-tape")
    assert hashlib.sha256(tape.read_bytes()).hexdigest() == before
    assert tape.stat().st_mtime_ns == times
    await_that(lambda: not order_file(night.root).exists())


def test_a_drill_ends_by_itself(night: Night) -> None:
    order = night.begin("errors", seconds=1.0)
    await_that(lambda: [event for event in night.events("drill.ended") if event["data"]["id"] == order.id])
    await_that(lambda: not order_file(night.root).exists())


def test_whoever_ends_what_is_overdue_leaves_another_drill_alone(night: Night) -> None:
    night.begin("errors")
    subprocess.run([sys.executable, "-m", "engine.drills", "end", "--root", str(night.root)], check=True, timeout=30)
    assert night.state().drill is not None
    night.end()


@pytest.mark.parametrize(
    ("drill", "condition"),
    [("latency", "LAT"), ("errors", "ERR"), ("lost-audit", "AUD"), ("cpu", "CPU"), ("leak", "MEM"), ("crash", "CRASH")],
)
def test_it_rolls_back_for_the_reason_that_the_drill_made(night: Night, drill: str, condition: str) -> None:
    night.begin(drill)
    state = night.shows("ROLL BACK", condition, "rollback")
    assert condition in {item.id for item in state.conditions if item.firing == "rollback"}
    night.end()
    assert state.verdict.observed_at is not None
    replayed = ReplayReader(night.deployment, lambda: state.at).at(state.verdict.observed_at)
    assert replayed.verdict.word == "ROLL BACK"
    assert replayed.drill is not None and replayed.drill.drill == drill
    assert open_service(night.deployment, "v2").status().state == "RUNNING"


def test_every_drill_is_listed_with_its_verdict(night: Night) -> None:
    told = abaco("--root", str(night.root), "drill", "--list").stdout
    for fault in FAULTS.values():
        assert fault.name in told and fault.expects[-1].verdict in told


def test_a_real_deployment_is_refused(tmp_path: Path) -> None:
    write_config(tmp_path)
    refused = abaco("--root", str(tmp_path), "drill", "latency")
    assert refused.returncode == 2
    assert "is no demo" in refused.stderr and "deployment.demo" in refused.stderr
