"""When a FAIL is a reason to roll back: the hour-1 gate's own validation and its one re-run, and nothing else."""

from __future__ import annotations

import pytest
from watching import Watching, condition

HOUR = 60
"""Seconds of an hour: the watch runs at time x60."""


def fails(fast: Watching, occasion: str = "") -> str:
    """What VAL fires after one more FAIL."""
    fast.validated("FAIL", occasion=occasion, performance="FAIL")
    return condition(fast.tick(2), "VAL").firing or ""


@pytest.fixture
def watched(fast: Watching) -> Watching:
    """V2 has been watched for an hour; its own validation of hour 1 is under way."""
    fast.tick(3)
    fast.cut_over()
    fast.tick(HOUR + 1)
    return fast


def test_the_validation_of_hour_1_and_its_re_run_are_one(watched: Watching) -> None:
    assert fails(watched, "slot") == "critical"
    assert fails(watched, "again") == "rollback"
    assert condition(watched.tick(), "VAL").text == "FAIL again at hour 1"


def test_what_a_person_runs_is_investigated_however_often_it_fails(watched: Watching) -> None:
    assert [fails(watched) for _ in range(4)] == ["critical"] * 4
    assert fails(watched, "slot") == "critical"
    assert fails(watched) == "critical"


def test_a_person_neither_confirms_nor_lightens_what_the_re_run_found(watched: Watching) -> None:
    assert fails(watched, "slot") == "critical"
    assert fails(watched, "again") == "rollback"
    assert fails(watched) == "rollback"


def test_other_slots_and_what_follows_a_change_are_no_confirmation(watched: Watching) -> None:
    watched.validated("PASS", occasion="slot")
    watched.tick(5 * HOUR)
    assert [fails(watched, occasion) for occasion in ("slot", "change", "slot")] == ["critical"] * 3


def test_after_the_gate_was_decided_go_it_is_none(watched: Watching) -> None:
    watched.event("gate.decided", gate="hour-1", decision="go", by="A. Moreno")
    assert fails(watched, "slot") == "critical"
    assert fails(watched, "again") == "critical"


def test_a_pass_between_both_takes_it_back(watched: Watching) -> None:
    assert fails(watched, "slot") == "critical"
    watched.validated("PASS")
    watched.tick()
    assert fails(watched, "again") == "critical"


def test_what_a_person_runs_calls_for_no_re_run(watched: Watching) -> None:
    watched.validated("PASS", occasion="slot")
    watched.tick(2)
    began = len(watched.started.commands)
    watched.validated("FAIL", performance="FAIL")
    watched.tick(3)
    assert len(watched.started.commands) == began


def test_loss_found_before_the_way_back_confirms_none_found_after_the_next_cutover(fast: Watching) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.validated("FAIL", data_loss=True, data_integrity="FAIL")
    fast.tick(2)
    fast.roll_back()
    fast.tick(3)
    fast.cut_over(validated=False)
    fast.validated("FAIL", data_loss=True, data_integrity="FAIL")
    fast.tick(2)
    assert condition(fast.tick(2), "DQ").firing == "critical"
