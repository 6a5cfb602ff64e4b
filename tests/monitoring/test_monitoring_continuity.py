"""The audit trail is lost: moved away, cut, or another one. Who had read it knows that, and says so."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from a_night import Night, criterion
from watching import Watching, condition

from engine.cli import audit
from engine.doctor.deployment import EXAMINATIONS
from engine.monitoring import answers
from engine.monitoring.continuity import Known, known_of, lost_now, missing
from engine.monitoring.facts import Facts
from engine.records import append_event, verify_chain
from engine.reports.headline import _way_back


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    return tmp_path / "events.jsonl"


def read(trail: Path, count: int) -> Known:
    """What is known once so many records were written and read."""
    event = {}
    for number in range(count):
        event = append_event(trail, "note", {"text": "x" * 3000, "number": number}, source="test")
    return known_of(event, trail.stat().st_size)


def cut(trail: Path, count: int) -> None:
    """All but the last ``count`` lines."""
    lines = trail.read_bytes().splitlines(keepends=True)
    trail.write_bytes(b"".join(lines[:-count]))


def test_a_trail_that_only_grew_is_the_one_that_was_read(trail: Path) -> None:
    known = read(trail, 3)
    assert missing(trail, known) == ""
    read(trail, 2)
    assert missing(trail, known) == ""
    trail.rename(trail.with_name("moved"))
    trail.write_bytes(trail.with_name("moved").read_bytes())
    assert missing(trail, known) == "", "a faithful copy in its place is no loss"


def test_a_trail_that_is_gone_shorter_or_another_one_is_lost(trail: Path) -> None:
    known = read(trail, 3)
    whole = trail.read_bytes()
    cut(trail, 1)
    assert "its end is gone" in missing(trail, known)
    read(trail, 3)
    assert "the last of them is not there any more" in missing(trail, known)
    assert verify_chain(trail).intact, "the chain alone shows nothing"
    trail.unlink()
    assert missing(trail, known) == "logs/events.jsonl is gone; 3 records of it had been read"
    trail.write_bytes(whole)
    assert missing(trail, known) == ""


def lose(watching: Watching, how: str) -> None:
    path = watching.deployment.paths.events
    if how == "moved away":
        path.rename(path.with_name("events.old"))
    else:
        cut(path, 2)


@pytest.mark.parametrize("how", ["moved away", "cut"])
@pytest.mark.parametrize("dead", [False, True])
def test_a_trail_that_is_lost_is_critical_until_somebody_takes_note_of_it(
    watching: Watching, how: str, dead: bool
) -> None:
    watching.cut_over()
    assert watching.tick(8).verdict.word == "CONTINUE"
    cutover_at, rows = watching.tick(1).cutover_at, len(watching.log())
    if dead:
        watching.monitor.stop()
        lose(watching, how)
        watching.monitor = watching._new()
    else:
        lose(watching, how)
    after = watching.tick(3)
    assert (condition(after, "AUD").firing, condition(after, "AUD").text) == (
        "critical",
        "the trail that was read is gone",
    )
    assert after.verdict.word == "INVESTIGATE"
    assert any("audit trail LOST" in problem for problem in after.problems)
    assert after.cutover_at == cutover_at, "what was known of it stays known"
    assert not [row for row in watching.log()[rows:] if "validation 5/5" in row], "and is not told again"
    events = [json.loads(line) for line in watching.deployment.paths.events.read_text().splitlines()]
    assert [event["kind"] for event in events].count("audit.trail_lost") == 1
    watching.restart()
    assert condition(watching.tick(12), "AUD").firing == "critical", "runs that leave their events make it no better"
    answers.acknowledge(
        watching.deployment, "AUD", reason="moved by mistake", owner="", actor="K. Lee", clock=watching.clock
    )
    after = watching.tick(150)
    assert (condition(after, "AUD").firing, after.verdict.word) == ("", "CONTINUE")
    watching.restart()
    assert condition(watching.tick(12), "AUD").firing == ""


def test_no_gate_takes_a_trail_for_continuous_that_was_lost_since_the_cutover(deployment: Any, clock: Any) -> None:
    night = Night(deployment, clock)
    night.begin()
    night.hours(1.5)
    night.go("hour-1")
    night.go("hour-8")
    assert criterion(night.ticks(1), "audit_continuous", "hour-24").status == "met"
    lose(night, "moved away")
    night.ticks(1)
    answers.acknowledge(night.deployment, "AUD", reason="known", owner="", actor="K. Lee", clock=night.clock)
    found = criterion(night.ticks(3), "audit_continuous", "hour-24")
    assert (found.status, "is gone" in found.evidence) == ("not met", True)
    night.monitor.stop()


def test_verify_and_doctor_name_what_the_chain_cannot_show(watching: Watching, capsys: Any) -> None:
    watching.cut_over()
    watching.tick(6)
    assert lost_now(watching.deployment) == ""
    lose(watching, "cut")
    context: Any = type("Context", (), {"deployment": lambda self: watching.deployment})()
    options: Any = type("Options", (), {"json": False, "last": None})()
    assert audit.run(context, options) == 1
    assert "its end is gone" in capsys.readouterr().out
    (found,) = EXAMINATIONS["audit trail"](watching.deployment)
    assert (found.status, "its end is gone" in found.what) == ("FAIL", True)


def test_a_report_does_not_say_that_nothing_was_cut_over_beside_the_new_release_live(deployment: Any) -> None:
    for release, said in (("v2", "v2 is live, yet the audit trail holds no cutover"), ("v1", "nothing was cut over")):
        found: Any = SimpleNamespace(facts=Facts(), deployment=deployment, state=SimpleNamespace(release=release))
        assert _way_back(found) == said
