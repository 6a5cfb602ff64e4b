"""What stands in a report, and that nothing is said to be well that is not known."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import msgspec
import night_on_record
import pytest
from msgspec.structs import replace
from night_on_record import HOUR, Night, alert, fires
from reading import chapter, made, records, rows

from engine.errors import Refused


def criterion(markdown: str, name: str, gate: str = "hour-24") -> list[str]:
    return next(row for row in rows(markdown, f"Criteria of the {gate} gate") if row[0] == name)


def test_on_top_stand_verdict_decision_risk_and_next_action(night: Night) -> None:
    night.whole()
    top = made(night, "24h")[0].partition("\n## ")[0]
    assert "| **Verdict** | **CONTINUE** |" in top
    assert "| **Decision** | hour-24 gate: go or no-go. No decision is recorded. |" in top
    assert "| **Risk** | unknown: tests pass;" in top
    assert "| **Next action** | extend the watch, escalate; or waive with two names: tests pass. |" in top


def test_every_slot_of_a_good_night_is_counted(night: Night) -> None:
    night.whole()
    markdown, _ = made(night, "24h")
    assert criterion(markdown, "hourly 24 of 24")[1:3] == ["met", "24 of 24 PASS"]
    assert "24 slots due of 24: 24 PASS." in chapter(markdown, "Validations by the hour")


@pytest.mark.parametrize(("status", "word"), [("WARN", "WARN"), ("FAIL", "FAIL"), (None, "MISSED")])
def test_a_slot_that_did_not_pass_is_no_pass(night: Night, status: str | None, word: str) -> None:
    night.cut_over()
    for number in range(24):
        night.hour(status if number == 4 else "PASS")
    night.measure(30.0)
    markdown, _ = made(night, "24h")
    assert criterion(markdown, "hourly 24 of 24")[1:3] == ["not met", f"23 of 24 PASS: T+5 {word}"]
    assert ["T+5", word] == [
        rows(markdown, "Validations by the hour")[5][0],
        rows(markdown, "Validations by the hour")[5][2],
    ]


def test_the_slot_of_the_moment_counts_by_the_validation_that_served_it(night: Night) -> None:
    night.cut_over()
    for _ in range(7):
        night.hour()
    night.hour(None)
    night.clock.advance(1.0)
    assert criterion(made(night, "8h")[0], "hourly 8 of 8", "hour-8")[1:3] == ["unknown", "7 of 8 PASS: T+8 awaited"]
    night.validate()
    assert criterion(made(night, "8h")[0], "hourly 8 of 8", "hour-8")[1] == "unknown", "the monitor has not read it yet"
    night.measure(30.0)
    assert criterion(made(night, "8h")[0], "hourly 8 of 8", "hour-8")[1:3] == ["met", "8 of 8 PASS"]


def test_what_comes_after_the_moment_changes_nothing_that_was_found_at_it(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.measure(3.0)
    first = made(night, "1h")
    assert criterion(first[0], "latency below 100", "hour-1")[1] == "met"
    assert criterion(first[0], "validation 5 of 5", "hour-1")[1] == "met", "the validation of its slot ended after it"
    quiet = tuple(
        replace(one, level="stale", reason="last value 18 s ago") if one.id == "LAT" else one
        for one in night.evaluation().conditions
    )
    night.measure(30.0, conditions=quiet)
    night.validate("FAIL", performance="FAIL")
    night.measure(3.0, conditions=quiet)
    assert made(night, "1h") == first


def test_a_gate_that_is_overdue_is_the_decision_of_now(night: Night) -> None:
    night.cut_over()
    night.hour()
    assert "None now" not in made(night, "now")[0]
    night.measure(60.0)
    assert "hour-1 gate: go or no-go, OVERDUE since 31 Jan" in made(night, "now")[0]


def test_the_next_action_is_the_one_that_fits_what_was_found(night: Night) -> None:
    night.cut_over()
    rows_then = tuple(
        replace(one, action="abaco-ops service status v2") if one.verdict == "UNKNOWN" else one
        for one in night.evaluation().matrix
    )
    night.measure(HOUR / 2, word="UNKNOWN", why="v2 is silent", matrix=rows_then)
    markdown = made(night, "now")[0]
    assert "UNKNOWN: abaco-ops service status v2" in markdown and "restore monitoring" not in markdown


def test_a_gate_that_lies_ahead_is_no_decision_of_now(night: Night) -> None:
    night.cut_over()
    night.measure(HOUR / 2)
    assert "None now. Next: hour-1 gate at" in made(night, "now")[0]


def test_a_slot_whose_validation_failed_counts_by_its_re_run(night: Night) -> None:
    night.cut_over()
    night.hour("FAIL")
    night.measure(3.0)
    assert rows(made(night, "1h")[0], "Validations by the hour")[1][2] == "FAIL"
    assert criterion(made(night, "1h")[0], "validation 5 of 5", "hour-1")[1] == "not met"
    night.validate(occasion="change")
    assert rows(made(night, "1h")[0], "Validations by the hour")[1][2] == "FAIL", "that one looked at another tape"
    night.validate(occasion="again")
    night.measure(3.0)
    assert rows(made(night, "1h")[0], "Validations by the hour")[1][2] == "PASS"
    assert criterion(made(night, "1h")[0], "validation 5 of 5", "hour-1")[1] == "met"


def test_what_the_monitor_did_not_judge_is_unknown(night: Night) -> None:
    night.cut_over()
    for number in range(8):
        night.hour(sampled=number < 6)
    markdown, _ = made(night, "8h")
    assert criterion(markdown, "no critical event", "hour-8")[1] == "unknown"
    assert "**UNKNOWN**" in markdown
    assert "nothing was measured near this moment" in markdown


def test_a_decision_made_after_the_moment_stands_with_its_names_and_waivers(night: Night) -> None:
    night.whole()
    waiver = {"criterion": "tests_pass", "reason": "run on staging", "by": "K. Lee", "second": "V. President"}
    night.event(
        "gate.decided",
        gate="hour-24",
        decision="go",
        by="K. Lee",
        note="all calm",
        criteria={"hourly_24_of_24": "met", "tests_pass": "unknown"},
        waivers=[waiver],
    )
    markdown, _ = made(night, "24h")
    assert "hour-24 gate: GO, decided by K. Lee" in markdown
    assert criterion(markdown, "tests pass")[4] == "waived by K. Lee and V. President: run on staging"
    assert criterion(markdown, "audit continuous")[1] == "met", "what the decision does not name, the monitor judged"
    assert any("waiver" in row and "K. Lee and V. President" in row for row in rows(markdown, "Waivers and overrides"))


def test_the_evidence_recorded_with_a_decision_is_shown_and_not_what_came_later(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.measure(10.0)
    recorded = {"latency_below_100": "LAT 0.7 ms", "memory_below_200": "MEM 240 MB"}
    status = {"latency_below_100": "met", "memory_below_200": "not met"}
    night.event("gate.decided", gate="hour-1", decision="no-go", by="K. Lee", criteria=status, evidence=recorded)
    night.hour()
    markdown, _ = made(night, "1h")
    assert criterion(markdown, "memory below 200", "hour-1")[1:3] == ["not met", "MEM 240 MB"]
    assert criterion(markdown, "latency below 100", "hour-1")[1:3] == ["met", "LAT 0.7 ms"]


def test_a_no_go_says_to_when_the_watch_is_extended_and_a_later_go_stands_beside_it(night: Night) -> None:
    night.whole()
    night.event("gate.decided", gate="hour-24", decision="no-go", by="K. Lee", note="memory first")
    top = made(night, "24h")[0].partition("\n## ")[0]
    assert "hour-24 gate: NO-GO, decided by K. Lee" in top and ": memory first; extended, asked again 31 Jan " in top
    night.hour()
    night.event("gate.decided", gate="hour-24", decision="go", by="A. Moreno")
    markdown, _ = made(night, "24h")
    assert "hour-24 gate: GO, decided by A. Moreno" in markdown.partition("\n## ")[0]
    told = [row[1] for row in rows(markdown, "Criteria of the hour-24 gate") if row[1] in ("GO", "NO-GO")]
    assert told == ["NO-GO", "GO"]


def test_uptime_tests_and_medians_are_the_monitors_own_findings(night: Night) -> None:
    night.cut_over()
    for number in range(24):
        if number == 23:
            night.event("release.tested", release="v2", build="c03d77aa", ok=True)
        night.hour()
    night.measure(30.0)
    markdown, _ = made(night, "24h")
    assert criterion(markdown, "tests pass")[1] == "met" and "passed, 31 Jan" in criterion(markdown, "tests pass")[2]
    assert criterion(markdown, "uptime 100")[1:3] == ["met", "100 % seen up of 1h00"]
    medians = criterion(made(night, "8h")[0], "medians within 5 percent of hour 1", "hour-8")
    assert medians[1] == "met" and "7 of 7 hours" in medians[2]


def test_a_waiver_without_a_second_name_says_so(night: Night) -> None:
    night.whole()
    night.event("gate.decided", gate="hour-24", decision="go", waivers=[{"criterion": "tests_pass", "by": "K. Lee"}])
    assert "K. Lee and NO SECOND NAME" in made(night, "24h")[0]


def test_every_gap_is_listed(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.hour(None, sampled=False)
    night.event("monitor.suspended", seconds=HOUR)
    night.event("clock.stepped", seconds=-90.0)
    night.event("schedule.missed", slot=2, name="T+2")
    night.event("schedule.late", slot=3, name="T+3")
    for _ in range(6):
        night.hour()
    found = {row[2]: row for row in rows(made(night, "8h")[0], "Gaps") if len(row) == 5}
    assert found["no samples"][3] == "2m"
    assert found["the monitor was stopped or the machine suspended"][3] == "2m"
    assert found["the clock stepped"][3] == "-90 s"
    assert found["validation slot missed"][4] == "T+2"
    assert found["validation began late"][4] == "T+3"


def test_a_late_validation_is_late_though_it_passed(night: Night) -> None:
    night.cut_over()
    night.measure(HOUR)
    night.event("schedule.late", slot=1, name="T+1")
    night.validate()
    night.measure(10.0)
    assert rows(made(night, "1h")[0], "Validations by the hour")[1][2] == "LATE PASS"


def test_the_checklist_says_who_when_and_what_was_measured(night: Night) -> None:
    night.cut_over()
    night.measure(HOUR + 10)
    night.event("checklist.done", key="hour1/3600/logs", measured="", note="read, clean")
    night.event("checklist.overridden", key="hour1/3600/kpis", measured="missing", note="checked by hand")
    for _ in range(7):
        night.hour()
    markdown, _ = made(night, "8h")
    done = next(row for row in rows(markdown, "Checklist") if row[1] == "logs clean" and row[2] == "done")
    assert (done[5], done[6]) == ("A. Moreno", "read, clean") and done[4].startswith("31 Jan ")
    assert any("override" in row and "checked by hand" in row for row in rows(markdown, "Waivers and overrides"))
    assert any(row[2] == "missed" and "log scan" in row[1] for row in rows(markdown, "Checklist"))


def test_alerts_stand_with_who_took_them_and_that_nobody_did(night: Night) -> None:
    night.cut_over()
    since = night.clock.now().wall
    conditions = fires("MEM", night.evaluation().conditions)
    night.hour(word="INVESTIGATE", why="MEM", conditions=conditions, alerts=(alert("MEM", since), alert("LAT", since)))
    night.event("ack", condition="MEM", reason="looking", owner="K. Lee")
    for _ in range(7):
        night.hour()
    markdown, _ = made(night, "8h")
    by_name = {row[0]: row for row in rows(markdown, "Alerts and acknowledgements")}
    assert by_name["MEM"][4].startswith("K. Lee ") and by_name["LAT"][4] == "nobody"
    assert criterion(markdown, "no critical event", "hour-8")[2].startswith("1 since the cutover: ")


def test_both_releases_stand_side_by_side(night: Night) -> None:
    night.cut_over()
    night.measure(HOUR / 2)
    night.shadow()
    night.measure(HOUR / 2 + 10)
    par30 = next(row for row in rows(made(night, "1h")[0], "KPIs") if row[0] == "PAR30")
    assert par30[1:6] == ["2.21 %", "2.2 %", "+0.00", "2.2 %", "+0.01 (0.45 %)"]


def test_what_rounding_sets_apart_is_said_to_be_no_variance(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = night_on_record._kpi
    monkeypatch.setattr(night_on_record, "_kpi", lambda *of: msgspec.structs.replace(plain(*of), agrees=True))
    night.cut_over()
    night.measure(HOUR / 2)
    night.shadow()
    night.measure(HOUR / 2 + 10)
    par30 = next(row for row in rows(made(night, "1h")[0], "KPIs") if row[0] == "PAR30")
    assert par30[5] == "+0.01 (0.45 %), rounding: no variance"


def test_the_files_are_cited_with_their_hashes(night: Night) -> None:
    night.whole()
    cited = {row[0]: row[3] for row in rows(made(night, "24h")[0], "Evidence") if len(row) == 4}
    journal = night.paths.operation("0001-cutover") / "journal.jsonl"
    assert cited[".rollback/operations/0001-cutover/journal.jsonl"] == hashlib.sha256(journal.read_bytes()).hexdigest()
    assert (
        cited["audit trail"]
        == json.loads([line for line in night.paths.events.read_text().splitlines() if line][-2])["hash"]
    ), "the last event of all, the 24th validation, came a moment after the moment"


def test_an_incident_says_what_failed_what_was_restored_and_what_to_replay(night: Night) -> None:
    night.cut_over()
    night.hour(word="ROLL BACK", why="ERR 7.40 %, above 5 for 6m")
    night.incident()
    markdown, _ = made(night, None)
    told = dict(row for row in rows(markdown, "The incident") if len(row) == 2)
    assert told["zero loss"] == "nothing is lost"
    assert (told["found in the restored tree"], told["found in the side snapshot"][:2]) == ("18", "42")
    assert "verdict ROLL BACK: ERR 7.40 %, above 5 for 6m" in chapter(markdown, "What happened")
    assert "data/metrics/kpis_v2_000001.json" in chapter(markdown, "For replay")
    assert "below .rollback/snapshots/0003/tree" in chapter(markdown, "For replay")


def test_an_incident_that_lost_something_says_so_on_top(night: Night) -> None:
    night.cut_over()
    night.incident(
        proof={"files": 2, "in_restored": 1, "in_set_aside": 0, "missing": ["data/a.csv"], "complete": False}
    )
    markdown, _ = made(night, "incident")
    assert "Zero loss: NOT EVERYTHING IS THERE" in markdown.partition("\n## ")[0]
    assert "data/a.csv" in chapter(markdown, "The incident")


def test_a_moment_that_has_not_come_is_refused_with_its_time(night: Night) -> None:
    night.cut_over()
    night.measure(60.0)
    with pytest.raises(Refused, match="hour 24 comes at 31 Jan"):
        made(night, "24h")


def test_an_hour_that_the_rollback_came_before_never_came(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.incident()
    night.clock.advance(24 * HOUR)
    made(night, "1h")
    with pytest.raises(Refused, match="hour 8 never came: 0002-rollback went back"):
        made(night, "8h")


def test_the_report_that_is_due_is_the_newest_decision_point(night: Night) -> None:
    night.cut_over()
    for _ in range(9):
        night.hour()
    assert made(night, None)[0].startswith("# Hour 8 report")


def test_the_same_records_give_the_same_bytes_whenever_it_is_made(night: Night) -> None:
    night.whole()
    first = made(night, "8h")
    night.clock.advance(timedelta(days=1).total_seconds())
    night.event("note", text="a day later")
    night.event("report.written", report="8h", path="x", sha256="y")
    assert made(night, "8h") == first


def test_a_long_stretch_is_looked_at_in_steps_but_its_moment_exactly(night: Night, monkeypatch: Any) -> None:
    night.cut_over()
    for number in range(24):
        night.hour(word="WATCH" if number == 5 else "CONTINUE")
    monkeypatch.setattr("engine.reports.measured.FRAMES", 8)
    markdown, html = made(night, "24h")
    frames = records(html)["frames"]
    assert len(frames) < 16, "no more than asked for, the changes of the verdict, and the moment's own"
    assert "| **Verdict** | **CONTINUE** |" in markdown and "1 gap in what" in chapter(markdown, "Gaps")
    assert "WATCH" in records(html)["strings"]
    assert "may be missing here" in chapter(markdown, "Alerts and acknowledgements")


def test_a_slot_is_remembered_however_many_validations_came_after_it(night: Night) -> None:
    night.cut_over()
    for number in range(8):
        night.hour()
        for _ in range(60 if number else 0):
            night.validate(scheduled=False)
    night.measure(30.0)
    markdown, _ = made(night, "8h")
    assert criterion(markdown, "hourly 8 of 8", "hour-8")[2] == "8 of 8 PASS"


def test_a_rollback_that_stopped_half_way_is_an_incident_of_which_nothing_is_proven(night: Night) -> None:
    night.cut_over()
    night.hour()
    journal = night.begin("0002-rollback", ("stop_new",))
    journal.write("failed", step="stop_new", title="stop new", detail="v2 does not stop")
    journal.write("ended", state="NEEDS_HUMAN", failure="v2 does not stop")
    markdown, _ = made(night, None)
    assert markdown.startswith("# Incident 0002-rollback")
    assert "Zero loss: not proven: incident.json cannot be read" in markdown
    assert "NEEDS YOU" in chapter(markdown, "Operations") and "v2 does not stop" in chapter(markdown, "Operations")


def test_the_template_engine_is_loaded_only_when_a_report_is_made() -> None:
    program = "import tui.console, engine.reports.publish, sys; print('jinja2' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ended.stdout == "False\n"


def test_after_a_rollback_the_present_is_back_on_v1(night: Night) -> None:
    night.cut_over()
    night.hour()
    night.incident()
    night.clock.advance(60.0)
    top = made(night, "now")[0].partition("\n## ")[0]
    assert "| phase | BACK ON V1 |" in top and "since cutover" not in top
    assert "back on v1 since 31 Jan" in top


def test_no_line_of_a_plot_crosses_a_time_of_which_nothing_is_known(night: Night) -> None:
    night.cut_over()
    for number in range(8):
        night.hour(sampled=number != 4)
    night.clock.advance(1.0)
    drawing = made(night, "8h")[1].partition("<svg")[2].partition("</svg>")[0]
    # the cutover itself was not sampled either: it parts what was measured, the KPIs begin after it
    assert drawing.count('class="line"') == 4 * 3 + 4 * 2


def _decides(night: Night, gate: str, decision: str, *waived: str) -> None:
    waivers = [{"criterion": one, "reason": "on staging", "by": "K. Lee", "second": "V. President"} for one in waived]
    status = {"tests_pass": "unknown", "memory_within_10_percent": "met"}
    night.event("gate.decided", gate=gate, decision=decision, by="K. Lee", criteria=status, waivers=waivers)


@pytest.mark.parametrize("back", [False, True])
def test_every_decision_of_the_watch_stands_in_each_report_with_its_names_and_waivers(night: Night, back: bool) -> None:
    night.cut_over()
    for number in range(24):
        night.hour()
        if number == 1:
            _decides(night, "hour-1", "go", "logs_clean")
        if number == 8:
            _decides(night, "hour-8", "no-go")
            _decides(night, "hour-8", "go", "tests_pass")
    night.measure(30.0)
    _decides(night, "hour-24", "go", "tests_pass")
    if back:
        night.incident()
    markdown, _ = made(night, "incident" if back else "24h")
    found = [(row[1], row[2], row[4]) for row in rows(markdown, "Decisions")[1:]]
    assert found == [
        ("hour-1", "GO", "logs clean: K. Lee and V. President"),
        ("hour-8", "NO-GO", "nothing"),
        ("hour-8", "GO", "tests pass: K. Lee and V. President"),
        ("hour-24", "GO", "tests pass: K. Lee and V. President"),
    ]
    waived = [row[2] for row in rows(markdown, "Waivers and overrides")[1:]]
    assert waived == ["hour-1: logs clean", "hour-8: tests pass", "hour-24: tests pass"]
