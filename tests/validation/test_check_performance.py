"""performance: what breaks it, and that nothing else fails with it."""

from __future__ import annotations

import pytest
from production import Production, loans, statuses

SPEED = "performance"


@pytest.mark.parametrize(("latency", "status"), [(60 * 0.09, None), (60 * 0.2, "WARN"), (60 * 0.6, "FAIL")])
def test_latency_is_judged_per_1000_rows(production: Production, latency: float, status: str | None) -> None:
    for _ in range(3):
        production.run(latency_ms=latency)
    assert statuses(production.validate()) == ({SPEED: status} if status else {})


def test_one_slow_run_decides_nothing(production: Production) -> None:
    production.run()
    production.run(latency_ms=10_000)
    assert statuses(production.validate()) == {}


def test_a_run_without_a_latency_is_not_fast(production: Production) -> None:
    production.run(latency_ms=None)
    assert statuses(production.validate()) == {SPEED: "FAIL"}


def test_throughput_is_judged_against_what_the_old_release_did(production: Production) -> None:
    production.release = "v1"
    for _ in range(5):
        production.run(latency_ms=0.2)
    production.release = "v2"
    for _ in range(3):
        production.run(latency_ms=0.5)
    report = production.validate()
    assert statuses(report) == {SPEED: "FAIL"}
    assert report.checks[SPEED].figures["percent_of_baseline"] == pytest.approx(40)


def test_a_handful_of_rows_says_nothing_about_speed(production: Production) -> None:
    production.write_tape(loans(5))
    production.runs.clear()
    production.deployment.paths.runs.unlink()
    production.run()
    report = production.validate()
    assert statuses(report) == {SPEED: "WARN"}
    assert "LOW VOLUME" in report.issues[0]
