from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from watching import Watching

from engine.config import Deployment
from engine.errors import Refused
from engine.monitoring import answers
from engine.monitoring.at_hand import around_now, cannot_be_confirmed
from engine.monitoring.board import read_board
from engine.monitoring.checklist import Moment, find, items
from engine.monitoring.facts import Facts, fold
from engine.monitoring.model import ChecklistItem
from engine.monitoring.schedule import offsets, slot_name
from engine.records import read_lines


@pytest.fixture
def board(deployment: Deployment, clock: Any) -> Any:
    def read(since: datetime | None, evaluation: Any = None) -> dict[str, ChecklistItem]:
        facts = fold(Facts(), read_lines(deployment.paths.events))
        moment = Moment(
            now=clock.now().wall,
            since=since,
            rolled_back_at=facts.rolled_back_at,
            answers=facts.answers,
            evaluation=evaluation,
            validations=facts.validations,
            release="v2",
            time_scale=1.0,
        )
        return {item.key: item for item in items(deployment.checklist, moment)}

    return read


def test_before_a_cutover_only_what_comes_before_it_is_due(board: Any) -> None:
    found = board(None)
    assert {item.slot for item in found.values()} == {"before"}
    assert {item.state for item in found.values()} == {"due"}


def test_a_line_is_later_then_due_then_overdue_then_missed(board: Any, clock: Any) -> None:
    since, seen = clock.now().wall, []
    for minutes in (29, 1, 16, 15):
        clock.advance(60 * minutes)
        seen.append(board(since)["hour1/1800/logs"].state)
    assert seen == ["later", "due", "overdue", "missed"]


def test_a_tick_and_an_override_say_who_when_and_what_was_measured(
    board: Any, deployment: Deployment, clock: Any
) -> None:
    since = clock.now().wall
    clock.advance(1900)
    answers.tick(deployment, "hour1/1800/logs", measured="0 errors", note="clean", actor="A. Moreno", clock=clock)
    answers.override(deployment, "hour1/1800/audit", reason="known gap", actor="K. Lee", clock=clock)
    found = board(since)
    done, overridden = found["hour1/1800/logs"], found["hour1/1800/audit"]
    assert (done.state, done.who, done.measured, done.note) == ("done", "A. Moreno", "0 errors", "clean")
    assert (overridden.state, overridden.who, overridden.note) == ("overridden", "K. Lee", "known gap")


def test_an_override_without_a_reason_is_refused(deployment: Deployment) -> None:
    with pytest.raises(Refused):
        answers.override(deployment, "hour1/1800/audit", reason="  ", actor="K. Lee")
    assert not deployment.paths.events.exists()


def test_an_answer_to_an_earlier_cutover_answers_nothing_now(board: Any, deployment: Deployment, clock: Any) -> None:
    answers.tick(deployment, "hour1/1800/logs", actor="A. Moreno", clock=clock)
    clock.advance(60)
    since = clock.now().wall
    clock.advance(1800)
    assert board(since)["hour1/1800/logs"].state == "due"


def test_the_measurement_is_filled_in_with_its_time_and_a_missing_one_is_not_ok(watching: Watching) -> None:
    watching.tick(3)
    watching.cut_over()
    watching.tick(3)
    watching.validated("PASS")
    evaluation = watching.tick()
    moment = Moment(
        now=evaluation.at + timedelta(hours=1.5),
        since=evaluation.at,
        rolled_back_at=None,
        answers={},
        evaluation=evaluation,
        validations=(),
        release="v2",
        time_scale=1.0,
    )
    found = {item.key: item for item in items(watching.deployment.checklist, moment)}
    memory, logs = found["watch/5400/memory"], found["watch/5400/logs"]
    assert memory.measured.endswith("Z")
    assert memory.measured_ok is True
    assert (logs.measured, logs.measured_ok) == ("log cannot be read: output.log: No such file or directory", False)
    assert found["hour1/3600/report"].measured == ""
    without = items(watching.deployment.checklist, Moment(**{**_fields(moment), "evaluation": None}))
    missing = next(item for item in without if item.key == "watch/5400/memory")
    assert (missing.measured, missing.measured_ok) == ("missing", False)


def _fields(moment: Moment) -> dict[str, Any]:
    return {name: getattr(moment, name) for name in Moment.__slots__}


def test_a_rollback_closes_the_list_and_asks_again_what_comes_before(
    deployment: Deployment, clock: Any, watching: Watching
) -> None:
    answers.tick(deployment, "before/0/briefed", actor="A. Moreno", clock=clock)
    watching.cut_over()
    clock.advance(60)
    watching.roll_back()
    clock.advance(60)
    lines = read_board(deployment, clock)
    assert {item.state for item in lines if item.slot == "before"} == {"due"}
    closed = [item for item in lines if item.slot != "before"]
    assert {(item.slot, item.state) for item in closed} == {("T+0", "closed")}
    assert all("closed: rolled back 31 Jan 02:01:00Z, operation" in item.note for item in closed)


def test_around_now_shows_what_is_open_and_what_is_next(board: Any, clock: Any) -> None:
    since = clock.now().wall
    clock.advance(1800)
    shown = around_now(tuple(board(since).values()), 14)
    assert len(shown) == 14
    assert any(item.state == "due" for item in shown)
    clock.advance(3600)
    shown = around_now(tuple(board(since).values()), 60)
    assert {"missed", "due", "later"} <= {item.state for item in shown}


def test_an_unknown_line_is_refused_with_those_that_are_open(board: Any) -> None:
    with pytest.raises(Refused, match="no line") as refused:
        find(tuple(board(None).values()), "befor/0/disk")
    assert "before/0/dashboards" in refused.value.fix


def test_the_windows_hold_the_documented_slots(deployment: Deployment) -> None:
    windows = {window.id: [slot_name(at) for at in offsets(window)] for window in deployment.checklist.windows}
    assert windows["hour1"] == ["T+0:30", "T+1"]
    assert (windows["watch"][0], windows["watch"][-1], len(windows["watch"])) == ("T+1:30", "T+5", 8)
    assert windows["afternoon"] == ["T+10", "T+12", "T+14", "T+16"]
    assert windows["day1"] == ["T+20", "T+24"]
    assert windows["daily"][-1] == "day 28"


def test_an_acknowledgement_of_nothing_is_refused(deployment: Deployment) -> None:
    with pytest.raises(Refused):
        answers.acknowledge(deployment, "MEMORY", actor="A. Moreno")


@pytest.mark.parametrize(
    ("state", "ok", "may"),
    [
        ("due", True, True),
        ("overdue", None, True),
        ("due", False, False),
        ("missed", True, False),
        ("later", True, True),
    ],
)
def test_what_was_missed_or_measured_otherwise_is_closed_with_a_reason_only(
    state: Any, ok: bool | None, may: bool
) -> None:
    assert (cannot_be_confirmed(state, "27 %", ok) == "") is may
