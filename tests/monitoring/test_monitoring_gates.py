"""Decision points: judged on the whole watch, open until somebody decides, decided with names."""

from __future__ import annotations

import os
import pwd
import threading
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from a_night import HOUR, Night, criterion, gate

from engine.config import Deployment
from engine.errors import LockHeld, Refused
from engine.monitoring import deciding
from engine.monitoring.deciding import _known, decide, facts_now, same_person
from engine.monitoring.facts import Waiver
from engine.monitoring.model import Evaluation
from engine.records import FileLock, is_locked


@pytest.fixture
def night(deployment: Deployment, clock: Any) -> Any:
    found = Night(deployment, clock)
    yield found
    found.monitor.stop()


def statuses(evaluation: Evaluation, name: str) -> dict[str, str]:
    return {one.id: one.status for one in gate(evaluation, name).criteria}


def say(night: Night, name: str, decision: str = "go", **more: Any) -> None:
    decide(night.deployment, name, decision, actor="a.moreno@ops1", clock=night.clock, **more)


def test_a_clean_first_day_passes_each_gate_on_what_was_recorded(night: Night) -> None:
    night.begin()
    for name, until in (("hour-1", 1.5), ("hour-8", 8.5), ("hour-24", 24.5)):
        passed = (night.clock.now().wall - facts_now(night.deployment).cutover_at).total_seconds() / HOUR
        evaluation = night.hours(until - passed)
        assert set(statuses(evaluation, name).values()) == {"met"}, gate(evaluation, name)
        say(night, name)
        night.ticks(1)
    assert criterion(night.ticks(1), "errors_below_0_1").evidence.startswith("0.000 % of ")
    assert [one.id for one in night.ticks(1).gates] == ["day-7"]
    assert [one.gate for one in facts_now(night.deployment).decisions] == ["hour-1", "hour-8", "hour-24"]


def test_a_gate_that_nobody_decided_stays_open_and_grows_overdue(night: Night) -> None:
    night.begin()
    seen = [gate(night.hours(hours), "hour-1").state for hours in (0.8, 0.3, 1.0)]
    assert seen == ["ahead", "due", "overdue"]
    evaluation = night.hours(7)
    assert [(one.id, one.state) for one in evaluation.gates] == [
        ("hour-1", "overdue"),
        ("hour-8", "overdue"),
        ("hour-24", "ahead"),
    ]
    assert evaluation.next_gate is not None
    assert evaluation.next_gate.id == "hour-1"


def test_a_go_is_refused_while_anything_is_unknown_and_names_it(night: Night) -> None:
    night.begin()
    night.hours(0.9)
    night.status = "FAIL"
    night.hours(0.3)
    with pytest.raises(Refused, match="validation 5 of 5 not met: FAIL 5/5"):
        say(night, "hour-1")
    night.log_file.unlink()
    night.status = "PASS"
    night.validated()
    night.ticks(1)
    with pytest.raises(Refused, match="logs clean unknown: the service's log cannot be read"):
        say(night, "hour-1")
    assert facts_now(night.deployment).decisions == ()


def test_a_waiver_takes_a_reason_and_a_second_person(night: Night) -> None:
    night.begin()
    with night.log_file.open("a") as stream:
        stream.write("12:00 ERROR could not reach the cache\n")
    night.hours(1.2)
    for reason, second, why in (
        ("", "J. Doe", "needs a reason"),
        ("known", "", "needs a second name: the VP Engineering's"),
        ("known", "A. Moreno", "the second name is your own"),
    ):
        with pytest.raises(Refused, match=why):
            say(night, "hour-1", waivers=[Waiver("logs_clean", reason, "", second)])
    with pytest.raises(Refused, match="kpis in range is met"):
        say(night, "hour-1", waivers=[Waiver("kpis_in_range", "so", "", "J. Doe")])
    say(night, "hour-1", waivers=[Waiver("logs_clean", "the cache is not ours", "", "J. Doe")])
    (decided,) = facts_now(night.deployment).decisions
    assert (decided.decision, decided.by) == ("go", "a.moreno@ops1")
    assert decided.waivers == (
        Waiver("logs_clean", "the cache is not ours", "a.moreno@ops1", "J. Doe", "unverified name"),
    )


