"""A validation in its worker: how far it is stands in its journal, and who stops it leaves no verdict behind."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from bench_at_work import work_on

from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import Refused
from engine.operations import requests, validate
from engine.operations.journal import fold, list_operations
from engine.operations.model import Operation
from engine.operations.outcome import as_json, state_word, well
from engine.operations.steering import abort, unfinished
from engine.operations.validate import run_validation_steps
from engine.operations.work import Work
from engine.state.told import operation_lines
from engine.validation.reading import Read, Reading

BEGUN = '{"check":"kpi_calculations","state":"running"}'
READ = '{"rows":12345678,"percent":41.2,"left":12.0}'


@pytest.fixture
def work(deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Work:
    """A validation that was accepted; its validator is a shell that says what a test wants and then waits."""
    monkeypatch.setattr(validate, "_RECORDED_EVERY", 0.0)
    monkeypatch.setattr(validate, "sys", SimpleNamespace(executable=str(tmp_path / "validator")))
    return work_on(deployment, SystemClock(), "validate", steps=validate.PLANNED)


def says(tmp_path: Path, *lines: str, then: str = "exec sleep 60") -> None:
    script = tmp_path / "validator"
    told = "\n".join(f"echo '{line}' >&2" for line in lines)
    script.write_text(f"#!/bin/sh\n{told}\n{then}\n", encoding="utf-8")
    script.chmod(0o755)


def stop_when(monkeypatch: pytest.MonkeyPatch, work: Work, reached: str) -> None:
    """Ask for the end as soon as the journal has such a record."""
    recorded = work.record

    def record(kind: str, **data: object) -> int:
        if kind == reached:
            requests.ask(work.directory, work.me, "abort", "too slow", actor="root")
        return recorded(kind, **data)

    monkeypatch.setattr(work, "record", record)


def test_a_stopped_validation_has_judged_nothing(
    deployment: Deployment, tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, BEGUN, READ)
    stop_when(monkeypatch, work, "progress")
    state, failure = run_validation_steps(work)
    work.record("ended", state=state, failure=failure)
    now = work.operation()
    assert state == "ABORTED"
    assert failure.startswith("stopped by root: too slow; nothing was judged")
    assert (state_word(now), well(now), as_json(now)["outcome"]) == ("STOPPED", False, "STOPPED")
    details = {step.name: step.detail for step in now.steps}
    assert details["kpi_calculations"] == "NOT RUN, stopped"
    assert not any("PASS" in detail for detail in details.values())
    assert not deployment.paths.validation_report.exists()


def test_one_that_does_not_end_when_asked_is_killed(
    tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, BEGUN, then="trap '' TERM\nwhile :; do sleep 60; done")
    monkeypatch.setattr(validate, "_ENDS_WITHIN", 0.1)
    stop_when(monkeypatch, work, "intent")
    assert run_validation_steps(work)[1].startswith("stopped by")


def test_one_that_says_nothing_is_ended_and_gives_no_verdict(
    tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(tmp_path, BEGUN)
    monkeypatch.setattr(validate, "_patience", lambda _work: 0.2)
    state, failure = run_validation_steps(work)
    assert state == "ABORTED"
    assert failure == "the validator gave no report: it said nothing for 0 s and was killed"


def test_how_far_it_is_stands_in_the_journal_and_on_the_screens(
    tmp_path: Path, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = work.directory / "journal.jsonl"
    says(tmp_path, BEGUN, READ, then=f"until grep -q progress '{journal}'; do sleep 0.01; done")
    seen: list[Operation] = []
    recorded = work.record

    def record(kind: str, **data: object) -> int:
        number = recorded(kind, **data)
        if kind == "progress":
            seen.append(work.operation())
        return number

    monkeypatch.setattr(work, "record", record)
    run_validation_steps(work)
    step = next(step for step in seen[0].steps if step.name == "kpi_calculations")
    assert (step.detail, step.percent) == ("12,345,678 rows read, 41 %, about 12 s left", 41.2)
    assert "running: 12,345,678 rows read, 41 %, about 12 s left" in operation_lines(seen[0])[0]


def test_progress_of_a_step_that_has_ended_changes_nothing() -> None:
    head = {"kind": "planned", "operation_kind": "validate", "steps": []}
    done = {"kind": "done", "step": "audit_trail", "title": "t", "detail": "PASS"}
    late = {"kind": "progress", "step": "audit_trail", "detail": "41 %", "percent": 41.0}
    assert fold("0001-validate", [head, done, late], alive=True).steps[0].detail == "PASS"


def test_a_running_validation_can_be_stopped_by_name_or_as_the_only_one_that_runs(
    deployment: Deployment, work: Work
) -> None:
    assert unfinished(deployment, None, "abort").id == "0001-validate"
    asked = abort(deployment, "1", actor="root", reason="too slow")
    assert isinstance(asked, Path)
    request, _ = requests.take(work.directory, work.me) or (None, "")
    assert request is not None
    assert (request.want, request.reason) == ("abort", "too slow")


def test_one_that_has_ended_cannot_be_stopped(deployment: Deployment, work: Work) -> None:
    (work.directory / "plan.json").write_bytes(b"{}")
    work.record("ended", state="SUCCEEDED", failure="")
    with pytest.raises(Refused, match="nothing to abort"):
        abort(deployment, "1", actor="root")
    assert [item.state for item in list_operations(deployment.paths.operations)] == ["SUCCEEDED"]


def test_reading_is_told_at_most_once_a_second_with_the_time_left() -> None:
    now, told = [0.0], list[Read]()
    reading = Reading(told.append, lambda: now[0])
    for second in (0.4, 0.8, 1.2, 1.6, 2.4):
        now[0] = second
        reading.told(1000, 0.1)
    assert told == [
        Read(3000, pytest.approx(30.0), pytest.approx(2.8)),
        Read(5000, pytest.approx(50.0), pytest.approx(2.4)),
    ]
    assert str(told[0]) == "3,000 rows read, 30 %, about 2.8 s left"
