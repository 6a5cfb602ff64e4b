"""The monitor as a whole: real files, made-up services and runs, a clock moved by hand."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from watching import KPIS, Watching, condition, rescaled, row

from engine.cli import ack
from engine.cli.frame import main
from engine.config import Deployment
from engine.monitoring.log import HEADER
from engine.monitoring.run_source import REMEMBERED
from engine.monitoring.store import SampleStore


def test_a_healthy_v1_is_continue_at_the_second_sample(watching: Watching) -> None:
    assert watching.tick().verdict.word == "UNKNOWN"
    evaluation = watching.tick()
    assert evaluation.verdict.word == "CONTINUE"
    assert evaluation.release == "v1"
    assert row(evaluation, "CONTINUE").active
    assert "nothing to roll back" in row(evaluation, "ROLL BACK").evidence
    assert evaluation.kpis[0].value == KPIS["PAR30"]
    assert evaluation.problems == ()


def test_without_a_single_run_it_is_unknown_and_says_of_what(watching: Watching) -> None:
    evaluation = watching.tick(30, runs_every=0)
    assert evaluation.verdict.word == "UNKNOWN"
    assert "LAT" in evaluation.verdict.why


def test_a_service_that_stopped_is_unknown_at_once_and_never_ok(watching: Watching) -> None:
    watching.tick(10)
    watching.stage.release, watching.stage.state = None, "STOPPED"
    evaluation = watching.tick(runs_every=0)
    assert evaluation.verdict.word == "UNKNOWN"
    assert "none runs" in evaluation.verdict.why
    evaluation = watching.tick(20, runs_every=0)
    for name in ("LAT", "MEM", "CPU", "ERR"):
        assert condition(evaluation, name).level == "stale"
    assert all(kpi.stale for kpi in evaluation.kpis)


def test_runs_that_stop_coming_are_noticed_while_the_service_still_runs(watching: Watching) -> None:
    watching.tick(10)
    evaluation = watching.tick(20, runs_every=0)
    assert evaluation.verdict.word == "UNKNOWN"
    assert condition(evaluation, "LAT").level == "stale"
    assert condition(evaluation, "RUN").value == 1


def test_slow_kpis_are_critical_after_two_minutes_and_roll_back_after_fifteen(fast: Watching) -> None:
    fast.stage.release = fast.stage.configured = "v2"
    words = [fast.tick(runs_every=1, latency_ms=600.0).verdict.word for _ in range(20)]
    assert words[1:3] == ["CONTINUE", "INVESTIGATE"]
    assert words.index("ROLL BACK") == 15
    assert fast.tick().verdict.why.startswith("LAT ")


def test_on_v1_a_roll_back_tier_is_something_to_investigate(fast: Watching) -> None:
    evaluation = fast.tick(20, runs_every=1, latency_ms=600.0)
    assert condition(evaluation, "LAT").firing == "rollback"
    assert evaluation.verdict.word == "INVESTIGATE"


def test_what_is_pending_is_said_and_does_not_alarm(watching: Watching) -> None:
    watching.tick(5)
    evaluation = watching.tick(20, runs_every=1, latency_ms=150.0)
    assert evaluation.verdict.word == "CONTINUE"
    assert "pending" in evaluation.verdict.why
    assert condition(evaluation, "LAT").pending == "warning"


def test_too_few_rows_are_low_volume_neither_ok_nor_an_alarm(watching: Watching) -> None:
    evaluation = watching.tick(3, rows=2, latency_ms=0.1)
    assert condition(evaluation, "ERR").level == "missing"
    assert "LOW VOLUME" in condition(evaluation, "ERR").text
    assert condition(evaluation, "ERR").firing == ""
    assert evaluation.verdict.word == "UNKNOWN"


def test_many_errors_are_critical_at_once(watching: Watching) -> None:
    watching.tick(2)
    watching.run(errors=900)
    assert watching.tick(runs_every=0).verdict.word == "INVESTIGATE"


def test_restarts_count_over_their_window_alone(watching: Watching) -> None:
    watching.tick(3)
    now = watching.clock.now().wall
    watching.stage.restarts = tuple(now - timedelta(minutes=minutes) for minutes in (40, 30, 3))
    evaluation = watching.tick()
    assert (condition(evaluation, "CRASH").value, evaluation.verdict.word) == (1, "WATCH")
    watching.stage.restarts = (*watching.stage.restarts, now, now)
    assert watching.tick().verdict.word == "INVESTIGATE"


def test_a_run_that_left_no_event_is_lost_and_the_second_in_a_row_is_worse(watching: Watching) -> None:
    watching.stage.release = watching.stage.configured = "v2"
    watching.tick(6)
    watching.clock.advance(0.5)
    watching.run(events=False)
    assert condition(watching.tick(2, runs_every=0), "AUD").firing == "critical"
    watching.run(events=False)
    assert watching.tick(2, runs_every=0).verdict.word == "ROLL BACK"


def test_a_failed_validation_is_something_to_investigate_and_the_next_pass_clears_it(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("FAIL", performance="FAIL")
    evaluation = watching.tick()
    assert evaluation.verdict.word == "INVESTIGATE"
    assert evaluation.verdict.why == "validation FAIL"
    watching.validated("PASS")
    assert watching.tick().verdict.word == "CONTINUE"


def test_a_validation_that_fails_again_at_hour_one_is_a_reason_to_roll_back(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(61)
    fast.validated("FAIL", occasion="slot", performance="FAIL")
    assert fast.tick().verdict.word == "INVESTIGATE"
    fast.validated("FAIL", occasion="again", performance="FAIL")
    assert fast.tick().verdict.word == "ROLL BACK"


def test_a_trial_on_another_tape_changes_no_verdict_and_no_row(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("PASS")
    watching.tick(2)
    rows = watching.log()
    watching.validated("FAIL", tape="other", live=False, data_integrity="FAIL")
    evaluation = watching.tick()
    assert evaluation.verdict.word == "CONTINUE"
    assert (condition(evaluation, "VAL").text, condition(evaluation, "DQ").text) == ("PASS", "all pass")
    assert watching.log() == rows


def test_a_warn_is_no_pass(watching: Watching) -> None:
    watching.tick(3)
    watching.validated("WARN", performance="WARN")
    assert watching.tick().verdict.word == "WATCH"


def test_nothing_of_one_release_is_charged_to_the_next(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    watching.tick(3)
    watching.validated("FAIL", performance="FAIL")
    assert watching.tick(6).verdict.word == "INVESTIGATE"
    watching.roll_back()
    watching.validated("PASS")
    evaluation = watching.tick(3)
    assert evaluation.verdict.word == "CONTINUE"
    assert evaluation.cutover_at is None


def test_during_an_operation_conditions_are_recorded_and_nobody_is_paged(watching: Watching) -> None:
    watching.tick(3)
    watching.stage.operating = "0001-cutover"
    evaluation = watching.tick(rows=1000, errors=900)
    assert evaluation.paging is False
    assert evaluation.alerts


@pytest.mark.parametrize("cut", range(0, 22, 3))
def test_a_restart_anywhere_changes_no_verdict_and_loses_no_row(deployment: Deployment, clock: Any, cut: int) -> None:
    watching = Watching(rescaled(deployment, 60), clock)
    watching.stage.release = watching.stage.configured = "v2"
    words = []
    for number in range(22):
        if number == cut:
            watching.restart()
        words.append(watching.tick(runs_every=1, latency_ms=600.0).verdict.word)
    assert words[0] == "UNKNOWN"
    # CPU is a difference, so that a new monitor knows it one sample later; no verdict is lighter for that
    assert [word for word in words if word != "UNKNOWN"][-1] == "ROLL BACK"
    assert words.index("ROLL BACK") == 15
    assert len([line for line in watching.log() if "-> ROLL BACK" in line]) == 1


def test_the_time_that_no_monitor_ran_is_never_counted_as_held(fast: Watching) -> None:
    fast.stage.release = fast.stage.configured = "v2"
    fast.tick(8, runs_every=1, latency_ms=600.0)
    fast.clock.advance(600)
    fast.restart()
    evaluation = fast.tick(7, runs_every=1, latency_ms=600.0)
    assert condition(evaluation, "LAT").firing == "critical"
    assert condition(evaluation, "LAT").held < 8


def test_a_suspend_breaks_what_was_pending_gives_grace_and_is_recorded(watching: Watching) -> None:
    watching.tick(5)
    watching.clock.advance(3600)
    evaluation = watching.tick(errors=900)
    assert condition(evaluation, "ERR").firing == ""
    watching.tick(50, errors=900)
    evaluation = watching.tick(15, errors=900)
    assert condition(evaluation, "ERR").firing == "critical"
    assert '"kind":"monitor.suspended"' in watching.deployment.paths.events.read_text()


def test_a_step_of_the_clock_is_recorded_and_the_watch_goes_on(watching: Watching) -> None:
    watching.tick(5)
    watching.clock.step_wall(-7200)
    evaluation = watching.tick(6)
    assert evaluation.verdict.word == "CONTINUE"
    assert '"kind":"clock.stepped"' in watching.deployment.paths.events.read_text()


def test_a_step_of_the_clock_while_no_monitor_runs_is_noticed_and_gives_grace(watching: Watching) -> None:
    watching.tick(5)
    watching.clock.advance(30)
    watching.clock.step_wall(900)
    watching.restart()
    evaluation = watching.tick(errors=900)
    assert '"kind":"clock.stepped"' in watching.deployment.paths.events.read_text()
    assert condition(evaluation, "ERR").firing == ""
    assert condition(watching.tick(65, errors=900), "ERR").firing == "critical"


def test_time_without_a_monitor_is_no_suspend(watching: Watching) -> None:
    watching.tick(5)
    watching.clock.advance(3600)
    watching.restart()
    watching.tick(3)
    told = watching.deployment.paths.events.read_text()
    assert "monitor.suspended" not in told
    assert "clock.stepped" not in told


def test_a_run_that_was_read_right_before_a_restart_is_still_asked_for_its_events(watching: Watching) -> None:
    watching.stage.release = watching.stage.configured = "v2"
    watching.tick(6)
    watching.clock.advance(0.5)
    watching.run(events=False)
    watching.tick(runs_every=0)
    watching.restart()
    assert condition(watching.tick(runs_every=0), "AUD").firing == "critical"


def test_events_that_the_old_releases_last_run_left_out_are_not_charged_to_the_new_one(watching: Watching) -> None:
    watching.tick(6)
    watching.clock.advance(0.5)
    watching.run(events=False)
    watching.tick(runs_every=0)
    watching.start("v2")
    assert condition(watching.tick(runs_every=0), "AUD").firing == ""


def test_a_damaged_line_is_a_problem_that_is_shown_and_hides_nothing(watching: Watching) -> None:
    watching.tick(3)
    with watching.deployment.paths.runs.open("ab") as stream:
        stream.write(b'{"not": "a run"}\nno json at all\n')
    evaluation = watching.tick(2)
    assert evaluation.verdict.word == "CONTINUE"
    assert len(evaluation.problems) == 2


def test_damaged_samples_are_set_aside_and_the_watch_goes_on(watching: Watching) -> None:
    watching.tick(3)
    watching.monitor.stop()
    path = watching.deployment.paths.samples
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    path.write_bytes(b"not a database" * 1000)
    watching.restart()
    evaluation = watching.tick(2)
    assert evaluation.verdict.word == "CONTINUE"
    assert any("set aside" in problem for problem in evaluation.problems)
    assert list(path.parent.glob("samples.db.damaged-*"))


def test_a_release_that_nobody_configured_is_told_and_not_judged_as_if_it_were(watching: Watching) -> None:
    watching.tick(3)
    watching.stage.release, watching.stage.configured = None, "v7"
    evaluation = watching.tick(runs_every=0)
    assert evaluation.verdict.word == "UNKNOWN"
    assert any("v7" in problem for problem in evaluation.problems)


def test_kpis_change_is_counted_from_v1_on_the_same_tape(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    evaluation = watching.tick(2, kpis={**KPIS, "PAR30": 2.21})
    kpi = evaluation.kpis[0]
    assert (kpi.change, kpi.change_from) == (0.01, "V1")
    assert condition(evaluation, "KPIV").value == 0
    evaluation = watching.tick(2, tape="t2")
    assert evaluation.kpis[0].change_from == "last run"
    assert condition(evaluation, "KPIV").level == "missing"
    watching.validated(tape="t2")
    assert watching.tick(tape="t2").verdict.word == "CONTINUE"


def test_a_variance_on_the_same_tape_is_critical_after_two_runs(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    evaluation = watching.tick(2, runs_every=1, kpis={**KPIS, "PAR30": 2.5})
    assert condition(evaluation, "KPIV").firing == "critical"
    assert round(condition(evaluation, "KPIV").value) == 14


def test_an_undefined_kpi_has_a_reason_and_is_no_zero(watching: Watching) -> None:
    evaluation = watching.tick(2, kpis={**KPIS, "PAR30": None})
    kpi = evaluation.kpis[0]
    assert (kpi.value, kpi.status, kpi.reason, kpi.in_range) == (None, "undefined", "empty", None)


@pytest.mark.parametrize(("par30", "said"), [(None, "PAR30 undefined (empty)"), (130.0, "PAR30 130 out of range")])
def test_where_nobody_ever_validated_a_tape_that_breaks_the_kpis_is_unknown_until_somebody_looks(
    watching: Watching, par30: float | None, said: str
) -> None:
    assert watching.tick(10).verdict.word == "CONTINUE"
    broken: dict[str, Any] = {"tape": "t2", "kpis": {**KPIS, "PAR30": par30}}
    evaluation = watching.tick(5, **broken)
    assert (evaluation.verdict.word, said in evaluation.verdict.why) == ("UNKNOWN", True), evaluation.verdict
    watching.validated("FAIL", tape="t2", data_integrity="FAIL")
    assert watching.tick(5, **broken).verdict.word == "INVESTIGATE"


def test_a_tape_whose_runs_fail_is_pending_at_once_and_critical_after_five_minutes(fast: Watching) -> None:
    fast.tick(10)
    broken: dict[str, Any] = {"tape": "t2", "status": "failed", "error": "no column", "outputs": [], "latency_ms": None}
    assert condition(fast.tick(1, **broken), "RUN").pending == "critical"
    assert fast.tick(8, **broken).verdict.word == "INVESTIGATE"


def test_the_baseline_is_the_median_of_v1s_runs_and_stands_after_the_cutover(watching: Watching) -> None:
    for latency in (0.5, 1.0, 9.0):
        watching.run(latency_ms=latency)
        watching.clock.advance(5)
    watching.tick(2, runs_every=0)
    watching.cut_over()
    evaluation = watching.tick(6, latency_ms=2.0)
    assert evaluation.baseline is not None
    assert evaluation.baseline.release == "v1"
    assert evaluation.baseline.values["kpi_latency_ms_per_1000_rows"] == 1.0
    assert condition(evaluation, "THR").value == 50.0


def test_flapping_holds_the_worst_and_is_told(watching: Watching) -> None:
    watching.tick(2)
    now = watching.clock.now().wall
    for count in (3, 0, 1, 0):
        watching.stage.restarts = (now,) * count
        evaluation = watching.tick(3)
    reading = condition(evaluation, "CRASH")
    assert (reading.flapping, reading.value, reading.firing) == (True, 0, "critical")
    assert "flapping, 4 changes" in evaluation.verdict.why


def test_growing_worse_step_by_step_and_then_clearing_is_no_flapping(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(5)
    for integrity, loss in (("WARN", False), ("FAIL", True), ("FAIL", True), ("PASS", False)):
        watching.validated("PASS", data_integrity=integrity, data_loss=loss)
        evaluation = watching.tick(1)
        seen = condition(evaluation, "DQ")
        assert seen.firing == {("WARN", False): "warning", ("PASS", False): ""}.get((integrity, loss), seen.firing)
    assert (seen.flapping, seen.firing, evaluation.verdict.word) == (False, "", "CONTINUE")


def test_back_and_forth_between_two_tiers_is_flapping(watching: Watching) -> None:
    watching.tick(2)
    now = watching.clock.now().wall
    for count in (1, 3, 1, 3, 1):
        watching.stage.restarts = (now,) * count
        reading = condition(watching.tick(3), "CRASH")
    assert (reading.flapping, reading.firing) == (True, "critical")


# ---- the rounds


def test_the_log_has_the_template_one_date_line_a_day_and_the_change_of_status(watching: Watching) -> None:
    watching.tick(4)
    watching.clock.advance(86400)
    watching.restart()
    watching.tick(2)
    watching.validated("FAIL", performance="FAIL")
    watching.tick()
    text = "\n".join(watching.log())
    assert text.startswith(HEADER)
    assert text.count(HEADER) == 1
    days = [line for line in watching.log() if len(line) == 10]
    assert days == ["2026-01-31", "2026-02-01"]
    assert "| FAIL   | validation 4/5: performance FAIL" in text
    assert "| FAIL   | CONTINUE -> INVESTIGATE: validation FAIL" in text


def test_slots_have_their_row_and_missed_ones_say_so(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(31)
    assert any(line.endswith("| T+0:30") for line in fast.log())
    fast.clock.advance(90)
    fast.restart()
    fast.tick(2)
    missed = [line for line in fast.log() if "MISSED" in line]
    assert [line.split("MISSED: ")[1].split(",")[0] for line in missed] == ["T+1", "T+1:30"]
    assert all("NOT RUN" in line and "| -  " in line for line in missed)


def test_validations_run_by_themselves_at_their_slots_once_and_a_missed_one_is_caught_up_once(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(29)
    assert "scheduled validation" not in fast.started.commands
    fast.tick(31)  # T+0:30 and T+1
    assert fast.started.commands.count("scheduled validation") == 2
    fast.tick(70)
    assert fast.started.commands.count("scheduled validation") == 3
    fast.validated()
    fast.clock.advance(160)
    fast.restart()
    fast.tick(3)
    assert fast.started.commands.count("scheduled validation") == 4
    events = [json.loads(line) for line in fast.deployment.paths.events.read_text().splitlines()]
    assert [event["data"]["name"] for event in events if event["kind"] == "schedule.missed"] == ["T+3"]
    assert [event["data"]["name"] for event in events if event["kind"] == "schedule.late"] == ["T+4"]
    assert [line for line in fast.log() if "MISSED: T+3" in line]
    assert [line for line in fast.log() if "LATE: validation of T+4" in line]


def test_a_validation_that_ended_with_its_monitor_is_caught_up_by_the_next_one(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(31)
    assert fast.started.commands.count("scheduled validation") == 1
    fast.restart()
    fast.tick(1)
    fast.validated()
    fast.tick(3)
    fast.restart()
    fast.tick(3)
    assert fast.started.commands.count("scheduled validation") == 2


def test_a_validation_that_ended_with_its_monitor_is_missed_once_when_its_slot_is_over(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(31)
    fast.clock.advance(180)
    fast.restart()
    fast.tick(3)
    events = [json.loads(line) for line in fast.deployment.paths.events.read_text().splitlines()]
    missed = [event["data"]["name"] for event in events if event["kind"] == "schedule.missed"]
    assert missed == ["T+0:30", "T+1", "T+2"]


def test_more_runs_than_are_remembered_came_without_a_monitor_and_all_are_judged(fast: Watching) -> None:
    fast.tick(3)
    for _ in range(2 * REMEMBERED):
        fast.clock.advance(0.1)
        fast.run(rows=1000, errors=1)
    fast.restart()
    fast.tick(1, runs_every=0)
    metric = fast.deployment.monitoring.conditions["LAT"].metric
    store = SampleStore(fast.deployment.paths.samples)
    assert len(store.series(metric, fast.clock.now().wall - timedelta(days=1))) == fast.runs
    store.close()


def test_daily_validations_go_on_after_the_first_day(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(1)
    fast.event("gate.decided", gate="hour-8", decision="go", by="A. Moreno")
    fast.event("gate.decided", gate="hour-24", decision="go", by="A. Moreno")
    for hours, due in ((47.9, ["T+24"]), (48.1, ["T+48"]), (71.9, []), (72.1, ["day 3"])):
        begun = len(fast.log())
        fast.clock.advance(hours * 60 - (fast.clock.now().wall - fast.monitor.tick().cutover_at).total_seconds())
        before = fast.started.commands.count("scheduled validation")
        fast.tick(2)
        named = [line.split("LATE: validation of ")[1].split(",")[0] for line in fast.log()[begun:] if "LATE" in line]
        assert fast.started.commands.count("scheduled validation") - before == len(due)
        assert named == due


def test_a_validation_that_ended_with_its_monitor_is_missed_when_its_slot_is_over(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(61)
    fast.clock.advance(60)
    fast.restart()
    fast.tick(3)
    events = [json.loads(line) for line in fast.deployment.paths.events.read_text().splitlines()]
    assert [event["data"]["name"] for event in events if event["kind"] == "schedule.missed"] == ["T+1"]
    assert fast.started.commands.count("scheduled validation") == 3


def test_the_hour_one_validation_is_run_once_more_when_it_fails(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(59)
    began = fast.started.commands.count("scheduled validation")
    fast.tick(2)
    fast.validated("FAIL", occasion="slot", performance="FAIL")
    fast.tick(3)
    assert fast.started.commands.count("scheduled validation") == began + 2
    fast.validated("FAIL", occasion="again", performance="FAIL")
    fast.tick(3)
    assert fast.started.commands.count("scheduled validation") == began + 2


def test_the_way_back_is_proven_again_only_while_there_is_one(fast: Watching) -> None:
    fast.tick(5)
    assert "proof of the way back" not in fast.started.commands
    fast.cut_over()
    fast.event("way_back.proven", ok=True, seconds=1.1, snapshot="0002", release="v1", reason="")
    fast.tick(30)
    assert "proof of the way back" not in fast.started.commands
    fast.tick(40)
    assert fast.started.commands.count("proof of the way back") == 1


def test_the_next_gate_says_what_it_would_fail_on(watching: Watching) -> None:
    watching.tick(3)
    assert watching.tick().next_gate is None
    watching.cut_over(validated=False)
    watching.tick(3)
    gate = watching.tick().next_gate
    assert gate is not None
    assert gate.id == "hour-1"
    assert "validation 5 of 5" in gate.unknown
    watching.validated("FAIL", performance="FAIL")
    gate = watching.tick().next_gate
    assert gate is not None
    assert gate.would_fail_on == ("validation 5 of 5", "verdict")


def test_the_hourly_count_takes_no_warn_for_a_pass(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(61)
    fast.validated("WARN", performance="WARN")
    evaluation = fast.tick()
    assert (evaluation.hourly.passed, evaluation.hourly.due, evaluation.hourly.of) == (0, 1, 24)
    fast.validated("PASS")
    evaluation = fast.tick()
    assert evaluation.hourly.passed == 1


def test_errors_with_data_loss_are_a_reason_to_roll_back_at_once(watching: Watching) -> None:
    watching.cut_over()
    watching.tick(2, runs_every=1)
    seen = watching.tick(2, runs_every=1, errors=200)
    assert condition(seen, "ERR").firing == "critical"
    watching.validated("FAIL", data_loss=True, data_integrity="FAIL")
    seen = watching.tick(1, runs_every=1, errors=200)
    assert condition(seen, "ERR").firing == "rollback"
    assert seen.verdict.word == "ROLL BACK"


def test_an_acknowledgement_of_what_does_not_fire_is_refused_unless_it_is_meant_to_be_early(
    watching: Watching, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ack, "SystemClock", lambda: watching.clock)

    def said(*words: str) -> tuple[int, str]:
        code = main(["--root", str(watching.deployment.root), "ack", *words], lambda *_: 99)
        return code, "".join(capsys.readouterr())

    watching.tick(3)
    code, text = said("CRASH")
    assert code == 2
    assert "CRASH does not fire and has no open alert" in text and "--early" in text
    code, text = said("CRASH", "--early")
    assert code == 2 and "taken for a time" in text
    code, text = said("CRASH", "--early", "--for", "10m")
    assert code == 0 and "CRASH will be taken by" in text and "if it fires by then" in text
    watching.tick(9)
    watching.stage.restarts = (watching.clock.now().wall,) * 3
    evaluation = watching.tick()
    (alert,) = [one for one in evaluation.alerts if one.condition == "CRASH"]
    assert alert.taken_by and alert.taken_until is not None  # nine looks later it is owned all the same
    assert said("CRASH")[0] == 0
    code, text = said("THR")
    assert code == 2 and "open now: CRASH" in text
