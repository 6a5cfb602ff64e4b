"""What cannot be judged is NOT RUN or ERROR, never PASS."""

from __future__ import annotations

import pytest
from production import Production, statuses

import engine.validation.checks.performance as performance

KPI, DATA, SPEED, AUDIT = "kpi_calculations", "data_integrity", "performance", "audit_trail"


def test_nothing_running_is_not_run_and_no_pass(production: Production) -> None:
    production.not_running = "no release runs: it was stopped"
    report = production.validate()
    assert statuses(report) == {KPI: "NOT RUN", SPEED: "NOT RUN"}
    assert report.status == "NOT RUN"


def test_a_damaged_run_record_of_the_past_is_an_error_of_what_looks_at_the_past(production: Production) -> None:
    path = production.deployment.paths.runs
    path.write_bytes(b'{"garbage\n' + path.read_bytes())
    report = production.validate()
    assert statuses(report) == {DATA: "ERROR", SPEED: "ERROR", AUDIT: "ERROR"}
    assert "1 of" in report.issues[0] and "are no run records" in report.issues[0]


def test_a_damaged_record_that_may_hide_the_newest_run_leaves_the_kpis_unjudged_too(production: Production) -> None:
    with production.deployment.paths.runs.open("a") as stream:
        stream.write('{"release": "v2"}\n')
    report = production.validate()
    assert statuses(report) == {KPI: "ERROR", DATA: "ERROR", SPEED: "ERROR", AUDIT: "ERROR"}


def test_a_tape_that_is_none_fails_what_depends_on_it(production: Production) -> None:
    production.tape.write_text("a,b\n1,2,3\n")
    report = production.validate()
    assert report.checks[DATA].status == "FAIL"
    assert report.checks[KPI].status == "FAIL"
    assert report.checks[AUDIT].status == "PASS"


def test_a_check_that_breaks_by_itself_is_an_error(production: Production, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(evidence: object) -> None:
        raise ZeroDivisionError("a mistake of our own")

    monkeypatch.setattr(performance, "check_performance", broken)
    report = production.validate()
    assert statuses(report) == {SPEED: "ERROR"}
    assert report.status == "ERROR"
