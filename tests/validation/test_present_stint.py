"""What a release did before the cutover that last brought it into service is not counted against it."""

from __future__ import annotations

from typing import Any

import pytest
from production import Production, statuses

from engine.clock import iso
from engine.records import append_line

ERRORS, AUDIT = "error_handling", "audit_trail"
PROCESS = {"pid": 4712, "start_time": 2_000, "boot_id": "a boot"}
"""Started 20 s after the boot."""


def begins(production: Production, operation: str, step: str, **more: Any) -> None:
    """The journal of an operation says that it is about to start a release."""
    journal = production.deployment.paths.operation(operation) / "journal.jsonl"
    journal.parent.mkdir(parents=True, exist_ok=True)
    record = {"at": iso(production.clock.wall), "boot": 19.5, "boot_id": "another boot", "kind": "intent"}
    append_line(journal, {**record, "step": step, **more})
    production.clock.advance(1)


@pytest.fixture
def again(production: Production) -> Production:
    """A release whose stint before the present one was bad: rows rejected, and no events left."""
    begins(production, "0002-cutover", "start_new")
    for _ in range(4):
        production.run(errors=30, events=False)
    begins(production, "0003-rollback", "start_old")
    begins(production, "0004-cutover", "start_new")
    production.incarnation = PROCESS
    return production


def test_a_release_cut_over_to_again_is_not_judged_by_its_stint_before(again: Production) -> None:
    again.run()
    report = again.validate()
    assert statuses(report) == {}
    assert report.checks[ERRORS].figures["runs"] == 1
    assert report.checks[ERRORS].figures["runs_before"] == 5
    assert ", counted since " in report.checks[ERRORS].summary


def test_errors_of_the_present_stint_count_and_say_from_when(again: Production) -> None:
    again.run(errors=30)
    report = again.validate()
    assert statuses(report) == {ERRORS: "FAIL"}
    assert "(30 of 60 rows, counted since " in report.issues[0]


def test_a_restart_within_the_stint_wipes_nothing_out(again: Production) -> None:
    again.run(errors=30, events=False)
    again.incarnation = PROCESS | {"pid": 4713, "start_time": 9_000}  # its supervisor started it again
    again.run()
    assert statuses(again.validate()) == {ERRORS: "FAIL", AUDIT: "WARN"}


def test_going_on_with_the_cutover_begins_no_new_stint(again: Production) -> None:
    again.run(errors=30)
    begins(again, "0004-cutover", "start_new")
    again.run()
    assert statuses(again.validate()) == {ERRORS: "FAIL"}


def test_a_stint_without_a_run_yet_is_not_judged_by_the_run_before_it(again: Production) -> None:
    assert again.validate().checks[AUDIT].issues[0].startswith("v2 has no finished run, counted since ")


def test_within_one_boot_a_process_tells_its_stint_though_the_clock_was_set_back(production: Production) -> None:
    begins(production, "0002-cutover", "start_new", boot_id="a boot")
    production.incarnation = PROCESS
    production.clock.wall -= production.clock.wall - production.clock.wall.replace(hour=0, minute=0)
    production.run(errors=30)
    assert statuses(production.validate()) == {ERRORS: "FAIL"}


def test_a_rollback_from_a_release_that_never_started_begins_no_stint(production: Production) -> None:
    production.release = "v1"
    production.use_program("none", "v1")
    production.run(errors=30)
    journal = "0003-rollback"
    begins(production, journal, "start_old")
    append_line(
        production.deployment.paths.operation(journal) / "journal.jsonl",
        {"kind": "fact", "name": "abort_only", "value": True},
    )
    production.run()
    assert production.validate().checks[ERRORS].status == "FAIL"
