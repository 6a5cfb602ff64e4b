"""data_integrity: what breaks it, and that nothing else fails with it."""

from __future__ import annotations

from production import Production, loans, statuses

KPI, DATA = "kpi_calculations", "data_integrity"


def broken_tape(production: Production, **amounts: str) -> None:
    rows = loans()
    rows[-1].update({f"{name}_usd": text for name, text in amounts.items()})
    production.write_tape(rows)
    production.run()


def test_a_duplicate_fails_integrity_alone(production: Production) -> None:
    rows = loans()
    production.write_tape([*rows, rows[-1]])
    production.run()
    report = production.validate()
    assert statuses(report) == {DATA: "FAIL"}
    assert report.checks[DATA].figures["duplicates"] == 1


def test_duplicates_are_named_by_row_and_identity_up_to_five(production: Production) -> None:
    rows = loans()
    production.write_tape([*rows, rows[3], rows[-1]])
    production.run()
    issue = "duplicate (loan_id, measurement_date): 2 rows: row 61 (L004), row 62 (L030)"
    assert production.validate().checks[DATA].issues == (issue,)
    production.write_tape([*rows, *rows[:7]])
    production.run()
    issue = "7 rows: row 61 (L001), row 62 (L002), row 63 (L003), row 64 (L004), row 65 (L005) and 2 more"
    assert production.validate().checks[DATA].issues == (f"duplicate (loan_id, measurement_date): {issue}",)


def test_a_negative_amount_fails_integrity_alone(production: Production) -> None:
    broken_tape(production, discounted_balance="-5")
    assert statuses(production.validate()) == {DATA: "FAIL"}


def test_few_nulls_warn_and_many_fail(production: Production) -> None:
    rows = loans(150)
    rows[-1]["discounted_balance_usd"] = ""
    production.write_tape(rows)
    production.run()
    assert statuses(production.validate()) == {DATA: "WARN"}
    for row in rows[-3:]:
        row["discounted_balance_usd"] = ""
    production.write_tape(rows)
    production.run()
    assert statuses(production.validate()) == {DATA: "FAIL"}


def test_a_fault_that_a_kpi_needs_fails_integrity_and_the_kpis(production: Production) -> None:
    broken_tape(production, cash_available="abc")
    assert statuses(production.validate()) == {KPI: "FAIL", DATA: "FAIL"}


def test_a_fault_that_no_kpi_needs_fails_integrity_alone(production: Production) -> None:
    broken_tape(production, discounted_balance="abc")
    assert statuses(production.validate()) == {DATA: "FAIL"}


def test_a_lost_output_is_data_loss(production: Production) -> None:
    production.output(".csv").unlink()  # and its values cannot be compared either
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL", DATA: "FAIL"}
    assert report.checks[DATA].figures["data_loss"] is True


def test_one_changed_byte_in_an_output_is_data_loss(production: Production) -> None:
    production.output(".csv").write_text("y\n")
    assert statuses(production.validate()) == {KPI: "FAIL", DATA: "FAIL"}
    production.run()
    production.output(".json").write_text(production.output(".json").read_text().replace("2025", "2026"))
    assert statuses(production.validate()) == {KPI: "FAIL", DATA: "FAIL"}


def test_rows_that_were_not_read_are_data_loss(production: Production) -> None:
    production.run(rows=59)
    report = production.validate()
    assert statuses(report) == {DATA: "FAIL"}
    assert "read 59 of 60 rows" in report.issues[0]


def test_an_output_outside_the_deployment_is_not_followed(production: Production) -> None:
    outputs = [{"path": "../../etc/hostname", "sha256": "0" * 64, "bytes": 1}, *production.runs[-1]["outputs"]]
    production.run(outputs=outputs)
    assert "outside the deployment" in " ".join(production.validate().issues)