def test_the_second_name_is_another_accounts_and_says_whether_anything_here_knows_it(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [("root", 0, "root", "/bin/bash"), ("kim", 1001, "Kim Lee,,,", "/bin/sh"), ("sync", 4, "", "/bin/false")]
    made = [pwd.struct_passwd((name, "x", uid, uid, full, "/", shell)) for name, uid, full, shell in people]
    monkeypatch.setattr(pwd, "getpwall", lambda: made)
    assert same_person("Kim Lee", "kim@ops1")
    assert all(same_person(second, "kim (sudo)@ops1") for second in ("kim", "root", "K.I.M", "kim lee", "Kim (CTO)"))
    assert same_person("abaco", "kim (as abaco)@ops1")
    assert not same_person("J. Doe", "kim (sudo)@ops1")
    names = ("Kim Lee", "CTO", "cto", "J. Doe", "sync")
    known = [_known(deployment, name) for name in names]
    assert known == ["account", "contact", "contact", "unverified name", "unverified name"]
    assert Waiver("logs_clean", "so", "root@ops1", "J. Doe", known[3]).names == "root@ops1 and J. Doe (unverified name)"


def test_nothing_is_decided_before_its_time_nor_twice_nor_where_nothing_is_watched(night: Night) -> None:
    with pytest.raises(Refused, match="no cutover is watched"):
        say(night, "hour-1")
    night.begin()
    with pytest.raises(Refused, match="is not due before"):
        say(night, "hour-1")
    night.hours(1.2)
    with pytest.raises(Refused, match="there is no gate 'hour-2'"):
        say(night, "hour-2")
    say(night, "hour-1")
    with pytest.raises(Refused, match=r"was decided go by a\.moreno@ops1"):
        say(night, "hour-1", "no-go")


def test_without_a_fresh_sample_no_gate_passes_and_a_no_go_still_can_be_said(night: Night) -> None:
    night.begin()
    night.hours(1.2)
    night.clock.advance(60)
    with pytest.raises(Refused, match="nothing is judged without a fresh sample"):
        say(night, "hour-1")
    say(night, "hour-1", "no-go", note="nobody can see anything")
    assert facts_now(night.deployment).decisions[-1].note == "nobody can see anything"


def test_a_no_go_extends_the_watch_and_the_gate_is_asked_again(night: Night) -> None:
    night.begin()
    night.hours(1.2)
    say(night, "hour-1", "no-go")
    found = gate(night.ticks(1), "hour-1")
    assert found.state == "extended"
    assert found.due_at - facts_now(night.deployment).cutover_at == timedelta(seconds=2 * HOUR)
    assert gate(night.hours(1), "hour-1").state in ("due", "overdue")


def test_until_hour_eight_is_passed_the_close_cadence_is_kept(night: Night) -> None:
    night.begin()
    night.hours(1.2)
    say(night, "hour-1")
    night.hours(8.6 - 1.2)
    assert any("T+8:30" in line for line in night.log())
    say(night, "hour-8")
    night.hours(1.0)
    assert not any("T+9" in line for line in night.log() if "validation" not in line)


def test_memory_that_rose_since_hour_one_fails_what_it_must(night: Night) -> None:
    night.stage.pids = (os.getpid(),)  # larger than 20 MB in any case
    night.begin()
    night.hours(8.3)
    standing = night.monitor._standing
    first = msgspec.structs.replace(standing.now.first, resident_mb=10.0)
    standing.now = msgspec.structs.replace(standing.now, first=first)
    found = criterion(night.ticks(1), "medians_within_5_percent_of_hour_1")
    assert found.status == "not met"
    assert "in hour 2, 10 in hour 1" in found.evidence


def test_a_missed_hour_is_no_pass_and_a_later_night_counts_the_newest(night: Night) -> None:
    night.begin()
    night.hours(2.2)
    night.clock.advance(2 * HOUR)
    night.restart()
    night.hours(8.6 - 4.2)
    found = criterion(night.ticks(1), "hourly_8_of_8")
    assert found.status == "not met"
    assert "T+3 MISSED" in found.evidence
    assert criterion(night.hours(3), "hourly_8_of_8").status == "met"


def test_time_that_nobody_watched_is_unknown_and_never_up(night: Night) -> None:
    night.begin()
    night.hours(1)
    for name in ("hour-1", "hour-8"):
        night.go(name)
    assert criterion(night.ticks(1), "uptime_100").status == "met"
    night.clock.advance(5)
    night.restart()
    found = criterion(night.ticks(2), "uptime_100")
    assert found.status == "unknown"
    assert "unwatched 6.0 s" in found.evidence


def test_another_release_in_its_place_is_time_down(night: Night) -> None:
    night.begin()
    for name in ("hour-1", "hour-8"):
        night.go(name)
    night.start("v1")
    found = criterion(night.ticks(3), "uptime_100")
    assert (found.status, "down 3" in found.evidence) == ("not met", True)


def test_another_process_is_a_restart_and_no_uptime(night: Night) -> None:
    night.begin()
    for name in ("hour-1", "hour-8"):
        night.go(name)
    night.hours(0.5)
    night.start("v2")
    found = criterion(night.ticks(2), "uptime_100")
    assert (found.status, "1 restart" in found.evidence) == ("not met", True)


def test_errors_count_over_the_whole_watch_not_the_last_minutes(night: Night) -> None:
    night.begin()
    night.ticks(1, errors=30)
    found = criterion(night.hours(1.5), "errors_below_0_1")
    assert found.status == "not met"
    assert criterion(night.hours(2), "errors_below_0_1").status == "met"


def test_a_run_without_events_is_a_gap_for_good(night: Night) -> None:
    night.begin()
    for name in ("hour-1", "hour-8"):
        night.go(name)
    night.ticks(1, events=False)
    found = criterion(night.hours(1.2), "audit_continuous")
    assert (found.status, "1 did not" in found.evidence) == ("not met", True)


def test_a_run_that_failed_is_no_clean_log(night: Night) -> None:
    night.begin()
    night.ticks(1, status="error", error="no tape")
    found = criterion(night.ticks(2), "logs_clean")
    assert (found.status, "0 error lines; 1 of " in found.evidence) == ("not met", True)


def test_a_critical_tier_since_the_cutover_is_remembered_when_it_has_cleared(night: Night) -> None:
    night.begin()
    night.go("hour-1")
    night.ticks(2, errors=900)
    evaluation = night.hours(2.4)
    assert evaluation.verdict.word == "CONTINUE"
    found = criterion(evaluation, "no_critical_event")
    assert found.status == "not met"
    assert "ERR" in found.evidence


def test_the_releases_tests_run_before_the_gate_that_asks_and_their_failure_stops_it(night: Night) -> None:
    night.begin()
    night.tests_ok = False
    for name in ("hour-1", "hour-8"):
        night.go(name)
    night.clock.advance(22.5 * HOUR)
    assert criterion(night.ticks(1), "tests_pass", "hour-24").so_far
    found = criterion(night.hours(1.8), "tests_pass", "hour-24")
    assert (found.status, found.evidence.startswith("FAILED: 1 failed")) == ("not met", True)


def test_a_criterion_that_the_program_does_not_know_stays_unknown(deployment: Deployment, clock: Any) -> None:
    path = deployment.paths.config / "checklist.yml"
    path.write_text(path.read_text().replace("go_if: [validation_5_of_5,", "go_if: [the_moon_is_full,"))
    night = Night(deployment, clock)
    night.begin()
    found = criterion(night.hours(1.2), "the_moon_is_full")
    assert (found.status, "a person looks" in found.evidence) == ("unknown", True)
    night.monitor.stop()


def test_day_seven_asks_for_every_line_after_day_one(night: Night) -> None:
    night.begin()
    for name in ("hour-1", "hour-8", "hour-24"):
        night.go(name)
    night.clock.advance(30 * HOUR)
    found = criterion(night.ticks(1), "checklist_done")
    assert found.status == "not met"
    assert "week1/100800/latency" in found.evidence
    assert "after T+24, to day 7" in found.evidence


def test_a_rollback_ends_the_gates(night: Night) -> None:
    night.begin()
    night.hours(1.2)
    night.roll_back()
    assert night.ticks(1).gates == ()
    with pytest.raises(Refused, match="no cutover is watched"):
        say(night, "hour-1")


def test_one_person_is_known_by_any_spelling() -> None:
    assert same_person("A.Moreno", "a.moreno@ops1")
    assert same_person("a moreno", "A. Moreno")
    assert not same_person("J. Doe", "a.moreno@ops1")


def test_no_gate_passes_while_the_verdict_is_roll_back_or_investigate_unless_two_people_waive_that(
    night: Night,
) -> None:
    night.begin()
    night.hours(1.2)
    evaluation = night.ticks(2, errors=900)  # every other line of this gate is waived below: the verdict alone is left
    assert evaluation.verdict.word in ("INVESTIGATE", "ROLL BACK")
    verdict = criterion(evaluation, "verdict", at="hour-1")
    assert (verdict.status, verdict.evidence) == (
        "not met",
        f"{evaluation.verdict.word}: {evaluation.verdict.why}",
    )
    against = [one.id for one in gate(evaluation, "hour-1").criteria if one.status != "met"]
    others = [Waiver(name, "seen", "", "J. Doe") for name in against if name != "verdict"]
    with pytest.raises(Refused, match=f"verdict not met: {evaluation.verdict.word}: "):
        say(night, "hour-1", waivers=others)
    say(night, "hour-1", waivers=[*others, Waiver("verdict", "a test tape", "", "J. Doe")])
    assert facts_now(night.deployment).decisions[-1].waivers[-1].criterion == "verdict"


def test_watch_stands_in_no_gates_way(night: Night) -> None:
    night.begin()
    night.hours(1.2)
    evaluation = night.ticks(1, errors=30)
    assert evaluation.verdict.word == "WATCH"
    assert "verdict" not in statuses(evaluation, "hour-1")


def test_of_two_who_decide_at_once_the_second_finds_what_the_first_decided(
    night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    night.begin()
    night.hours(1.2)
    begun, refused = threading.Event(), []

    def second() -> None:
        begun.set()
        try:
            say(night, "hour-1")
        except Refused as error:
            refused.append(error.what)

    other, record = threading.Thread(target=second), deciding.append_event

    def while_the_second_tries(*given: Any, **more: Any) -> Any:
        assert is_locked(night.deployment.paths.decision_lock), "checked and recorded are one"
        if not begun.is_set():
            other.start()
            begun.wait()
        return record(*given, **more)

    monkeypatch.setattr(deciding, "append_event", while_the_second_tries)
    say(night, "hour-1", "no-go", note="not yet")
    other.join()
    assert [one.decision for one in facts_now(night.deployment).decisions] == ["no-go"]
    assert "is not due before" in refused[0]


def test_who_cannot_decide_because_another_does_is_told_so(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    night.begin()
    night.hours(1.2)
    monkeypatch.setattr(deciding, "DECISION_WAIT", 0.0)
    with FileLock(night.deployment.paths.decision_lock) as lock:
        assert lock.acquire()
        with pytest.raises(LockHeld, match="somebody else decides"):
            say(night, "hour-1")
