"""What an operation could not tell the audit trail is written there by the monitor, once, when it can be."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from watching import Watching

from engine.config import Deployment
from engine.operations.journal import Journal
from engine.records import Record, append_event, make_directory, read_lines, verify_chain

sys.path.insert(0, str(Path(__file__).parents[1] / "operations"))

from bench_at_work import work_on

OPERATION = "0001-cutover"


def journal_of(watching: Watching, name: str = OPERATION) -> Journal:
    directory = watching.deployment.paths.operation(name)
    make_directory(directory)
    journal = Journal(directory, watching.clock)
    journal.write("planned", operation_kind=name.partition("-")[2], actor="A. Moreno", reason="release", steps=[])
    return journal


def a_whole_cutover(watching: Watching) -> None:
    """As its worker journals it while nobody can write the trail."""
    journal = journal_of(watching)
    journal.write("accepted", plan="p")
    watching.clock.advance(4.0)
    journal.write("ended", state="SUCCEEDED", failure="", offers=[])


def of_operations(deployment: Deployment) -> list[Record]:
    return [event for event in read_lines(deployment.paths.events) if event.get("operation")]


def test_the_events_that_an_operation_could_not_write_are_filled_in_with_the_journals_time(watching: Watching) -> None:
    watching.tick(2)
    a_whole_cutover(watching)
    ended_at = watching.clock.now().wall
    watching.start("v2")
    evaluation = watching.tick(60)
    found = of_operations(watching.deployment)
    assert [(event["kind"], event["operation_seq"]) for event in found] == [
        ("operation.accepted", 2),
        ("operation.ended", 3),
    ]
    assert {event["source"] for event in found} == {"journal"}
    assert found[1]["data"]["seconds"] == 4.0
    assert evaluation.cutover_at == ended_at
    assert verify_chain(watching.deployment.paths.events).intact


def test_restarts_in_between_fill_nothing_in_twice(watching: Watching) -> None:
    watching.tick(2)
    a_whole_cutover(watching)
    for _ in range(3):
        watching.tick(40)
        watching.restart()
    watching.tick(60)
    counted = Counter((event["operation"], event["operation_seq"]) for event in of_operations(watching.deployment))
    assert counted == {(OPERATION, 2): 1, (OPERATION, 3): 1}


def test_what_the_operation_told_itself_is_not_told_again(watching: Watching) -> None:
    watching.tick(2)
    journal = journal_of(watching)
    for kind, event in (("accepted", "operation.accepted"), ("ended", "operation.ended")):
        seq = journal.write(kind, state="SUCCEEDED")
        append_event(
            watching.deployment.paths.events,
            event,
            {"kind": "cutover", "state": "SUCCEEDED", "seconds": 1.0},
            source="operation",
            operation=OPERATION,
            operation_seq=seq,
            clock=watching.clock,
        )
    watching.tick(80)
    assert [event["source"] for event in of_operations(watching.deployment)] == ["operation", "operation"]


def test_a_record_just_written_is_left_to_its_writer(watching: Watching) -> None:
    watching.tick(40)
    journal_of(watching).write("accepted", plan="p")
    watching.tick(10)
    assert of_operations(watching.deployment) == []
    watching.tick(60)
    assert len(of_operations(watching.deployment)) == 1


def test_a_trail_that_still_cannot_be_written_is_a_problem_and_tried_again(
    watching: Watching, monkeypatch: Any
) -> None:
    watching.tick(2)
    a_whole_cutover(watching)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("engine.monitoring.back_fill.append_event", full)
    evaluation = watching.tick(50)
    assert any("cannot be back-filled" in problem for problem in evaluation.problems)
    assert evaluation.verdict.word == "CONTINUE"
    monkeypatch.undo()
    watching.tick(60)
    assert len(of_operations(watching.deployment)) == 2


def test_an_older_cutover_filled_in_late_does_not_hide_the_newer_one(watching: Watching) -> None:
    watching.tick(2)
    a_whole_cutover(watching)
    watching.clock.advance(600)
    watching.roll_back()
    watching.clock.advance(600)
    watching.cut_over()
    newer = watching.clock.now().wall
    evaluation = watching.tick(60)
    assert len(of_operations(watching.deployment)) == 2
    assert evaluation.cutover_at == newer


def test_a_damaged_journal_stops_nothing(watching: Watching) -> None:
    watching.tick(2)
    a_whole_cutover(watching)
    (watching.deployment.paths.operation("0000-cutover")).mkdir(parents=True)
    (watching.deployment.paths.operation("0000-cutover") / "journal.jsonl").write_bytes(b"no journal\n{}\n")
    watching.tick(80)
    assert len(of_operations(watching.deployment)) == 2


def test_a_trail_that_refuses_every_write_during_an_operation_is_whole_afterwards(watching: Watching) -> None:
    deployment = watching.deployment
    watching.tick(2)
    trail = deployment.paths.events
    aside = trail.with_name("aside")
    trail.rename(aside)
    trail.symlink_to(aside)  # refused as a read-only file would be, whoever asks: no symlink is followed
    work = work_on(deployment, watching.clock, "rollback")
    with pytest.raises(OSError, match="symbolic link"):
        work.event("operation.accepted", {"kind": "rollback"}, 3)
    watching.tick(20, events=False)
    watching.restart()
    watching.clock.advance(2.0)
    work.record("tell", detail="tell now: on call")
    work.record("ended", state="SUCCEEDED", failure="", offers=[])
    assert any("audit trail" in problem for problem in watching.tick(40, events=False).problems)
    trail.unlink()
    aside.rename(trail)
    assert of_operations(deployment) == []
    watching.restart()
    watching.tick(40)
    watching.restart()
    evaluation = watching.tick(40)
    found = of_operations(deployment)
    assert [(event["kind"], event["operation_seq"]) for event in found] == [
        ("operation.accepted", 3),
        ("rollback.tell", 4),
        ("operation.ended", 5),
    ]
    assert found[2]["actor"] == "tester"
    assert not any("audit trail" in problem for problem in watching.tick(400, runs_every=0).problems)
    assert evaluation.cutover_at is None
    assert verify_chain(trail).intact
