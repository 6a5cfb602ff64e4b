"""kpi_calculations: what breaks it, and that nothing else fails with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from production import Production, loans, statuses

KPI, DATA, SPEED, ERRORS, AUDIT = "kpi_calculations", "data_integrity", "performance", "error_handling", "audit_trail"


def set_value(document: Any, kpi: str, value: object) -> None:
    document["kpis"][kpi]["value"] = value


def rewrite_published(production: Production, entry: dict[str, Any], change: Callable[[Any], object]) -> None:
    """As if the run itself had published that: the recorded hash is right."""
    path = production.output(".json")
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    for output in entry["outputs"]:
        if output["path"].endswith(".json"):
            output["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
            output["bytes"] = path.stat().st_size
    lines = production.deployment.paths.runs.read_text().splitlines()
    production.deployment.paths.runs.write_text("\n".join([*lines[:-1], json.dumps(entry)]) + "\n")


def test_a_published_value_that_the_tape_does_not_give_fails_the_kpis(production: Production) -> None:
    production.run(faults="wrong-par30")
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL"}
    assert "PAR30 is given as" in report.checks[KPI].issues[0]


def test_half_a_unit_of_the_last_decimal_is_the_limit(production: Production) -> None:
    entry = production.run()
    exact = production.validate().checks[KPI].figures["kpis"]["PAR30"]["recomputed"]
    for value, expected in ((round(exact, 2), {}), (round(exact, 2) + 0.01, {KPI: "FAIL"})):
        rewrite_published(production, entry, lambda document, value=value: set_value(document, "PAR30", value))
        assert statuses(production.validate()) == expected


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["kpis"].pop("PAR90"),
        lambda document: set_value(document, "PAR90", None),
        lambda document: set_value(document, "PAR90", "0.32"),
        lambda document: set_value(document, "PAR90", True),
        lambda document: document.update(kpis=[]),
        lambda document: document.update(rows=29),
        lambda document: document.update(measurement_date="2025-11-30"),
        lambda document: document.update(run_id="another"),
        lambda document: document["by"].pop(),
        lambda document: document["by"][0]["kpis"]["PAR30"].update(value=99.0),
    ],
)
def test_whatever_is_wrong_in_what_was_published_fails_the_kpis(
    production: Production, change: Callable[[Any], object]
) -> None:
    rewrite_published(production, production.runs[-1], change)
    assert statuses(production.validate()) == {KPI: "FAIL"}


def test_a_kpi_outside_its_range_fails_though_published_rightly(production: Production) -> None:
    rows = [{**row, "cash_available_usd": "5000"} for row in loans()]
    production.write_tape(rows)
    production.run()
    report = production.validate()
    assert report.checks[KPI].status == "FAIL"
    assert any("outside its range 0 to 100" in issue for issue in report.checks[KPI].issues)


def test_a_large_change_on_the_same_tape_is_a_warning(production: Production) -> None:
    entry = production.run()
    rewrite_published(production, entry, lambda document: set_value(document, "CollectionRate", 3.0))
    production.run()
    report = production.validate()
    assert statuses(report) == {KPI: "WARN"}
    assert report.status == "WARN"
    assert "CollectionRate changed from" in report.issues[0]


def test_a_large_change_with_another_tape_is_the_portfolios_and_no_verdict_on_the_release(
    production: Production,
) -> None:
    production.write_tape([{**row, "cash_available_usd": "200"} for row in loans()])
    production.run()
    report = production.validate()
    assert report.status == "PASS"
    assert "CollectionRate changed from" in report.checks[KPI].figures["anomalies"][0]


def test_a_release_that_published_nothing_has_nothing_right(production: Production) -> None:
    production.deployment.paths.runs.unlink()
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL", SPEED: "FAIL", ERRORS: "FAIL", AUDIT: "FAIL"}


def test_a_failed_last_run_fails_the_kpis_and_is_told_by_error_handling(production: Production) -> None:
    production.run(status="failed", error="the disk is full", rows=0, outputs=[], latency_ms=None)
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL", ERRORS: "WARN"}
    assert "the disk is full" in report.checks[KPI].summary


def test_a_pipeline_that_hangs_fails_the_kpis(production: Production) -> None:
    production.clock.advance(3.5 * 5 + 1)
    report = production.validate(wait=lambda seconds: production.clock.advance(5))
    assert statuses(report) == {KPI: "FAIL"}
    assert "one is due every 5.0 s" in report.issues[0]


def test_a_tape_changed_after_the_last_run_is_waited_for(production: Production) -> None:
    production.write_tape(loans(31))

    def wait(seconds: float) -> None:
        production.clock.advance(seconds)
        if len(production.runs) == 1:
            production.run()

    assert production.validate(wait=wait).status == "PASS"


def test_a_tape_that_is_never_read_fails_the_kpis(production: Production) -> None:
    production.write_tape(loans(31))

    def wait(seconds: float) -> None:  # it runs on, but publishes from the old tape
        production.clock.advance(5)
        production.run(tape_sha256="0" * 64)

    report = production.validate(wait=wait)
    assert report.checks[KPI].status == "FAIL"
    assert "has not published from it in time" in report.checks[KPI].summary


def test_where_runs_follow_no_schedule_a_changed_tape_is_a_warning(production: Production) -> None:
    console = production.deployment.root / "config/console.yml"
    console.write_text(console.read_text().replace("pipeline_run: 5s", "pipeline_run: null"))
    production.use_program("none")
    production.write_tape(loans(31))
    report = production.validate()
    assert statuses(report) == {KPI: "WARN"}
    assert "not comparable yet" in report.issues[0]


def test_another_tape_is_judged_by_asking_the_program_and_said_as_a_warning(production: Production) -> None:
    other = production.write_tape(loans(12), production.deployment.root / "other.csv")
    assert statuses(production.validate(tape=other)) == {KPI: "WARN"}
    production.use_program("wrong-par30")
    assert production.validate(tape=other).checks[KPI].status == "FAIL"
