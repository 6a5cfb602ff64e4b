"""kpi_calculations: every format that a run published holds what the tape gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from production import Production, as_csv, as_parquet, from_parquet, statuses

KPI = "kpi_calculations"
Table = list[dict[str, Any]]


def in_csv(change: Callable[[list[str]], list[str]]) -> Callable[[bytes], bytes]:
    return lambda data: ("\n".join(change(data.decode().splitlines())) + "\n").encode()


def in_parquet(change: Callable[[Table], Table]) -> Callable[[bytes], bytes]:
    return lambda data: as_parquet(change(from_parquet(data)))


def to_csv(change: Callable[[Table], Table]) -> Callable[[Production], None]:
    """The CSV written anew from the rows of the Parquet."""
    return lambda production: production.rewrite(
        ".csv", lambda _: as_csv(change(from_parquet(production.output(".parquet").read_bytes())))
    )


def with_value(value: object, row: slice = slice(None)) -> Callable[[Table], Table]:
    def change(table: Table) -> Table:
        for entry in table[row]:
            entry["value"] = value
        return table

    return change


def without(column: str) -> Callable[[Table], Table]:
    return lambda table: [{name: cell for name, cell in row.items() if name != column} for row in table]


def set_cell(column: str, value: object) -> Callable[[Table], Table]:
    return lambda table: [{**table[0], column: value}, *table[1:]]


SAME_FOR_BOTH: dict[str, Callable[[Table], Table]] = {
    "every value": with_value(99.9),
    "one value of the newest date": with_value(99.9, slice(-1, None)),
    "one value of the trend": with_value(99.9, slice(0, 1)),
    "an undefined value": with_value(None, slice(-1, None)),
    "no trend": lambda table: table[4:],
    "no newest date": lambda table: table[:4],
    "a date too many": lambda table: [*table, {**table[0], "measurement_date": "2031-01-31"}],
    "a row twice": lambda table: [*table, table[0]],
    "a row too few": lambda table: table[:-1],
    "no column of values": without("value"),
    "another number of rows": lambda table: [{**row, "rows": 29} for row in table],
    "different numbers of rows": set_cell("rows", 29),
    "of another run": set_cell("run_id", "another"),
    "one word": set_cell("kpi", "PAR"),
}


@pytest.mark.parametrize("wrong", SAME_FOR_BOTH)
def test_a_wrong_table_fails_the_kpis(production: Production, wrong: str) -> None:
    to_csv(SAME_FOR_BOTH[wrong])(production)
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL"}
    assert "CSV" in report.issues[0] or ".csv" in report.issues[0]
    to_csv(lambda table: table)(production)
    assert statuses(production.validate()) == {}
    production.rewrite(".parquet", in_parquet(SAME_FOR_BOTH[wrong]))
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL"}
    assert "Parquet" in report.issues[0] or ".parquet" in report.issues[0]


@pytest.mark.parametrize("data", [b"", b"x\n", b"\xff\xfe", b"PAR1PAR1", b"run_id,rows\n"])
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_file_that_cannot_be_read_fails_the_kpis(production: Production, suffix: str, data: bytes) -> None:
    production.rewrite(suffix, lambda _: data)
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL"}
    assert suffix in report.issues[0]


@pytest.mark.parametrize(
    "line", ["run00000,2025-11-30,30", "run00000,2025-11-30,30,PAR30,abc,%,", '"', "a,b,c,d,e,f,g,h"]
)
def test_a_csv_with_a_broken_row_fails_the_kpis(production: Production, line: str) -> None:
    production.rewrite(".csv", in_csv(lambda lines: [lines[0], line, *lines[2:]]))
    assert statuses(production.validate()) == {KPI: "FAIL"}


def test_a_damaged_parquet_fails_the_kpis(production: Production) -> None:
    production.rewrite(".parquet", lambda data: data + b"x")
    assert statuses(production.validate()) == {KPI: "FAIL"}


def test_a_json_without_the_trend_that_the_tables_have_fails_the_kpis(production: Production) -> None:
    def without_trend(data: bytes) -> bytes:
        return json.dumps({key: value for key, value in json.loads(data).items() if key != "by"}).encode()

    production.rewrite(".json", without_trend)
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL"}
    assert "JSON has no trend" in report.issues[0]
    for suffix in (".csv", ".parquet"):  # a release that publishes no trend at all
        table = [row for row in from_parquet(production.output(".parquet").read_bytes())][-4:]
        production.rewrite(
            suffix, lambda _, table=table, write=as_csv if suffix == ".csv" else as_parquet: write(table)
        )
    assert statuses(production.validate()) == {}


def test_the_newest_date_of_the_trend_is_compared_too(production: Production) -> None:
    def wrong(data: bytes) -> bytes:
        document = json.loads(data)
        document["by"][-1]["kpis"]["PAR30"]["value"] += 0.7
        return json.dumps(document).encode()

    production.rewrite(".json", wrong)
    assert statuses(production.validate()) == {KPI: "FAIL"}


def test_many_wrong_values_are_counted(production: Production) -> None:
    to_csv(with_value(99.9))(production)
    issues = production.validate().checks[KPI].issues
    assert len(issues) == 6
    assert issues[-1] == "CSV, 3 more values do not agree"


@pytest.mark.parametrize("missing", ["json", "csv", "parquet"])
def test_a_configured_format_that_was_not_published_fails_the_kpis(production: Production, missing: str) -> None:
    entry = production.runs[-1]
    entry["outputs"] = [output for output in entry["outputs"] if not output["path"].endswith(missing)]
    production.rewrite_record(entry)
    assert statuses(production.validate()) == {KPI: "FAIL"}


def test_the_active_configuration_says_which_formats_are_due(production: Production) -> None:
    entry = production.runs[-1]
    entry["outputs"] = [output for output in entry["outputs"] if output["path"].endswith("json")]
    production.rewrite_record(entry)
    for settings, expected in (("formats: [json]", {}), ("keep_runs: 5", {}), ("formats: [json, csv]", {KPI: "FAIL"})):
        production.configure(settings)
        assert statuses(production.validate()) == expected
    production.configure("formats: json")
    assert "no list of formats" in production.validate().issues[0]


def test_a_format_that_nobody_can_read_back_is_no_pass(production: Production) -> None:
    entry = production.runs[-1]
    path = production.output(".csv")
    path.rename(path.with_suffix(".xlsx"))
    for output in entry["outputs"]:
        output["path"] = output["path"].replace(".csv", ".xlsx")
    production.rewrite_record(entry)
    production.configure("formats: [json, parquet, xlsx]")
    report = production.validate()
    assert statuses(report) == {KPI: "FAIL"}
    assert "cannot be read back: xlsx" in report.issues[0]


def test_what_was_compared_is_said(production: Production) -> None:
    check = production.validate().checks[KPI]
    assert "4 of 4 agree in 3 formats" in check.summary
    assert {name: figures["of"] for name, figures in check.figures["formats"].items()} == {"CSV": 8, "Parquet": 8}
