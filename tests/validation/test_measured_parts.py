"""The parts of performance, error handling, audit trail and published files: failing, holding, and not run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from production import Production

from engine.validation.checks.audit_trail import check_audit
from engine.validation.checks.error_handling import check_errors
from engine.validation.checks.performance import check_performance
from engine.validation.evidence import Evidence, gather
from engine.validation.model import Check, Part
from engine.validation.program import ProgramFailed


def evidence(production: Production) -> Evidence:
    where = (production.deployment, production.release, production.not_running, production.tape)
    return gather(*where, production.clock, production.clock.advance)


def parts(production: Production, check: Callable[[Evidence], Check]) -> dict[str, Part]:
    return {part.name: part for part in check(evidence(production)).parts}


def said(found: dict[str, Part]) -> dict[str, str]:
    return {name: part.status for name, part in found.items()}


def errors(found: Evidence) -> Check:
    return check_errors(found, ProgramFailed("it gave no answer", ""))


def test_each_speed_has_its_limit_and_its_verdict(production: Production) -> None:
    production.release = "v1"
    for _ in range(5):
        production.run(latency_ms=20.0)
    production.release = "v2"
    for _ in range(3):
        production.run(latency_ms=50.0)
    found = parts(production, check_performance)
    assert said(found) == {"E2E": "PASS", "LAT": "FAIL", "THR": "FAIL"}
    assert found["LAT"].limit.startswith("WARN beyond 100, FAIL beyond 500")
    production.run(latency_ms=0.1)
    assert said(parts(production, check_performance))["LAT"] == "FAIL"  # the median of the runs


@pytest.mark.parametrize(("release", "why"), [("v1", "the old release runs"), ("v2", "there is nothing to compare")])
def test_a_throughput_without_a_baseline_says_why(production: Production, release: str, why: str) -> None:
    production.release = release
    production.run()
    found = parts(production, check_performance)
    assert (found["THR"].status, found["THR"].summary) == ("NOT RUN", why)


def test_without_a_run_no_speed_is_silent(production: Production) -> None:
    production.deployment.paths.runs.unlink()
    found = parts(production, check_performance)
    assert set(said(found).values()) == {"NOT RUN"}
    assert found["E2E"].summary == "v2 has no finished run to measure"
    production.not_running = "no release runs"
    assert {part.summary for part in parts(production, check_performance).values()} == {"no release runs"}
    assert set(parts(production, check_audit)) == {
        *("chain", "last_run_events", "earlier_events", "last_run_build"),
    }


def test_an_error_rate_has_its_limit_and_its_counts(production: Production) -> None:
    production.run(errors=30)
    found = parts(production, errors)["error_rate"]
    assert (found.status, found.count, found.of) == ("FAIL", 30, 120)
    assert found.limit.startswith("WARN beyond 0.1, FAIL beyond 5")


def test_edge_cases_without_an_answer_and_a_rate_of_few_rows_say_why(production: Production) -> None:
    assert parts(production, errors)["edge_cases"].summary == "the release's KPI program gave no answer"
    production.deployment.paths.runs.unlink()
    assert parts(production, errors)["error_rate"].summary == "v2 has no run to count errors in"
    production.run(rows=3)
    assert parts(production, errors)["error_rate"].summary == "LOW VOLUME: 3 rows say nothing about a rate"


def test_an_edge_case_that_was_answered_otherwise_is_shown(production: Production) -> None:
    production.use_program("nulls-undefined")
    found = {part.name: part for part in production.validate().checks["error_handling"].parts}["edge_cases"]
    assert (found.status, found.count, found.of) == ("FAIL", 1, 10)
    assert found.rows[0].name == "nulls"


def test_events_that_are_missing_are_counted_by_run(production: Production) -> None:
    production.run(events=False)
    production.run()
    found = parts(production, check_audit)
    assert said(found) == {
        **{"chain": "PASS", "last_run_events": "PASS", "earlier_events": "WARN", "last_run_build": "PASS"},
    }
    assert (found["earlier_events"].count, found["earlier_events"].of) == (1, 2)
    assert found["earlier_events"].rows[0].name == "run00001"
    production.run(events=False)
    assert said(parts(production, check_audit))["last_run_events"] == "FAIL"


def test_behind_a_broken_chain_no_question_is_silent(production: Production) -> None:
    events = production.deployment.paths.events
    events.write_bytes(events.read_bytes().replace(b"run00000", b"run00009", 1))
    found = parts(production, check_audit)
    assert found.pop("chain").status == "FAIL"
    assert set(said(found).values()) == {"NOT RUN"}


def test_a_lost_output_is_counted_and_named(production: Production) -> None:
    def outputs() -> Part:
        return {part.name: part for part in production.integrity().parts}["outputs"]

    assert outputs().status == "PASS"
    production.output(".csv").unlink()
    found = outputs()
    assert (found.status, found.count) == ("FAIL", 1)
    assert "was published and cannot be read" in found.rows[0].text
    production.deployment.paths.runs.unlink()
    assert (outputs().status, outputs().summary) == ("NOT RUN", "v2 has not published anything yet")
