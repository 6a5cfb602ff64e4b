"""The tape against earlier ones: form, volume, freshness. And that a validation finds what the last one left."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from production import Production, loans

from engine.config.kpis import ChecksSection
from engine.validation.checks.earlier_tapes import TapeNow, drift, freshness, volume
from engine.validation.history import Kept
from engine.validation.parts import NotRun

COLUMNS = {"loan_id": "text", "amount": "number"}
SECTION = ChecksSection()


def kept(number: int = 1, **fields: Any) -> Kept:
    plain: dict[str, Any] = {
        "timestamp": f"2026-01-{number:02}T02:00:00.000Z", "status": "PASS", "release": "v2", "build": None,
        "tape": "tape.csv", "tape_sha256": f"tape{number}", "measurement_date": "2025-12-31", "scheduled": False,
        "occasion": "", "live": True, "seconds": 1.0, "checks": {}, "issues": 0,
        "report": f"logs/validation_{number}.json", "figures": {"latest_rows": 100.0}, "columns": COLUMNS,
    }  # fmt: skip
    return msgspec.convert({**plain, **fields}, Kept)


def now(rows: int = 100, date: str | None = "2025-12-31") -> TapeNow:
    return TapeNow(lambda: COLUMNS, "now", date, rows, datetime(2026, 1, 31, tzinfo=UTC))


def test_a_column_that_is_gone_or_of_another_kind_is_drift() -> None:
    found = drift({"amount": "text"}, [kept()])
    assert found.issues == (
        "the column loan_id is gone since the last run",
        "amount held numbers in the last run, and now holds texts",
    )
    assert (found.count, found.of) == (2, 2)


def test_a_new_column_is_told_and_is_no_drift() -> None:
    found = drift({**COLUMNS, "extra": "date"}, [kept()])
    assert (found.issues, found.passed) == ((), "2 columns as in the last run, new: extra")


def test_an_empty_column_says_nothing_about_its_kind() -> None:
    assert not drift({"loan_id": "empty", "amount": "number"}, [kept()]).issues
    assert not drift(COLUMNS, [kept(columns={"loan_id": "empty", "amount": "number"})]).issues


def test_drift_without_an_earlier_validation_is_not_run() -> None:
    with pytest.raises(NotRun, match="no earlier validation is on record"):
        drift(COLUMNS, [])


@pytest.mark.parametrize(("rows", "far"), [(51, False), (49, True), (149, False), (151, True), (0, True)])
def test_a_volume_far_from_the_usual_one_is_found(rows: int, far: bool) -> None:
    found = volume(now(rows), [kept(number) for number in (1, 2, 3)], SECTION)
    assert bool(found.issues) is far
    assert found.limit == "within 50 % of 100 rows, the median of 3 tapes"


def test_a_tape_that_was_validated_often_counts_once() -> None:
    again = [kept(number, tape_sha256="one") for number in range(1, 9)]
    with pytest.raises(NotRun, match="1 earlier tapes are on record, 3 make a median"):
        volume(now(), again, SECTION)
    with pytest.raises(NotRun, match="0 earlier tapes"):
        volume(now(), [kept(number, tape_sha256="now") for number in (1, 2, 3)], SECTION)


def test_a_latest_date_that_went_back_is_found() -> None:
    found = freshness(now(date="2025-11-30"), [kept()], SECTION)
    assert found.issues == ("the latest date went back from 2025-12-31 in the last run to 2025-11-30",)
    assert not freshness(now(), [kept()], SECTION).issues


def test_a_tape_older_than_allowed_is_found() -> None:
    limit = msgspec.structs.replace(SECTION, max_age_days=30)
    assert freshness(now(), [], limit).issues == ("the latest date, 2025-12-31, is 31 days old, more than 30",)
    assert not freshness(now(date="2026-01-02"), [], limit).issues


def test_freshness_is_not_run_where_nothing_says_what_is_fresh() -> None:
    with pytest.raises(NotRun, match=r"no earlier validation is on record, and checks\.max_age_days is not set"):
        freshness(now(), [], SECTION)
    with pytest.raises(NotRun, match="the tape is undated"):
        freshness(now(date=None), [kept()], SECTION)


def integrity(production: Production, **options: Any) -> dict[str, str]:
    report = production.validate(**options)
    wanted = ("schema_drift", "volume", "freshness")
    return {part.name: part.status for part in report.checks["data_integrity"].parts if part.name in wanted}


def test_a_validation_is_set_against_what_the_last_ones_left(production: Production) -> None:
    assert set(integrity(production).values()) == {"NOT RUN"}
    for number in (31, 32):
        production.write_tape(loans(number))
        production.run()
        integrity(production)
    rows = [{key: cell for key, cell in row.items() if key != "discounted_balance_usd"} for row in loans(90)]
    production.write_tape(rows[:90])  # its latest date is the first of the two
    production.run()
    assert integrity(production) == {"schema_drift": "WARN", "volume": "WARN", "freshness": "WARN"}


def test_a_trial_on_another_tape_is_not_set_against_live_ones(production: Production) -> None:
    integrity(production)
    other = production.write_tape(loans(2), production.deployment.root / "other.csv")
    assert set(integrity(production, tape=other).values()) == {"NOT RUN"}
