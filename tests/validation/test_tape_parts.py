"""Every question put to the tape's amounts: it fails where it should, and says why where it is not run."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from production import Production, loans

from engine.validation.model import Part, Status

Rows = list[dict[str, str]]


def part(production: Production, name: str, rows: Rows) -> Part:
    production.write_tape(rows)
    production.run()
    return next(one for one in production.integrity().parts if one.name == name)


def changed(**cells: str) -> Callable[[], Rows]:
    """A sound book whose last row has these cells."""

    def rows() -> Rows:
        made = loans(40)
        made[-1].update({name if name.endswith("_id") else f"{name}_usd": text for name, text in cells.items()})
        return made

    return rows


def without(*names: str) -> Callable[[], Rows]:
    return lambda: [{key: cell for key, cell in row.items() if key not in names} for row in loans(2)]


BUCKETS = tuple(f"dpd_{age}_usd" for age in ("0_7", "7_30", "30_60", "60_90", "90_plus"))
FAILS: dict[str, tuple[Callable[[], Rows], Status, int | None, str]] = {
    "schema": (without("discounted_balance_usd"), "FAIL", 1, "the column discounted_balance_usd is missing"),
    "finite": (changed(discounted_balance="abc"), "FAIL", 1, "discounted_balance_usd: 1 value is no finite number"),
    "non_negative": (changed(discounted_balance="-5"), "FAIL", 1, "discounted_balance_usd is negative in 1 row"),
    "buckets": (changed(dpd_0_7="99999"), "FAIL", 1, "dpd_0_7_usd is larger than total_receivable_usd in 1 row"),
    "buckets_together": (changed(dpd_0_7="1000"), "WARN", 1, "the parts add up to more than total_receivable_usd"),
    "nulls": (changed(discounted_balance=""), "FAIL", 1, "discounted_balance_usd: 1 nulls counted as 0"),
    "duplicates": (changed(loan_id="L001"), "FAIL", 1, "duplicate (loan_id, measurement_date): 1 row: row 80 (L001)"),
    "identity": (changed(loan_id=""), "WARN", 1, "loan_id is empty in 1 row"),
    "outliers": (changed(discounted_balance="99999"), "WARN", 1, "discounted_balance_usd: 1 value of the latest"),
}
NOT_RUN = {
    "buckets": (without("total_receivable_usd"), "the tape has no column total_receivable_usd"),
    "buckets_together": (without(*BUCKETS), "the tape has none of the buckets"),
    "identity": (without("loan_id"), "the tape has no column loan_id: one row per period"),
}


@pytest.mark.parametrize("name", FAILS)
def test_each_question_finds_what_it_asks_for(production: Production, name: str) -> None:
    rows, status, count, said = FAILS[name]
    found = part(production, name, rows())
    assert (found.status, found.count) == (status, count)
    assert found.summary.startswith(said)
    assert found.limit
    assert found.of


@pytest.mark.parametrize("name", NOT_RUN)
def test_each_question_that_cannot_be_asked_says_why(production: Production, name: str) -> None:
    rows, why = NOT_RUN[name]
    found = part(production, name, rows())
    assert (found.status, found.summary) == ("NOT RUN", why)


def test_a_finding_shows_the_first_rows_with_identity_date_and_cell(production: Production) -> None:
    found = part(production, "non_negative", changed(discounted_balance="-5")())
    (sample,) = found.rows
    assert (sample.row, sample.name, sample.text) == (80, "L040, 2025-12-31", "discounted_balance_usd -5")


def test_missing_amounts_and_odd_ones_are_shown_each_where_it_belongs(production: Production) -> None:
    rows = changed(discounted_balance="")()
    rows[2]["discounted_balance_usd"] = "abc"
    nulls = part(production, "nulls", rows)
    assert [(sample.row, sample.text) for sample in nulls.rows] == [(80, "discounted_balance_usd empty")]
    finite = part(production, "finite", rows)
    assert [(sample.row, sample.text) for sample in finite.rows] == [(3, "discounted_balance_usd abc")]


def test_so_many_rows_are_shown_as_are_configured(production: Production) -> None:
    path = production.deployment.paths.config / "kpis.yml"
    path.write_text(path.read_text().replace("sample_rows: 5", "sample_rows: 12"))
    production.use_program("none")
    rows = loans(30)
    for row in rows:
        row["discounted_balance_usd"] = "-1"
    found = part(production, "non_negative", rows)
    assert found.count == 60
    assert [sample.row for sample in found.rows] == list(range(1, 13))


def test_an_outlier_is_told_and_changes_no_verdict(production: Production) -> None:
    production.write_tape(changed(discounted_balance="99999")())
    production.run()
    assert production.integrity().status == "PASS"


def test_outliers_are_shown_with_row_identity_and_cell_but_those_of_the_latest_date_only(
    production: Production,
) -> None:
    rows = loans(40)
    rows[0]["discounted_balance_usd"] = rows[50]["discounted_balance_usd"] = "99999"
    rows[79]["cash_available_usd"] = "77777"
    shown = [(sample.row, sample.name, sample.text) for sample in part(production, "outliers", rows).rows]
    assert sorted(shown) == [
        (51, "L011, 2025-12-31", "discounted_balance_usd 99999"),
        (80, "L040, 2025-12-31", "cash_available_usd 77777"),
    ]
