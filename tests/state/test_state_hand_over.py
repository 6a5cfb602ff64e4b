"""The watch changes hands: who is told what, since when; and what can be pasted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from test_state_reader import evaluation

from engine.config import Deployment
from engine.monitoring import answers
from engine.monitoring.store import Measured, SampleStore
from engine.records import append_event, read_lines
from engine.state import StateReader
from engine.state.hand_over import hand_over_lines, take, told_since

KINDS = {"kind": "cutover", "state": "SUCCEEDED", "seconds": 4.1}


@pytest.fixture
def happen(deployment: Deployment, clock: Any) -> Any:
    def one(kind: str, /, actor: str = "k.lee@ops1", after: float = 60, **data: Any) -> None:
        clock.advance(after)
        append_event(deployment.paths.events, kind, data, source="t", actor=actor, operation="0001", clock=clock)

    return one


def test_who_takes_it_for_the_first_time_is_told_since_the_holder_took_it(
    deployment: Deployment, clock: Any, happen: Any
) -> None:
    happen("note", text="before")
    happen("watch.taken", holder="k.lee@ops1")
    happen("note", text="cache restarted")
    happen("validation.finished", status="PASS", release="v2", checks={})
    happen("validation.finished", status="FAIL", release="v2", checks={"performance": "FAIL"})
    happen("gate.decided", gate="hour-1", decision="no-go", by="k.lee@ops1", note="wait")
    told = take(deployment, actor="a.moreno@ops1", clock=clock)
    text = "\n".join(told)
    assert "k.lee@ops1 took the watch" in told[0]
    assert "1 validation PASS" in told[1]
    assert "note: cache restarted" in text and "validation of v2 FAIL 0/1: performance FAIL" in text
    assert "hour-1 gate decided NO-GO: wait (k.lee@ops1)" in text
    assert "before" not in text
    last = list(read_lines(deployment.paths.events))[-1]
    assert last["data"] == {"holder": "a.moreno@ops1", "from": "k.lee@ops1"}


def test_who_held_it_before_is_told_since_giving_it_away(deployment: Deployment, clock: Any, happen: Any) -> None:
    happen("watch.taken", holder="a.moreno@ops1")
    happen("note", text="mine")
    happen("watch.taken", holder="k.lee@ops1")
    happen("note", text="his")
    happen("watch.taken", holder="j.doe@ops1")
    happen("note", text="hers")
    events = list(read_lines(deployment.paths.events))
    assert told_since(events, "a.moreno@ops2").why == "you gave the watch to k.lee@ops1"
    text = "\n".join(take(deployment, actor="a.moreno@ops1", clock=clock))
    assert "note: his" in text and "note: hers" in text and "note: mine" not in text


def test_changes_of_the_verdict_are_told_from_the_samples(deployment: Deployment, clock: Any, happen: Any) -> None:
    happen("watch.taken", holder="k.lee@ops1")
    store = SampleStore(deployment.paths.samples)
    for word in ("CONTINUE", "CONTINUE", "WATCH", "CONTINUE"):
        clock.advance(61)
        found = evaluation(clock)
        store.append([], type(found)(**{**_fields(found), "verdict": type(found.verdict)(word, "", "", "")}))
    store.close()
    text = "\n".join(take(deployment, actor="a.moreno@ops1", clock=clock))
    assert "verdict CONTINUE -> WATCH" in text and "verdict WATCH -> CONTINUE" in text
    assert "verdict was CONTINUE, is CONTINUE" in text


def test_the_summary_names_holder_verdict_gate_and_notes(deployment: Deployment, clock: Any, happen: Any) -> None:
    happen("operation.ended", **KINDS)
    happen("watch.taken", holder="k.lee@ops1")
    answers.note(deployment, "look at the cache", actor="k.lee@ops1", clock=clock)
    clock.advance(timedelta(hours=1.1).total_seconds())
    state = StateReader(deployment, clock).read()
    text = "\n".join(hand_over_lines(state, state.at))
    assert "Watch: k.lee@ops1, since 31 Jan 02:02:00Z" in text
    assert "Verdict: UNKNOWN: no monitor runs" in text
    assert "Open: hour-1 gate waits for a decision" in text
    assert "Next gate: hour-1 gate, DUE since" in text and "validation 5 of 5 unknown" in text
    assert "Note: 02:02Z k.lee@ops1: look at the cache" in text


def test_the_summary_tells_what_was_operated_and_confirmed(deployment: Deployment, clock: Any) -> None:
    def event(what: str, operation: str | None = None, /, **data: Any) -> None:
        clock.advance(5)
        append_event(
            deployment.paths.events, what, data, source="t", actor="k.lee@ops1", operation=operation, clock=clock
        )

    event("operation.ended", "0001-cutover", **KINDS)
    event("watch.taken", holder="k.lee@ops1")
    event("operation.accepted", "0002-rollback", kind="rollback", reason="PAR30 is wrong")
    event("operation.ended", "0002-rollback", kind="rollback", state="SUCCEEDED", seconds=2.1)
    event("operation.accepted", "0003-validate", kind="validate", reason="")
    event("operation.ended", "0003-validate", kind="validate", state="SUCCEEDED", seconds=1.0)
    event("operation.accepted", "0004-cutover", kind="cutover", reason="again")
    event("operation.ended", "0004-cutover", kind="cutover", state="SUCCEEDED", seconds=4.0)
    answers.tick(deployment, "a/1/b", actor="k.lee@ops1", clock=clock)
    answers.tick(deployment, "a/1/c", actor="k.lee@ops1", clock=clock)
    answers.override(deployment, "a/1/d", reason="seen by hand", actor="k.lee@ops1", clock=clock)
    event("service.stop", release="v2", reason="3am")
    state = StateReader(deployment, clock).read()
    done = [line for line in hand_over_lines(state, state.at) if line.startswith("Done: ")]
    assert "v2 stopped by hand: 3am (k.lee@ops1)" in done[0]
    assert "overridden a/1/d: seen by hand" in done[1]
    assert "0004-cutover SUCCEEDED after 4.0 s" in done[2]
    assert "0002-rollback SUCCEEDED after 2.1 s" in done[4]
    assert "0002-rollback accepted: PAR30 is wrong" in done[5]
    assert done[6:] == ["Done: 2 lines of the checklist confirmed"]


def _sampled(deployment: Deployment, clock: Any, *words: str) -> None:
    """A tick a second with these verdicts."""
    store = SampleStore(deployment.paths.samples)
    for word in words:
        clock.advance(1)
        found = evaluation(clock)
        made = type(found)(**{**_fields(found), "verdict": type(found.verdict)(word, "", "", "")})
        store.append([Measured("sources_without_data", 0.0, clock.now(), "e")], made)
    store.close()


def test_when_nobody_looked_is_told_with_the_verdicts_at_both_ends(
    deployment: Deployment, clock: Any, happen: Any
) -> None:
    happen("watch.taken", holder="k.lee@ops1")
    _sampled(deployment, clock, "CONTINUE", "ROLL BACK", "ROLL BACK")
    clock.advance(600)
    _sampled(deployment, clock, "WATCH", "WATCH")
    told = take(deployment, actor="a.moreno@ops1", clock=clock)
    text = "\n".join(told)
    assert "no samples to 02:11:04 (10m): no monitor ran, or it was stopped, or the machine suspended" in text
    order = [text.index(words) for words in ("UNKNOWN -> WATCH", "ROLL BACK -> UNKNOWN", "CONTINUE -> ROLL BACK")]
    assert order == sorted(order), "the newest first"
    assert "is WATCH" in told[1]


def test_a_monitor_that_is_away_still_leaves_the_verdict_unknown(
    deployment: Deployment, clock: Any, happen: Any
) -> None:
    happen("watch.taken", holder="k.lee@ops1")
    _sampled(deployment, clock, "ROLL BACK", "ROLL BACK")
    clock.advance(300)
    told = take(deployment, actor="a.moreno@ops1", clock=clock)
    assert "is UNKNOWN" in told[1] and any("no samples since then (5m" in line for line in told)


def test_the_newest_stands_first(deployment: Deployment, clock: Any, happen: Any) -> None:
    happen("watch.taken", holder="k.lee@ops1")
    happen("note", text="first")
    happen("schedule.missed", slot=1.5, name="T+1:30")
    happen("monitor.suspended", seconds=42.0)
    happen("note", text="last")
    text = "\n".join(take(deployment, actor="a.moreno@ops1", clock=clock))
    assert text.index("note: last") < text.index("T+1:30 MISSED") < text.index("note: first")
    assert "the monitor was stopped or the machine suspended for 42.0 s" in text


def test_the_summary_tells_decisions_waivers_silences_acknowledgements_and_drills(
    deployment: Deployment, clock: Any, happen: Any
) -> None:
    happen("operation.ended", **KINDS)
    happen("watch.taken", holder="k.lee@ops1")
    waiver = {"criterion": "logs_clean", "reason": "noise", "by": "k.lee@ops1", "second": "V. President"}
    happen("gate.decided", gate="hour-1", decision="go", by="k.lee@ops1", waivers=[waiver], criteria={})
    happen("gate.decided", gate="hour-8", decision="no-go", by="k.lee@ops1", note="memory first")
    happen("ack", condition="MEM", owner="k.lee@ops1", reason="on it")
    happen("silenced", condition="LAT", until="2026-01-31T23:00:00Z", reason="load test")
    happen("drill.started", drill="leak", release="v2", until="2026-01-31T03:00:00Z", expected="INVESTIGATE")
    happen("drill.ended", drill="leak", release="v2", ok=True, why="its time was over")
    state = StateReader(deployment, clock).read()
    text = "\n".join(hand_over_lines(state, state.at))
    assert "Decided: hour-1 gate GO by k.lee@ops1 31 Jan 02:03Z, waived logs clean with V. President (noise)" in text
    assert "Decided: hour-8 gate NO-GO by k.lee@ops1 31 Jan 02:04Z: memory first" in text
    assert "Silenced: LAT until 23:00Z by k.lee@ops1: load test" in text
    assert "Done: 02:05:00 MEM acknowledged: on it" in text
    assert text.index("DRILL leak ended") < text.index("DRILL leak of v2 begun") < text.index("MEM acknowledged")


def _fields(struct: Any) -> dict[str, Any]:
    return {name: getattr(struct, name) for name in struct.__struct_fields__}
