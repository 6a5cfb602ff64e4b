"""A rehearsal with ``time_scale``: whoever tells of the watch counts it as the schedule does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from engine.config import Deployment
from engine.state import State, StateReader
from engine.state.alert_views import DrillView
from engine.state.hand_over import hand_over_lines
from engine.state.playback import moment_of
from engine.state.told import lines, marks, news
from engine.state.update import update_lines


@pytest.fixture
def rehearsed(deployment: Deployment, clock: Any) -> State:
    """A quarter of an hour after a cutover, at 96 times the pace: T+24."""
    state = StateReader(deployment, clock).read()
    cutover = clock.wall - timedelta(minutes=15)
    return msgspec.structs.replace(state, time_scale=96.0, cutover_at=cutover, phase="BAKE", at=clock.wall)


def test_status_follow_update_and_hand_over_say_the_scaled_time_and_that_it_is(rehearsed: State) -> None:
    said = "T+24:00 (time x96)"
    assert said in lines(rehearsed)[0]
    assert said in news({}, marks(rehearsed))[0]
    assert said in update_lines(rehearsed, rehearsed.at)[0]
    assert any(said in line for line in hand_over_lines(rehearsed, rehearsed.at))


def test_that_time_passes_is_no_news(rehearsed: State) -> None:
    later = msgspec.structs.replace(rehearsed, at=rehearsed.at + timedelta(minutes=1))
    assert marks(later)["state"] != marks(rehearsed)["state"]
    assert news(marks(rehearsed), marks(later)) == []


def test_at_the_pace_of_the_clock_nothing_is_said_of_a_scale(rehearsed: State) -> None:
    plain = msgspec.structs.replace(rehearsed, time_scale=1.0)
    assert "T+00:15. " in update_lines(plain, plain.at)[0] + " "
    assert not any("time x" in line for line in [*lines(plain), *update_lines(plain, plain.at)])


def test_a_moment_after_the_cutover_is_one_of_the_watch(rehearsed: State) -> None:
    moment = moment_of("T+24h", now=rehearsed.at, cutover_at=rehearsed.cutover_at, scale=rehearsed.time_scale)
    assert moment == rehearsed.at


def test_in_a_drill_update_and_hand_over_begin_with_it(rehearsed: State) -> None:
    drill = DrillView("leak", "v2", rehearsed.at, rehearsed.at + timedelta(minutes=2), "INVESTIGATE", "me")
    drilled = msgspec.structs.replace(rehearsed, drill=drill)
    assert update_lines(drilled, drilled.at)[0].startswith("DRILL, not real: leak of v2")
    assert hand_over_lines(drilled, drilled.at)[0].startswith("DRILL, not real: leak of v2")


def test_the_phase_after_a_rollback_names_the_old_release_as_it_is_called(rehearsed: State) -> None:
    paper = msgspec.structs.replace(rehearsed.releases[0], name="paper")
    back = msgspec.structs.replace(rehearsed, releases=(paper, *rehearsed.releases[1:]), phase="BACK ON V1")
    assert "BACK ON PAPER" in lines(back)[0]
    assert "BACK ON PAPER" in update_lines(back, back.at)[0]
