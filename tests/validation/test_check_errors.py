"""error_handling: what breaks it, and that nothing else fails with it."""

from __future__ import annotations

import sys

import pytest
from production import Production, statuses

from engine.config import load_deployment

ERRORS = "error_handling"


@pytest.mark.parametrize(
    ("fault", "cases"),
    [
        ("nulls-undefined", {"nulls"}),
        ("zero-is-zero", {"zero_denominators", "null_denominators"}),
        ("text-is-zero", {"text_in_numbers"}),
        ("inf-passes", {"infinities"}),
        ("all-dates", {"earlier_date_last"}),
        ("no-error", {"no_such_file"}),
        ("no-reason", {"empty", "missing_column", "text_in_numbers", "infinities", "zero_denominators"}),
    ],
)
def test_a_program_that_errs_on_an_edge_case_fails_error_handling_alone(
    production: Production, fault: str, cases: set[str]
) -> None:
    production.use_program(fault)
    report = production.validate()
    assert statuses(report) == {ERRORS: "FAIL"}
    named = {issue.removeprefix("edge case ").partition(":")[0] for issue in report.checks[ERRORS].issues}
    assert cases <= named
    assert "sound" not in named


@pytest.mark.parametrize(("fault", "said"), [("crash", "no figures today"), ("silent", "answered 0 of 10 tapes")])
def test_a_program_that_does_not_answer_fails_error_handling_alone(
    production: Production, fault: str, said: str
) -> None:
    production.use_program(fault)
    report = production.validate()
    assert statuses(report) == {ERRORS: "FAIL"}
    assert said in report.issues[0]


def test_a_program_that_hangs_is_killed_at_its_deadline(production: Production) -> None:
    console = production.deployment.root / "config/console.yml"
    console.write_text(console.read_text().replace("command_deadline: 10s", "command_deadline: 500ms"))
    production.use_program("slow")
    report = production.validate()
    assert statuses(report) == {ERRORS: "FAIL"}
    assert "gave no answer in 0.5 s" in report.issues[0]


def test_a_program_that_cannot_be_started_fails_error_handling_alone(production: Production) -> None:
    path = production.deployment.paths.release("v2")
    production.use_program("none")
    path.write_text(path.read_text().replace(f'kpi: ["{sys.executable}"', 'kpi: ["/nowhere/python"'))
    production.deployment = load_deployment(production.deployment.root)
    report = production.validate()
    assert statuses(report) == {ERRORS: "FAIL"}
    assert "cannot be started" in report.issues[0]


@pytest.mark.parametrize(("errors", "status"), [(0, None), (1, "WARN"), (30, "FAIL")])
def test_the_error_rate_is_errors_over_input_rows(production: Production, errors: int, status: str | None) -> None:
    for _ in range(4):
        production.run()
    production.run(errors=errors)
    report = production.validate()
    assert statuses(report) == ({ERRORS: status} if status else {})
    assert report.checks[ERRORS].figures["error_rate_percent"] == pytest.approx(100 * errors / 360)


@pytest.mark.parametrize(("scale", "status"), [(1, "FAIL"), (60, None)])
def test_the_window_of_errors_is_as_short_as_the_conditions_in_a_rehearsal(
    production: Production, scale: int, status: str | None
) -> None:
    console = production.deployment.root / "config/console.yml"
    console.write_text(console.read_text().replace("time_scale: 1 ", f"time_scale: {scale} "))
    production.deployment = load_deployment(production.deployment.root)
    production.run(errors=30)
    production.clock.advance(10)  # of a window of 5 s at sixty times the speed
    for _ in range(4):
        production.run()
    assert statuses(production.validate()) == ({ERRORS: status} if status else {})
