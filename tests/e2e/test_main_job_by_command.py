"""The whole job through the command line, with ``--json``, on real processes."""

from __future__ import annotations

import json

from operator_at_work import Operator, corrupt
from what_remains import assert_nothing_is_lost, assert_records_are_complete, newest_snapshot


def release_is(name: str):  # type: ignore[no-untyped-def]
    return lambda status: status["release"] == name


def test_a_team_validates_cuts_over_meets_a_bad_tape_and_goes_back(operator: Operator) -> None:
    root = operator.root
    operator.until(release_is("v1"))

    assert_validation_passes(operator)
    configuration = (root / "config/pipeline.yml").read_bytes()

    cutover = operator.run("cutover", "--yes", "--reason", "planned", "--json")
    assert cutover.code == 0, cutover.out + cutover.err
    done = cutover.json()
    assert (done["kind"], done["state"]) == ("cutover", "SUCCEEDED")
    assert all(step["state"] == "done" for step in done["steps"])
    operator.until(release_is("v2"))
    assert (root / "config/pipeline.yml").read_bytes() == (root / "config/releases/v2.yml").read_bytes()
    assert any(name.startswith("kpis_v2_") for name in operator.published())

    corrupt(root / "data/raw/loan_tape.csv")
    validation = operator.run("validate", "--json")
    assert validation.code == 1, validation.out + validation.err
    assert validation.json()["checks"]["data_integrity"]["status"] == "FAIL"

    snapshot = newest_snapshot(operator)
    rollback = operator.run("rollback", "--yes", "--reason", "bad tape", "--json")
    assert rollback.code == 0, rollback.out + rollback.err
    back = rollback.json()
    assert (back["kind"], back["state"]) == ("rollback", "SUCCEEDED")
    operator.until(release_is("v1"))
    assert (root / "config/pipeline.yml").read_bytes() == configuration
    assert_nothing_is_lost(operator, snapshot)
    assert_records_are_complete(operator)


def assert_validation_passes(operator: Operator) -> None:
    validation = operator.run("validate", "--json")
    assert validation.code == 0, validation.out + validation.err
    report = validation.json()
    assert report["status"] == "PASS", report["issues"]
    assert set(report["checks"]) == {
        "kpi_calculations",
        "data_integrity",
        "performance",
        "error_handling",
        "audit_trail",
    }
    assert json.loads((operator.root / "production_validation_report.json").read_text()) == report


def test_one_flipped_byte_in_the_audit_trail_is_found(operator: Operator) -> None:
    operator.until(lambda status: status["release"] == "v1")
    operator.run("demo", str(operator.root), "--stop")
    trail = operator.root / "logs/events.jsonl"
    data = bytearray(trail.read_bytes())
    data[len(data) // 2] ^= 0x01
    trail.write_bytes(data)

    audit = operator.run("audit", "verify")

    assert audit.code != 0
    assert "line" in audit.out + audit.err
