"""The newest events as a person reads them."""

from __future__ import annotations

from typing import Any

import pytest

from engine.records import Record
from engine.state.event_words import LAST_EVENTS, Told, in_words, tell


def event(kind: str, at: str = "01:00:00", /, *, operation: str | None = None, **data: Any) -> Record:
    stamp = f"2026-01-31T{at}.000Z"
    return {"kind": kind, "at": stamp, "actor": "moreno@ops1", "operation": operation, "data": data}


def test_runs_of_one_release_share_a_line_that_counts_them() -> None:
    told = tell(Told(), [event("run.finished", "01:00:00", release="v1", status="ok")])
    told = tell(told, [event("run.started", "01:00:05", release="v1")])
    told = tell(told, [event("run.finished", "01:00:05", release="v1", status="ok")])
    assert told.lines == ("01:00:05 v1 published 2 runs since 01:00:00",)


def test_another_event_or_another_release_begins_a_new_line() -> None:
    good = {"release": "v1", "status": "ok"}
    told = tell(
        Told(),
        [
            event("run.finished", "01:00:00", **good),
            event("note", "01:00:02", text="coffee"),
            event("run.finished", "01:00:05", **good),
            event("run.finished", "01:00:10", release="v2", status="ok"),
        ],
    )
    assert [line[9:20] for line in told.lines] == ["v1 publishe", "note: coffe", "v1 publishe", "v2 publishe"]


def test_a_failed_run_and_a_failed_proof_are_said_a_good_proof_is_not() -> None:
    told = tell(
        Told(),
        [
            event("run.finished", release="v2", status="failed"),
            event("way_back.proven", ok=True),
            event("way_back.proven", ok=False, reason="snapshot 0004 is not whole"),
        ],
    )
    assert [line[9:] for line in told.lines] == ["v2 run FAILED", "way back NOT proven: snapshot 0004 is not whole"]


def test_a_rehearsal_is_told_with_its_answer_and_who_asked_for_it() -> None:
    good = event("rollback.rehearsed", ok=True, seconds=2.12, note="")
    assert in_words(good) == "01:00:00 rollback rehearsed: READY, 2.1 s (moreno@ops1)"
    bad = event("rollback.rehearsed", ok=False, seconds=2.1, reason="space: 1 MB free")
    assert in_words(bad) == "01:00:00 rollback rehearsed: NOT READY: space: 1 MB free (moreno@ops1)"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            event("operation.accepted", operation="0003-cutover", kind="cutover", reason="weekly release"),
            "0003-cutover accepted: weekly release (moreno@ops1)",
        ),
        (
            event("operation.ended", operation="0003-cutover", state="NEEDS_HUMAN", seconds=4.21),
            "0003-cutover NEEDS YOU after 4.2 s",
        ),
        (
            event("validation.finished", release="v2", status="FAIL", checks={"a": "PASS", "data_integrity": "FAIL"}),
            "validation of v2 FAIL 1/2: data_integrity FAIL",
        ),
        (event("service.restarted", release="v2", reason="exit code -9"), "v2 RESTARTED: exit code -9"),
        (event("new.kind", answer=42), "new.kind answer=42 (moreno@ops1)"),
    ],
)
def test_an_event_reads_as_a_sentence(made: Record, words: str) -> None:
    assert in_words(made) == f"01:00:00 {words}"


@pytest.mark.parametrize("data", [None, [], "x", {"checks": 7, "seconds": "long", "reason": 3, "text": {}}])
def test_an_event_that_lacks_what_its_kind_needs_is_still_a_line(data: Any) -> None:
    kinds = ("operation.accepted", "operation.ended", "validation.finished", "ack", "note", "run.finished", "x")
    told = tell(Told(), [{"kind": kind, "data": data} for kind in kinds])
    assert len(told.lines) == len(kinds)


def test_only_the_last_events_are_kept() -> None:
    told = tell(Told(), [event("note", text=str(number)) for number in range(LAST_EVENTS + 5)])
    assert len(told.lines) == LAST_EVENTS
    assert "note: 5 " in told.lines[0]


def test_a_trial_on_another_tape_is_called_one() -> None:
    said = in_words(event("validation.finished", release="v1", status="FAIL", checks={}, live=False))
    assert "trial on another tape" in said


@pytest.mark.parametrize(
    ("kind", "data", "said"),
    [
        (
            "alert.opened",
            {"condition": "MEM", "priority": "P3", "text": "204 MB", "to": ["data_ops"]},
            "alert opened P3 MEM: 204 MB; to data ops",
        ),
        (
            "alert.opened",
            {"condition": "MEM", "priority": "P3", "text": "204 MB", "to": ["data_ops"], "silenced": True},
            "alert opened P3 MEM: 204 MB; silenced",
        ),
        (
            "alert.escalated",
            {"condition": "MEM", "priority": "P1", "text": "900 MB", "to": ["cto"]},
            "alert ESCALATED P1 MEM: 900 MB; to cto",
        ),
        (
            "notified",
            {"channel": "hook", "ok": False, "detail": "answered 503", "about": "opened", "alert": "MEM-1", "to": []},
            "channel hook FAILED: answered 503 (opened MEM-1)",
        ),
        (
            "notified",
            {"channel": "log", "ok": True, "detail": "written", "about": "opened", "alert": "MEM-1", "to": ["cto"]},
            "told by log to cto: opened MEM-1, written",
        ),
        (
            "silenced",
            {"condition": "MEM", "until": "2026-01-31T09:40:00.000Z", "reason": "proxy"},
            "MEM silenced until 09:40Z: proxy (moreno@ops1)",
        ),
        ("silenced", {"condition": "MEM", "until": "x", "reason": "ended"}, "MEM silenced no more (moreno@ops1)"),
        ("update.sent", {"channels": [], "by_hand": True}, "status update sent by hand (moreno@ops1)"),
        (
            "notify.tested",
            {"channels": {"log": {"ok": True}, "hook": {"ok": False}}},
            "alert channels tested: log ok, hook FAILED (moreno@ops1)",
        ),
    ],
)
def test_telling_people_is_said_in_words(kind: str, data: dict[str, Any], said: str) -> None:
    assert in_words(event(kind, **data))[9:] == said
    assert in_words(event(kind))  # one that lacks what it needs is a line all the same
