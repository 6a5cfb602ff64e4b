"""The report: on disk, kept, and told to the audit trail."""

from __future__ import annotations

import json

import pytest
from production import Production, loans

from engine.clock import boot_id
from engine.records import FileLock, read_lines, verify_chain
from engine.validation import reports
from engine.validation.reports import report_json


def test_the_report_has_the_documented_form_and_is_what_stands_on_disk(production: Production) -> None:
    report = production.validate(scheduled=True)
    paths = production.deployment.paths
    written = json.loads(paths.validation_report.read_text())
    assert written == json.loads(report_json(report))
    assert {"timestamp", "status", "release", "build", "checks", "issues"} <= set(written)
    assert all({"status", "figures", "issues", "summary"} <= set(check) for check in written["checks"].values())
    assert (paths.logs / "validation_20260131_020000.json").read_text() == paths.validation_report.read_text()


def test_each_run_is_kept_also_within_one_second(production: Production) -> None:
    for _ in range(3):
        production.validate()
    kept = {path.name for path in production.deployment.paths.logs.glob("validation_*.json")}
    stem = "validation_20260131_020000"
    assert kept == {f"{stem}.json", f"{stem}_2.json", f"{stem}_3.json"}


def test_the_audit_trail_is_told(production: Production) -> None:
    production.run(rows=1)
    report = production.validate(scheduled=True)
    event = read_lines(production.deployment.paths.events)[-1]
    assert (event["kind"], event["source"]) == ("validation.finished", "validation")
    assert event["data"] == {
        "status": "FAIL",
        "release": "v2",
        "checks": {name: check.status for name, check in report.checks.items()},
        "report": "logs/validation_20260131_020000.json",
        "scheduled": True,
        "occasion": "",
        "live": True,
        "tape_sha256": report.tape_sha256,
        "data_loss": True,
        "boot_id": boot_id(),
        "issues": ["data_integrity: v2 read 1 of 60 rows"],
    }
    assert verify_chain(production.deployment.paths.events).intact


def test_an_audit_trail_that_takes_no_event_fails_its_check(production: Production) -> None:
    events = production.deployment.paths.events
    with FileLock(events.with_name(events.name + ".lock")) as lock:
        assert lock.acquire()
        report = production.validate()
    assert report.checks["audit_trail"].status == "FAIL"
    assert "could not be written into the audit trail" in report.issues[0]
    assert json.loads(production.deployment.paths.validation_report.read_text())["status"] == "FAIL"


def test_a_trial_on_another_tape_is_kept_and_replaces_nothing(production: Production) -> None:
    live = production.validate()
    paths = production.deployment.paths
    before = paths.validation_report.read_bytes()
    production.clock.advance(60)
    other = production.write_tape([*loans(), loans()[0]], paths.root / "other.csv")
    trial = production.validate(tape=other)
    assert (live.live, trial.live, trial.status) == (True, False, "FAIL")
    assert paths.validation_report.read_bytes() == before
    assert json.loads((paths.logs / "validation_20260131_020100.json").read_text())["live"] is False
    data = read_lines(paths.events)[-1]["data"]
    assert (data["live"], data["data_loss"]) == (False, False)


def test_the_live_tape_given_by_name_is_no_trial(production: Production) -> None:
    assert production.validate(tape=production.tape).live
    assert production.deployment.paths.validation_report.exists()


def test_what_a_full_disk_does_not_take_is_named_and_leaves_nothing_behind(
    production: Production, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reports, "write_file", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/logs/validation_20260131_020000.json'"):
        production.validate()
    assert list(production.deployment.paths.logs.glob("validation_*")) == []
