"""How an operation came out, in the words that every screen, list and report takes."""

from __future__ import annotations

from typing import Any

import pytest

from engine.clock import parse_iso
from engine.config import Deployment
from engine.monitoring.back_fill import events_of
from engine.operations import planning
from engine.operations.journal import fold
from engine.operations.model import Operation
from engine.operations.outcome import as_json, outcome_words, state_word, well
from engine.state.event_words import in_words
from engine.state.told import operation_line


def record(kind: str, boot: float, **data: Any) -> dict[str, Any]:
    at = f"2026-01-31T02:0{int(boot) // 60}:{int(boot) % 60:02}.000Z"
    return {"kind": kind, "at": at, "boot": boot, "boot_id": "a boot", **data}


def ended(kind: str, *ends: dict[str, Any]) -> Operation:
    head = record("planned", 0.0, operation_kind=kind, release_from="v1", release_to="v2", steps=[])
    return fold(f"0006-{kind}", [head, record("accepted", 0.0), record("worker", 0.0, pid=7), *ends], alive=False)


STOPPED = record("ended", 4.4, state="NEEDS_HUMAN", failure="validation FAIL")
CLOSED = record("closed", 64.4, state="SUCCEEDED", failure="closed by hand: v2 runs; root says: ok", found="v2 runs")
BACK = record("closed", 64.4, state="ROLLED_BACK", failure="validation FAIL", by="0007-rollback")


def test_what_an_operation_takes_is_told_without_the_time_in_which_no_worker_was_at_it() -> None:
    """A rollback whose worker died, and that somebody went on with after a minute."""
    back = ended("rollback", record("worker", 61.0, pid=8), record("ended", 62.2, state="SUCCEEDED", failure=""))
    assert (back.seconds, back.unattended) == (62.2, 61.0)
    assert planning._expected([back], "rollback") == pytest.approx(1.2)


def found(failure: str) -> dict[str, Any]:
    return record("ended", 0.5, state="SUCCEEDED", failure=failure)


@pytest.mark.parametrize(
    ("operation", "word", "good"),
    [
        (ended("cutover", record("ended", 4.4, state="SUCCEEDED", failure="")), "SUCCEEDED", True),
        (ended("cutover", STOPPED), "NEEDS YOU", False),
        (ended("cutover", STOPPED, CLOSED), "CLOSED BY HAND", False),
        (ended("cutover", STOPPED, BACK), "ROLLED BACK", False),
        (ended("validate", found("validation says FAIL: 2.2 is not 2.3")), "FAIL", False),
        (ended("validate", record("warning", 0.4, detail="WARN: gaps"), found("")), "WARN", True),
        (ended("validate", found("")), "PASS", True),
        (ended("validate", record("ended", 0.5, state="ABORTED", failure="stopped by root")), "STOPPED", False),
    ],
)
def test_an_operation_is_called_what_came_of_it(operation: Operation, word: str, good: bool) -> None:
    assert (state_word(operation), well(operation), as_json(operation)["outcome"]) == (word, good, word)


def test_closing_by_hand_leaves_the_state_for_programs_and_says_so_beside_it() -> None:
    told = as_json(ended("cutover", STOPPED, CLOSED))
    assert (told["state"], told["closed_by_hand"]) == ("SUCCEEDED", "v2 runs")


def test_when_it_stopped_and_when_it_was_closed_stand_apart() -> None:
    assert outcome_words(ended("cutover", STOPPED, BACK)) == "stopped after 4.4 s, ROLLED BACK at 02:01:04Z"
    assert outcome_words(ended("cutover", STOPPED, CLOSED)) == "stopped after 4.4 s, CLOSED BY HAND at 02:01:04Z"


def test_the_screens_view_tells_the_same() -> None:
    view = ended("cutover", STOPPED, CLOSED)
    assert operation_line(view) == (
        "0006-cutover stopped after 4.4 s, CLOSED BY HAND at 02:01:04Z: v2 runs; root says: ok"
    )


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            {"kind": "cutover", "state": "ROLLED_BACK", "seconds": 4.4, "by": "0007-rollback", "later": 60.2},
            "0006-cutover stopped after 4.4 s, ROLLED BACK by 0007-rollback 60 s later",
        ),
        (
            {"kind": "cutover", "state": "SUCCEEDED", "seconds": 4.4, "resolved": "checked", "found": "v2 runs"},
            "0006-cutover stopped after 4.4 s, CLOSED BY HAND: checked; found: v2 runs",
        ),
        ({"kind": "validate", "state": "SUCCEEDED", "seconds": 0.5, "found": "FAIL"}, "0006-cutover FAIL after 0.5 s"),
        (
            {"kind": "validate", "state": "ABORTED", "seconds": 0.5, "found": "STOPPED"},
            "0006-cutover STOPPED after 0.5 s",
        ),
    ],
)
def test_the_trail_tells_it_too(data: dict[str, Any], words: str) -> None:
    event = {"kind": "operation.ended", "at": "2026-01-31T02:01:04.000Z", "operation": "0006-cutover", "data": data}
    assert in_words(event) == f"02:01:04 {words}"


def test_the_time_of_closing_is_when_it_was_closed() -> None:
    assert ended("cutover", STOPPED, BACK).ended == parse_iso("2026-01-31T02:01:04.000Z")


def test_what_the_monitor_fills_in_from_the_journal_says_it_as_well(deployment: Deployment) -> None:
    head = record("planned", 0.0, operation_kind="cutover", release_from="v1", release_to="v2", steps=[])
    records = [head, record("accepted", 0.0), STOPPED, CLOSED | {"by": "a person", "reason": "checked"}]
    told = list(events_of(deployment, "0006-cutover", [one | {"seq": n} for n, one in enumerate(records)]))
    event = {"kind": told[-1][1], "at": "2026-01-31T02:01:04.000Z", "operation": "0006-cutover", "data": told[-1][2]}
    assert "stopped after 4.4 s, CLOSED BY HAND: checked; found: v2 runs" in in_words(event)
