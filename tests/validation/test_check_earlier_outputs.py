"""data_integrity: what runs before the newest published is still there, as far as it must be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from production import Production, statuses

import engine.validation.checks.earlier_outputs as earlier_outputs

KPI, DATA = "kpi_calculations", "data_integrity"


def path_of(production: Production, run: dict[str, Any], suffix: str = ".csv") -> Path:
    return next(production.deployment.root / out["path"] for out in run["outputs"] if out["path"].endswith(suffix))


@pytest.fixture
def runs(production: Production) -> list[dict[str, Any]]:
    """Four runs of one process."""
    for _ in range(3):
        production.run()
    return production.runs


def test_all_in_place_is_said_with_its_extent(production: Production, runs: list[dict[str, Any]]) -> None:
    check = production.validate().checks[DATA]
    assert check.status == "PASS"
    assert "outputs of 4 runs in place" in check.summary
    assert (check.figures["earlier_runs"], check.figures["earlier_runs_hashed"]) == (3, 3)


def test_a_lost_file_of_an_earlier_run_is_data_loss(production: Production, runs: list[dict[str, Any]]) -> None:
    path_of(production, runs[0]).unlink()
    report = production.validate()
    assert statuses(report) == {DATA: "FAIL"}
    assert report.checks[DATA].figures["data_loss"] is True
    assert "was published and cannot be read" in report.issues[0]


def test_a_changed_file_of_an_earlier_run_is_data_loss(production: Production, runs: list[dict[str, Any]]) -> None:
    path = path_of(production, runs[1])
    path.write_bytes(path.read_bytes().replace(b"PAR30", b"PAR31"))
    assert statuses(production.validate()) == {DATA: "FAIL"}


def test_before_the_hashed_runs_a_file_of_another_size_is_told(
    production: Production, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(earlier_outputs, "HASHED", 1)
    path = path_of(production, runs[0])
    path.write_bytes(path.read_bytes() + b"\n")
    report = production.validate()
    assert statuses(report) == {DATA: "FAIL"}
    assert "bytes" in report.issues[0]


def test_many_losses_are_counted(production: Production, runs: list[dict[str, Any]]) -> None:
    for run in runs[:3]:
        for suffix in (".csv", ".parquet", ".json"):
            path_of(production, run, suffix).unlink()
    issues = production.validate().checks[DATA].issues
    assert len(issues) == 6
    assert "4 more files of earlier runs" in issues[-1]


def test_what_retention_removed_is_no_loss(production: Production, runs: list[dict[str, Any]]) -> None:
    production.configure("keep_runs: 3")
    path_of(production, runs[0]).unlink()
    assert production.validate().checks[DATA].status == "PASS"
    path_of(production, runs[1]).unlink()
    assert production.validate().checks[DATA].status == "FAIL"


def test_what_retention_removes_during_the_validation_is_no_loss(
    production: Production, runs: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    production.configure("keep_runs: 4")
    find = earlier_outputs.read_output

    def meanwhile(deployment: Any, output: Any) -> bytes:
        if len(production.runs) == 4:
            production.run()
            for suffix in (".csv", ".parquet", ".json"):
                path_of(production, runs[0], suffix).unlink()
        return find(deployment, output)

    monkeypatch.setattr(earlier_outputs, "read_output", meanwhile)
    assert production.validate().checks[DATA].status == "PASS"
    assert len(production.runs) == 5


def test_runs_of_an_earlier_process_are_not_demanded(production: Production, runs: list[dict[str, Any]]) -> None:
    path_of(production, runs[0]).unlink()
    production.incarnation = {"pid": 4712, "start_time": 2, "boot_id": "a boot"}
    production.run()
    assert production.validate().status == "PASS"


def test_a_retention_that_is_no_number_is_a_warning(production: Production, runs: list[dict[str, Any]]) -> None:
    production.configure("keep_runs: many")
    assert statuses(production.validate()) == {DATA: "WARN"}
