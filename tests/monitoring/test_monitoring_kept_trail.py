"""The audit trail without what no fold needs twice: whoever begins with it knows what the whole file says."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from watching import Watching

from engine.config import Deployment
from engine.monitoring.kept import KeptTrail, begin, compacted
from engine.monitoring.store import SampleStore
from engine.records import append_event, read_lines
from engine.state.trail import Trail, extend


def some_events(watching: Watching, count: int, seed: int) -> None:
    luck = random.Random(seed)
    for number in range(count):
        watching.clock.advance(7.0)
        what = luck.randrange(12)
        if what < 6:
            watching.event("run.started", run_id=str(number), release="v2")
            status = "ok" if luck.random() < 0.9 else "failed"
            watching.event("run.finished", run_id=str(number), release=luck.choice(("v1", "v2", "v2")), status=status)
        elif what < 9:
            ok = luck.random() < 0.8
            watching.event("way_back.proven", ok=ok, seconds=1.0, snapshot=f"{number:04d}", release="v1", reason="no")
        elif what == 9:
            watching.validated(luck.choice(("PASS", "FAIL")))
        elif what == 10:
            watching.event("checklist.done", key=f"hour1/1800/{number}", measured="", note="")
        else:
            watching.event("ack", condition=luck.choice(("LAT", "MEM")), reason="seen")


def folded(records: list[dict[str, Any]]) -> Trail:
    trail = extend(Trail(), records)
    return replace(trail, facts=msgspec.structs.replace(trail.facts, seq=0))  # the last record may be left out


@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_says_the_same_as_the_whole_trail(watching: Watching, monkeypatch: Any, seed: int) -> None:
    monkeypatch.setattr("engine.monitoring.kept.WRITE_EVERY", 2000)
    events, store = watching.deployment.paths.events, SampleStore(watching.deployment.paths.samples)
    kept = KeptTrail(events, store)
    for part in range(6):
        some_events(watching, 25, 100 * seed + part)
        kept.follow()
        if part % 2:  # another monitor goes on
            kept = KeptTrail(events, store)
    begun = begin(events, store)
    assert begun.records
    assert len(begun.records) < len(read_lines(events)) / 2
    assert folded([*begun.records, *begun.tail.new_records()]) == folded(read_lines(events))


def test_good_runs_and_proofs_of_weeks_are_a_handful_of_records() -> None:
    runs = [{"kind": "run.finished", "at": f"{n}", "data": {"release": "v2", "status": "ok"}} for n in range(900)]
    proofs = [{"kind": "way_back.proven", "at": f"{n}", "data": {"ok": True}} for n in range(900)]
    kept = compacted([event for pair in zip(runs, proofs, strict=True) for event in pair])
    assert [event["kind"] for event in kept] == ["run.finished", "way_back.proven"]
    assert kept[0]["together"] == {"since": "0", "count": 900}


def test_another_file_in_its_place_is_read_itself(watching: Watching, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.monitoring.kept.WRITE_EVERY", 100)
    events, store = watching.deployment.paths.events, SampleStore(watching.deployment.paths.samples)
    some_events(watching, 30, 1)
    kept = KeptTrail(events, store)
    kept.follow()
    assert begin(events, store).records
    events.unlink()
    some_events(watching, 40, 2)
    begun = begin(events, store)
    assert begun.records == []
    assert len(begun.tail.new_records()) == len(read_lines(events))
    for _ in range(2):
        kept.follow()
    begun = begin(events, store)
    assert begun.records
    assert folded([*begun.records, *begun.tail.new_records()]) == folded(read_lines(events))


def test_a_damaged_line_that_lies_far_back_is_still_told(watching: Watching, monkeypatch: Any) -> None:
    monkeypatch.setattr("engine.monitoring.kept.WRITE_EVERY", 100)
    events, store = watching.deployment.paths.events, SampleStore(watching.deployment.paths.samples)
    some_events(watching, 10, 1)
    with events.open("ab") as stream:
        stream.write(b"no record at all\n")
    kept = KeptTrail(events, store)
    for _ in range(4):
        kept.follow()
    append_event(events, "note", {"text": "later"}, source="test", clock=watching.clock)
    kept.follow()
    begun = begin(events, store)
    assert begun.records
    assert "line" in begun.damage[0]


def test_a_store_of_an_earlier_version_keeps_nothing_and_everything_is_read(deployment: Deployment, clock: Any) -> None:
    append_event(deployment.paths.events, "note", {"text": "one"}, source="test", clock=clock)
    begun = begin(deployment.paths.events, SampleStore(deployment.paths.samples, read_only=True))
    assert begun.records == []
    assert len(begun.tail.new_records()) == 1
