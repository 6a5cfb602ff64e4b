"""A monitor that is started again at every tick: the same verdicts, the same rows, the same gates."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from a_night import HOUR, Night
from watching import Watching

from engine.config import load_deployment
from engine.config.templates import write_config


def told(night: Night) -> list[str]:
    """The rows without the figures of this very process: time, status, notes."""
    rows = [line.split(" | ") for line in night.log()[2:]]
    return [re.sub(r"\d+ MB", "MB", " | ".join([row[0], *row[5:]])) for row in rows]


def live_through(root: Path, clock: Any, *, restarts: bool) -> tuple[list[str], list[str], list[Any], list[str]]:
    """A stretch over slots with all that can happen in it: verdict per tick, rows, gates, what the monitor told."""
    write_config(root, demo=True)
    night = Night(load_deployment(root), clock)
    words, gates = [], []

    def live(count: int, **more: Any) -> None:
        for _ in range(count):
            evaluation = night.ticks(1, restarts=restarts, **more)
            words.append(evaluation.verdict.word)
            gates.append([(one.id, one.state, [(c.id, c.status) for c in one.criteria]) for one in evaluation.gates])

    live(4)
    night.cut_over()
    live(12)
    live(2, runs=False)
    live(3)
    live(2, errors=900)
    live(4)
    live(20, runs=False)
    live(8, latency_ms=700.0)
    night.status = "FAIL"
    live(12)
    night.status = "PASS"
    clock.step_wall(6.0)
    live(12)
    kinds = ("schedule.", "clock.", "monitor.")
    events = [json.loads(line) for line in night.deployment.paths.events.read_text().splitlines()]
    night.monitor.stop()
    return words, told(night), gates, [event["kind"] for event in events if event["kind"].startswith(kinds)]


def test_a_restart_at_every_tick_changes_no_verdict_loses_no_row_and_moves_no_gate(tmp_path: Path, clock: Any) -> None:
    other = type(clock)()
    once = live_through(tmp_path / "once", clock, restarts=False)
    always = live_through(tmp_path / "always", other, restarts=True)
    assert set(once[0]) >= {"CONTINUE", "INVESTIGATE", "UNKNOWN", "ROLL BACK"}
    assert always[0] == once[0]
    assert always[1] == once[1]
    assert always[2] == once[2]
    assert always[3] == once[3]


@pytest.mark.parametrize("cut", [3, 6, 11])
def test_a_monitor_killed_between_its_row_and_its_checkpoint_loses_no_row(
    tmp_path: Path, clock: Any, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_config(tmp_path / "cut", demo=True)
    night = Night(load_deployment(tmp_path / "cut"), clock)
    night.begin()
    for number in range(14):
        if number == cut:
            with monkeypatch.context() as patched:
                patched.setattr(night.monitor, "_write", lambda *_: None)
                night.ticks(1)
            night.restart()
        else:
            night.ticks(1)
    rows = told(night)
    night.monitor.stop()
    assert [slot for slot in ("T+0:30", "T+1") if not any(slot in row for row in rows)] == []


class Killed(BaseException):
    """Not an error that a tick could outlive."""


@pytest.mark.parametrize("place", ["before it is kept", "before it is told", "after it is told"])
def test_a_slot_that_was_missed_is_told_once_by_a_monitor_that_is_killed_meanwhile(
    tmp_path: Path, clock: Any, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any) -> Any:
        raise Killed

    write_config(tmp_path / "killed", demo=True)
    night = Night(load_deployment(tmp_path / "killed"), clock)
    night.begin()
    night.hours(1.2)
    clock.advance(3 * HOUR)
    night.restart()
    name = {"before it is kept": "_write", "after it is told": "_keep_trail"}.get(place)
    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(*(night.monitor, name) if name else (night.monitor.round, "tell"), killed)
        night.ticks(1)
    night.restart()
    night.ticks(3)
    events = [json.loads(line) for line in night.deployment.paths.events.read_text().splitlines()]
    told = [event["data"]["name"] for event in events if event["kind"] == "schedule.missed"]
    night.monitor.stop()
    assert told == ["T+2", "T+3"]


def events_of(watching: Watching, kind: str) -> list[dict[str, Any]]:
    lines = watching.deployment.paths.events.read_text().splitlines()
    return [event["data"] for event in map(json.loads, lines) if event["kind"] == kind]


def test_the_time_in_which_no_monitor_ran_is_told_once_it_was_longer_than_a_restart(watching: Watching) -> None:
    watching.tick(5)
    watching.monitor.stop()
    watching.clock.advance(12.0)
    watching.restart()
    watching.tick(3)
    assert events_of(watching, "monitor.absent") == [{"seconds": 13.0}]
    watching.restart()
    watching.tick(3)
    assert len(events_of(watching, "monitor.absent")) == 1


def test_a_rollback_has_a_row_in_the_monitoring_log(watching: Watching) -> None:
    watching.tick(5)
    watching.cut_over()
    watching.tick(5)
    watching.roll_back()
    watching.tick(5)
    rows = watching.deployment.paths.monitoring_log.read_text().splitlines()
    assert [row for row in rows if "rollback SUCCEEDED" in row and "| WARN " in row], rows
