"""data_integrity beyond the amounts: where a tape contradicts itself. Each question fails, holds, and is not run."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest
from production import AMOUNTS, Production

from engine.config import Deployment
from engine.portfolio.tape_rows import look_at_rows, read_rows
from engine.validation.model import Part

QUARTERS = Path(__file__).parent / "quarters.csv"
"""One row per quarter, made up, with the contradictions that real portfolio sheets have."""
NEW = ("ranges", "stated", "cumulative", "unread")


def quarter(**cells: str) -> dict[str, str]:
    """One sound quarter of 1,000, with what it states of itself."""
    money = dict(zip(AMOUNTS, ("1000", "900", "800", "90", "700", "100", "60", "30", "10"), strict=True))
    stated = {"par7_pct": "20.00", "par30_pct": "10.00", "par60_pct": "4.00", "par90_pct": "1.00"}
    return {"measurement_date": "2025-12-31", **money, **stated, "collection_rate_pct": "10.00", **cells}


def judged(production: Production, **cells: str) -> dict[str, Part]:
    production.write_tape([quarter(**cells)])
    production.run()
    return {part.name: part for part in production.integrity().parts}


def test_a_tape_that_agrees_with_itself_passes_every_question(production: Production) -> None:
    found = judged(production)
    assert {name: found[name].status for name in NEW} == dict.fromkeys(NEW, "PASS")


def test_a_stated_percentage_must_follow_from_the_sums(production: Production) -> None:
    part = judged(production, par30_pct="12.5")["stated"]
    said = "par30_pct does not follow from the tape's own sums in 1 of 1 rows"
    assert part.issues == (f"{said}: row 1 (2025-12-31) states 12.50, its sums give 10",)
    assert (part.status, part.count, part.of, part.percent) == ("WARN", 1, 5, 20)
    assert (part.rows[0].row, part.rows[0].name) == (1, "2025-12-31")


def test_a_stated_percentage_may_be_rounded(production: Production) -> None:
    assert judged(production, par30_pct="10.01")["stated"].status == "PASS"
    assert judged(production, par30_pct="10.02")["stated"].status == "WARN"


def test_a_share_may_not_rise_with_age(production: Production) -> None:
    part = judged(production, par60_pct="11")["cumulative"]
    assert part.status == "WARN"
    assert part.issues[0].endswith("yet they rise in 1 of 1 rows: row 1 (2025-12-31) has 20, 10, 11, 1")


def test_a_stated_value_outside_its_range_is_named(production: Production) -> None:
    part = judged(production, collection_rate_pct="121.22")["ranges"]
    assert part.status == "WARN"
    said = "collection_rate_pct lies outside 0 to 100 in 1 of 1 rows"
    assert part.issues == (f"{said}: row 1 (2025-12-31) has 121.22",)


def test_money_of_an_age_that_no_kpi_sums_is_named(production: Production) -> None:
    part = judged(production, dpd_120_plus_usd="15")["unread"]
    assert part.status == "WARN"
    said = "dpd_120_plus_usd holds money in 1 of 1 rows, and no KPI counts it: row 1 (2025-12-31) has 15"
    assert part.issues == (f"{said}, and dpd_90_plus_usd, of which it is a part, has 10",)


def test_money_that_its_whole_holds_as_well_is_no_contradiction(production: Production) -> None:
    assert judged(production, dpd_120_plus_usd="10")["unread"].status == "PASS"


def test_money_beside_the_buckets_that_no_longer_fits_is_told_once(production: Production) -> None:
    found = judged(production, dpd_120_plus_usd="200")
    assert found["buckets_together"].status == "PASS"
    assert "the parts exceed total_receivable_usd in 1 of 1 rows" in found["unread"].issues[1]
    assert "has 1,090 of 1,000" in found["unread"].issues[1]
    alone = judged(production, dpd_120_plus_usd="200", dpd_0_7_usd="900")
    assert alone["buckets_together"].status == "WARN"
    assert len(alone["unread"].issues) == 1


def test_every_question_that_cannot_be_asked_says_why(production: Production) -> None:
    found = {part.name: part for part in production.integrity().parts}  # a plain book of loans
    assert {name: found[name].status for name in NEW} == {
        "ranges": "NOT RUN", "stated": "NOT RUN", "cumulative": "NOT RUN", "unread": "PASS"
    }  # fmt: skip
    assert found["stated"].summary.startswith("the tape states none of par7_pct; par30_pct")
    assert found["ranges"].summary.startswith("the tape has none of par7_pct")
    assert found["cumulative"].summary == "the tape has none of par7_pct, par30_pct, par60_pct, par90_pct"


def test_what_is_not_configured_is_not_run_and_says_so(production: Production) -> None:
    path = production.deployment.paths.config / "kpis.yml"
    text = path.read_text()
    path.write_text(text[: text.index("\nchecks:")] + "\n")  # as a configuration from before
    production.use_program("none")
    found = judged(production, par30_pct="99", dpd_120_plus_usd="15")
    assert {found[name].status for name in NEW} == {"NOT RUN"}
    assert found["stated"].summary == "none are configured (config/kpis.yml, checks.stated)"
    assert found["unread"].summary.startswith("no form of such columns is configured")


def test_a_tape_that_cannot_be_read_leaves_no_question_silent(production: Production) -> None:
    production.tape.write_bytes(b"\xff\xfe\n")
    found = {part.name: part for part in production.integrity().parts if part.name != "outputs"}
    assert {part.status for part in found.values()} == {"NOT RUN"}
    assert {part.summary for part in found.values()} == {"the tape cannot be read"}


def test_a_column_that_is_asked_about_and_not_there_is_named(production: Production) -> None:
    row = quarter()
    del row["par60_pct"]
    production.write_tape([row])
    production.run()
    found = {part.name: part for part in production.integrity().parts}
    assert found["stated"].limit == "within 0.01; not on this tape: par60_pct"
    assert found["cumulative"].status == "PASS"  # of those that are there


def test_one_question_that_breaks_ends_no_other(production: Production) -> None:
    path = production.deployment.paths.config / "kpis.yml"
    path.write_text(path.read_text().replace("par30_pct: PAR30", "par30_pct: __import__('os')"))
    production.use_program("none")
    report_parts = judged(production, collection_rate_pct="121.22")
    assert report_parts["stated"].status == "ERROR"
    assert "has no meaning there" in report_parts["stated"].summary
    assert report_parts["nulls"].status == report_parts["schema"].status == "PASS"


def test_a_severity_of_note_is_told_and_changes_nothing(production: Production) -> None:
    path = production.deployment.paths.config / "kpis.yml"
    path.write_text(path.read_text().replace("    stated: warn", "    stated: note"))
    production.use_program("none")
    production.write_tape([quarter(par30_pct="12.5")])
    production.run()
    check = production.integrity()
    assert next(part for part in check.parts if part.name == "stated").status == "WARN"
    assert check.status == "PASS"
    path.write_text(path.read_text().replace("    stated: note", "    stated: fail"))
    production.use_program("none")
    assert production.integrity().status == "FAIL"


def test_hostile_identities_are_made_harmless(production: Production) -> None:
    production.write_tape([{"loan_id": "\x1b[31m<script>", **quarter(par30_pct="12.5")}])
    production.run()
    sample = next(part for part in production.integrity().parts if part.name == "stated").rows[0]
    assert sample.name == "\\x1b[31m<script>, 2025-12-31"


def test_quarters_that_contradict_themselves_are_named_each_once(production: Production) -> None:
    production.tape.write_bytes(QUARTERS.read_bytes())
    production.run()
    report = production.validate()
    issues = [issue for part in report.checks["data_integrity"].parts for issue in part.issues]
    told = [re.sub(r" in \d.*", "", issue) for issue in issues]
    assert told == [
        "the parts add up to more than total_receivable_usd",
        "collection_rate_pct lies outside 0 to 100",
        *(f"{name}_pct does not follow from the tape's own sums" for name in ("par7", "par30", "par60", "par90")),
        "collection_rate_pct does not follow from the tape's own sums",
        "par7_pct, par30_pct, par60_pct, par90_pct can only fall from one to the next, yet they rise",
        "dpd_120_plus_usd holds money",
        "counted with dpd_120_plus_usd, the parts exceed total_receivable_usd",
    ]
    assert len(issues) == len(set(issues))
    assert set(issues) <= set(report.checks["data_integrity"].issues)


def as_form(form: str, tmp_path: Path) -> Path:
    """The quarters, kept in another way."""
    if form == "odd cells":
        path = tmp_path / "odd.csv"
        text = re.sub(r"(?m)^(20\d\dQ\d),", r'\1,"a\nb",', QUARTERS.read_text())
        path.write_text(text.replace("period,", "period,x,"))
    elif form == "one Parquet file":
        path = tmp_path / "quarters.parquet"
        pq.write_table(pa_csv.read_csv(QUARTERS), path, row_group_size=2)
    else:
        path = tmp_path / "quarters"
        table = pa_csv.read_csv(QUARTERS)
        for start in range(0, table.num_rows, 2):
            (path / f"part={start}").mkdir(parents=True)
            pq.write_table(table.slice(start, 2), path / f"part={start}" / "rows.parquet")
    return path


FORMS = ("one Parquet file", "partitioned", "odd cells")


@pytest.mark.parametrize("form", FORMS)
def test_the_answer_is_the_same_whatever_the_tape_is_kept_in(deployment: Deployment, tmp_path: Path, form: str) -> None:
    as_csv = look_at_rows(QUARTERS, deployment.kpis)
    found = look_at_rows(as_form(form, tmp_path), deployment.kpis)
    assert found.rows == as_csv.rows
    assert {key: (one.judged, one.count, [hit.row for hit in one.first]) for key, one in found.broken.items()} == {
        key: (one.judged, one.count, [hit.row for hit in one.first]) for key, one in as_csv.broken.items()
    }


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_read_again_by_their_number(deployment: Deployment, tmp_path: Path, form: str) -> None:
    found = read_rows(as_form(form, tmp_path), deployment.kpis, (5, 2, 9), ("period", "no_such_column"))
    assert {row: (one.name, one.cells) for row, one in found.items()} == {
        2: ("2025-09-30", {"period": "2025Q3"}),
        5: ("2024-12-31", {"period": "2024Q4"}),
    }
