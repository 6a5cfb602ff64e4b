"""A production that did everything right passes all five checks; WARN is said and is no PASS."""

from __future__ import annotations

from production import Production, statuses

from engine.validation.model import CHECKS


def test_a_sound_production_passes_every_check(production: Production) -> None:
    report = production.validate()
    assert statuses(report) == {}
    assert report.status == "PASS"
    assert tuple(report.checks) == CHECKS
    assert (report.release, report.build, report.measurement_date) == ("v2", production.runs[-1]["build"], "2025-12-31")
    assert report.issues == ()
    assert all(check.summary and check.figures for check in report.checks.values())


def test_the_other_releases_decimals_are_its_own(production: Production) -> None:
    production.release = "v1"
    production.use_program("one-decimal", "v1")
    production.run()
    assert production.validate().status == "PASS"


def test_progress_is_told_before_and_after_each_check(production: Production) -> None:
    told: list[tuple[str, str]] = []
    production.validate(progress=lambda check, state: told.append((check, state)))
    assert told == [(name, state) for name in CHECKS for state in ("running", "PASS")]


def test_business_tiers_are_no_part_of_it(production: Production) -> None:
    rows = [{**row, "dpd_90_plus_usd": f"{float(row['total_receivable_usd']) * 0.2:.2f}"} for row in _rows(production)]
    production.write_tape(rows)
    production.runs.clear()
    production.deployment.paths.runs.unlink()
    production.run()
    assert production.validate().status == "PASS"


def _rows(production: Production) -> list[dict[str, str]]:
    header, *lines = production.tape.read_text().splitlines()
    return [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
