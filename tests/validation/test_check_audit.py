"""audit_trail: what breaks it, and that nothing else fails with it."""

from __future__ import annotations

from production import Production, statuses

from engine.records import append_event

AUDIT = "audit_trail"


def test_a_run_without_its_events_fails_the_audit_alone(production: Production) -> None:
    production.run(events=False)
    assert statuses(production.validate()) == {AUDIT: "FAIL"}


def test_events_that_were_written_and_are_not_there_fail_the_audit(production: Production) -> None:
    production.run(audit_events=3)
    assert statuses(production.validate()) == {AUDIT: "FAIL"}


def test_a_gap_before_the_last_run_is_a_warning(production: Production) -> None:
    production.run(events=False)
    production.run()
    assert statuses(production.validate()) == {AUDIT: "WARN"}


def test_one_flipped_byte_fails_the_audit_alone(production: Production) -> None:
    events = production.deployment.paths.events
    data = bytearray(events.read_bytes())
    data[len(data) // 3] ^= 1
    events.write_bytes(data)
    report = production.validate()
    assert report.checks[AUDIT].status == "FAIL"
    assert set(statuses(report)) == {AUDIT}


def test_an_event_of_somebody_else_does_not_stand_for_the_runs_own(production: Production) -> None:
    production.run(events=False, run_id="r9")
    for kind in ("run.started", "run.finished"):
        append_event(production.deployment.paths.events, kind, {"run_id": "r9"}, source="stranger")
    assert production.validate().checks[AUDIT].status == "FAIL"


def test_no_audit_trail_at_all_fails_the_audit(production: Production) -> None:
    production.deployment.paths.events.unlink()
    assert statuses(production.validate()) == {AUDIT: "FAIL"}
