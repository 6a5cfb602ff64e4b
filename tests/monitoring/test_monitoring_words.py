"""What is measured and not judged, and the words of a condition: its name, its release, what clears it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from msgspec.structs import replace
from watching import Watching, condition, rescaled, row

from engine.clock import boot_id
from engine.config import Deployment
from engine.monitoring.conditions import beside, number
from engine.monitoring.disk import size_words
from engine.monitoring.named_causes import naming_causes
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
    issues = ["data_integrity: column cash_available_usd is missing", "data_integrity: 3 duplicates"]
    watching.validated("FAIL", data_integrity="FAIL", issues=issues)
    evaluation = watching.tick()
    texts = {alert.condition: alert.text for alert in evaluation.alerts}
    what = "data_integrity FAIL: column cash_available_usd is missing; 3 duplicates"
    assert texts["VAL"] == f"critical fires: validation FAIL; {what}"
    assert texts["DQ"] == f"critical fires: data quality FAIL; {what}"
    assert condition(evaluation, "DQ").clears == "when V validates again"
    assert "clears" not in evaluation.verdict.clears


def test_a_bad_tape_on_the_new_release_says_that_going_back_does_not_mend_it(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    watching.tick(3)
    watching.validated("FAIL", data_integrity="FAIL")
    texts = {alert.condition: alert.text for alert in watching.tick().alerts}
    assert texts["DQ"].endswith("data_integrity FAIL; v1 reads the same tape: going back does not mend it")


def test_restarts_that_ended_say_once_what_is_counted_and_that_nothing_is_live(watching: Watching) -> None:
    fires = {"firing": "rollback", "evidence": "roll back fires: 5 restarts"}
    readings = [replace(condition(watching.tick(3), "CRASH"), **fires)]
    conditions = watching.deployment.monitoring.conditions
    named = naming_causes(conditions, readings, (), nothing_live="v2 gave up", old="v1", on_old=False)
    assert named[0].evidence == "roll back fires: 5 restarts; NO RELEASE IS LIVE: v2 gave up"
    assert naming_causes(conditions, readings, (), nothing_live="", old="v1", on_old=False) == tuple(readings)


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


def test_a_release_that_is_silent_is_told_from_a_monitor_that_is_gone(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    watching.tick(3)
    evaluation = watching.tick(40, runs_every=0)
    unknown = row(evaluation, "UNKNOWN")
    assert ": v2 is silent, last value " in unknown.evidence and unknown.evidence.startswith("no ")
    assert unknown.evidence.endswith("; the monitor runs") and "no LAT, E2E, " in unknown.evidence
    assert "abaco-ops service status v2" in unknown.action and "restore monitoring" not in unknown.action


def test_no_release_live_is_nothing_that_a_monitor_restores(watching: Watching) -> None:
    watching.tick(10)
    watching.stage.release, watching.stage.state = None, "STOPPED"
    assert "abaco-ops service status v1" in row(watching.tick(runs_every=0), "UNKNOWN").action


def test_a_source_that_cannot_be_read_still_asks_for_monitoring(watching: Watching) -> None:
    evaluation = watching.tick(30, runs_every=0)
    assert row(evaluation, "UNKNOWN").action == "restore monitoring"


def test_what_is_pending_is_not_called_on_target(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    evaluation = fast.tick(4, runs_every=1, latency_ms=400.0)
    assert evaluation.verdict.word == "CONTINUE"
    assert evaluation.verdict.why.startswith("no tier has held; LAT ")


@pytest.mark.parametrize(
    ("value", "limit", "words"),
    [(0.98, 1.0, "0.98 x need"), (0.9996, 1.0, "0.9996 x need"), (1.04, 1.0, "1.04 x need"), (0.5, 1.0, "0.5 x need")],
)
def test_a_value_is_never_rounded_onto_its_limit(watching: Watching, value: float, limit: float, words: str) -> None:
    assert beside(watching.deployment.monitoring.conditions["DISK"], value, limit) == words


def test_a_limit_has_the_decimals_it_needs(watching: Watching) -> None:
    conditions = watching.deployment.monitoring.conditions
    assert [number(conditions["DISK"], 1 / 0.95), number(conditions["ERR"], 0.095)] == ["1.05", "0.095"]
    assert [number(conditions["MEM"], 190.0), number(conditions["CPU"], 47.5)] == ["190", "47.5"]


def test_free_space_below_a_gigabyte_is_no_zero() -> None:
    assert [size_words(size) for size in (49_000_000, 2_100_000_000, 84_000_000_000)] == ["49 MB", "2.1 GB", "84 GB"]


def test_a_state_that_is_good_again_and_not_yet_clear_is_said_in_words(watching: Watching) -> None:
    watching.tick(3)
    seen = []
    for status in ("failed", "ok"):
        for _ in range(80):
            run = condition(watching.tick(5, runs_every=5, status=status), "RUN")
            seen.append((run.firing, run.evidence))
    assert any(said.startswith("critical fires: pipeline failing for ") for _, said in seen)
    assert any("pipeline on schedule again, not clear for long enough yet" in said for firing, said in seen if firing)
