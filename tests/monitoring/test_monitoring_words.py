"""What is measured and not judged, and the words of a condition: its name, its release, what clears it."""

from __future__ import annotations

import os
from typing import Any

from watching import Watching, condition, rescaled

from engine.clock import boot_id
from engine.config import Deployment
from engine.monitoring.process_source import ProcessSource
from engine.services.protocol import Identity, ServiceStatus


def test_throughput_of_the_old_release_is_shown_and_not_judged_whatever_the_noise(fast: Watching) -> None:
    fast.tick(5, runs_every=1)
    for latency in (1.7, 0.65, 1.7, 0.65):
        evaluation = fast.tick(12, runs_every=1, latency_ms=latency)
        reading = condition(evaluation, "THR")
        assert reading.value is not None
        assert (reading.level, reading.firing, reading.pending, reading.needed) == ("ok", "", "", False)
        assert "not judged on v1" in reading.evidence
        assert "throughput" not in evaluation.verdict.why.lower() and "THR" not in evaluation.verdict.why


def test_throughput_of_the_new_release_is_judged_against_what_the_old_one_did_before(fast: Watching) -> None:
    fast.tick(5, runs_every=1)
    fast.cut_over()
    evaluation = fast.tick(14, runs_every=1, latency_ms=1.7)
    assert round(condition(evaluation, "THR").value) == 38
    assert condition(evaluation, "THR").firing == "rollback"


def test_growth_in_a_rehearsal_is_per_its_own_hour(deployment: Deployment, clock: Any) -> None:
    scaled = rescaled(deployment, 60)
    identity = Identity(os.getpid(), 1, boot_id())
    now = clock.now()
    # 1 % in the minute that stands for an hour, as any process does
    earlier = [(now.boot - 60 + second, 100.0 + second / 60) for second in range(60)]
    source = ProcessSource(scaled, lambda identity: (os.getpid(),), lambda metric, of, since: earlier)
    found = source.look("v1", ServiceStatus("v1", "RUNNING", identity, now.wall), now)
    growth = found["memory_growth_percent_per_hour"]
    assert isinstance(growth, tuple)
    assert abs(growth[0].value - 1.0) < 0.2


def test_an_alert_names_its_condition_and_what_clears_it_is_said_once(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("FAIL", data_integrity="FAIL")
    evaluation = watching.tick()
    texts = {alert.condition: alert.text for alert in evaluation.alerts}
    assert texts["VAL"] == "critical fires: validation FAIL"
    assert texts["DQ"] == "critical fires: data quality FAIL"
    assert condition(evaluation, "DQ").clears == "at all pass"
    assert "clears" not in evaluation.verdict.clears


def test_a_playbook_names_the_release_that_runs(watching: Watching) -> None:
    evaluation = watching.tick(3)
    assert "abaco-ops service status v1" in condition(evaluation, "NODATA").run
    watching.cut_over()
    evaluation = watching.tick(3)
    commands = [command for reading in evaluation.conditions for command in reading.run]
    assert "abaco-ops service status v2" in commands
    assert not [command for command in commands if "{" in command or command.endswith("status v1")]


def test_missing_values_are_named_with_the_silence_behind_them(watching: Watching) -> None:
    watching.tick(3)
    evaluation = watching.tick(40, runs_every=0)
    said = condition(evaluation, "NODATA")
    assert said.firing == "warning"
    assert "; v1 gives no LAT, E2E, ERR and " in said.evidence
    assert "last value" in said.brief


def test_what_is_pending_is_not_called_on_target(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    evaluation = fast.tick(4, runs_every=1, latency_ms=400.0)
    assert evaluation.verdict.word == "CONTINUE"
    assert evaluation.verdict.why.startswith("no tier has held; LAT ")
