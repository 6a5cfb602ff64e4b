"""A console on the past says so on every screen, moves as it is told, and can do nothing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
import states
from behind_the_console import FakeActions
from msgspec.structs import replace
from test_tui_keys import screen_text, shows, until
from textual.pilot import Pilot

from engine.errors import Refused
from engine.state.alert_views import DrillView
from engine.state.model import State
from engine.state.playback import Playback
from tui.app import ConsoleApp
from tui.commands import COMMANDS
from tui.glyphs import UNICODE
from tui.pane import Pane
from tui.replaying import Replay, no_actions
from tui.screens.dashboard import Dashboard
from tui.screens.views import VIEWS

Make = Callable[..., ConsoleApp]
BEGIN = states.NOW - timedelta(hours=2)
DRILL = DrillView("latency", "v2", states.NOW, states.NOW + timedelta(seconds=100), "INVESTIGATE", "me")


class PastReader:
    """The same state at every moment, and one event at an hour past the beginning."""

    def __init__(self, playback: Playback, state: State) -> None:
        self._playback, self._state = playback, state

    def read(self) -> State:
        return replace(self._state, at=self._playback.moment())

    def next_event(self, moment: datetime, *, later: bool) -> datetime | None:
        event = BEGIN + timedelta(hours=1)
        return event if (event > moment) is later and event != moment else None


def on_the_past(state: State = states.WARNING, **more: Any) -> tuple[ConsoleApp, Playback]:
    playback = Playback(BEGIN, states.NOW, speed=10.0, ticking=lambda: 0.0)
    reader: Any = PastReader(playback, state)
    app = ConsoleApp(
        root="/srv/abaco",
        target="v1",
        glyphs=UNICODE,
        make_reader=lambda: reader,
        actions=more.pop("actions", no_actions()),
        replay=Replay(playback, reader),
        **more,
    )
    return app, playback


def first_row(app: ConsoleApp) -> str:
    return app.screen.query_one("#header", Pane).text().splitlines()[0]


async def test_every_screen_says_that_it_is_a_replay_how_fast_and_of_when() -> None:
    app, _ = on_the_past()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        for key in (
            "1",
            "2",
            "enter",
            "3",
            "4",
            "5",
            "6",
            "7",
            "8",
            "9",
            "w",
            "u",
            "?",
            "colon",
            "escape",
            "slash",
            "@",
        ):
            await pilot.press(key)
            await pilot.pause(0.05)
            assert "REPLAY x10" in first_row(app) and "01-31 07:12:04Z" in first_row(app), (key, first_row(app))


async def test_the_mark_stands_before_anything_was_read() -> None:
    app, playback = on_the_past()

    def never() -> Any:
        raise OSError("cannot be read")

    app._reader._make = never
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "REPLAY x10" in first_row(app))
        assert "01-31 07:12:04Z" in first_row(app) or playback.moment() == BEGIN


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_the_mark_is_never_cut_by_a_drill_of_then(size: tuple[int, int]) -> None:
    app, _ = on_the_past(replace(states.WARNING, drill=DRILL, time_scale=60.0))
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "DRILL latency" if size[0] > 80 else " DRILL ")
        assert "V2 LIVE" in first_row(app) and "T+" in first_row(app) and " PROD " in first_row(app)
        assert "REPLAY x10" in first_row(app) and "WATCH" in first_row(app)


async def test_ages_are_those_of_the_moment_that_is_shown() -> None:
    seen = replace(states.WARNING, monitor=replace(states.WARNING.monitor, observed_at=BEGIN - timedelta(seconds=43)))
    app, _ = on_the_past(seen)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "data 43s")


async def test_nothing_that_writes_runs_in_a_replay() -> None:
    actions = FakeActions()
    app, _ = on_the_past(actions=actions)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        writing = [item for item in COMMANDS.values() if item.risk != "view"]
        assert {"validate", "cutover", "rollback", "note", "acknowledge"} <= {item.id for item in writing}
        for command in writing:
            app.invoke(command)
            await shows(pilot, f"{command.title} is refused: this is a replay")
            assert isinstance(app.screen, Dashboard)
        assert actions.asked == []


def test_what_stands_behind_a_replay_refuses_whatever_is_asked() -> None:
    actions = no_actions()
    for ask in (actions.plan_rollback, actions.validate, actions.ensure_monitor, lambda: actions.note("x")):
        with pytest.raises(Refused, match="this is a replay"):
            ask()


async def press_and_await(pilot: Pilot[Any], key: str, wanted: Callable[[], object]) -> None:
    await pilot.press(key)
    await until(pilot, wanted, key)


async def test_keys_pause_change_the_speed_and_seek() -> None:
    app, playback = on_the_past()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "REPLAY x10")
        await press_and_await(pilot, ">", lambda: "REPLAY x30" in first_row(app))
        await press_and_await(pilot, "<", lambda: "REPLAY x10" in first_row(app))
        await press_and_await(pilot, ".", lambda: "07:13:04Z" in first_row(app))
        await press_and_await(pilot, ",", lambda: "07:12:04Z" in first_row(app))
        await press_and_await(pilot, ")", lambda: "08:12:04Z" in first_row(app))
        await press_and_await(pilot, "(", lambda: "07:12:04Z" in first_row(app))
        await press_and_await(pilot, "p", lambda: "REPLAY paused" in first_row(app))
        assert playback.paused


async def test_the_next_event_is_shown_standing_still_and_there_may_be_none() -> None:
    app, playback = on_the_past()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "REPLAY x10")
        await press_and_await(pilot, "}", lambda: "REPLAY paused  01-31 08:12:04Z" in first_row(app))
        await press_and_await(pilot, "}", lambda: "nothing more happened" in screen_text(app))
        assert playback.moment() == BEGIN + timedelta(hours=1)


async def test_a_moment_can_be_typed() -> None:
    app, _ = on_the_past()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "REPLAY x10")
        await pilot.press("@", *"2026-01-31T09:00Z", "enter")
        await until(pilot, lambda: "09:00:00Z" in first_row(app))
        await pilot.press("@", *"soon", "enter")
        await shows(pilot, "is no moment")


async def test_q_leaves_a_replay_from_each_view_as_its_footer_says() -> None:
    app, _ = on_the_past()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "REPLAY x10")
        app.show_view(next(iter(VIEWS)))
        await until(pilot, lambda: len(app.screen_stack) > 1)
        await shows(pilot, "leave")
        await pilot.press("escape")
        await until(pilot, lambda: len(app.screen_stack) == 1)
        app.show_view(next(iter(VIEWS)))
        await until(pilot, lambda: len(app.screen_stack) > 1)
        await pilot.press("q")
        await until(pilot, lambda: app._exit)


async def test_a_console_of_now_knows_no_replay(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        before = first_row(app)
        await pilot.press(".", "}", "@")
        assert first_row(app) == before and isinstance(app.screen, Dashboard)
        await pilot.press("?", "G")
        assert "replay" not in screen_text(app).lower()


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_a_drill_stands_in_row_1_of_every_screen_with_the_time_it_has_left(
    make_app: Make, size: tuple[int, int]
) -> None:
    app = make_app(replace(states.WARNING, drill=DRILL, demo=True, time_scale=60.0, environment="DEMO"))
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "WATCH")
        for key in ("1", "5", "?", "colon", "escape", "R"):
            await pilot.press(key)
            await pilot.pause(0.05)
            whole = "DRILL latency, ends in 1m40s" if size[0] > 80 else "DRILL latency "
            assert whole in first_row(app), (key, first_row(app))
            assert "WATCH" in first_row(app)


async def test_a_drill_is_begun_and_ended_from_the_palette_of_a_demo_alone(
    make_app: Make, actions: FakeActions
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        app.invoke(COMMANDS["drill"])
        await shows(pilot, "this is no demo")
    app = make_app(replace(states.WARNING, demo=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        app.invoke(COMMANDS["drill"])
        await shows(pilot, "the audit trail: ROLL BACK")
        await pilot.press(*"latency", "enter")
        await shows(pilot, "DRILL latency has begun")
        app.invoke(COMMANDS["drill.end"])
        await shows(pilot, "the drill has ended")
    assert [asked for asked in actions.asked if "drill" in asked[0]] == [("drill", "latency"), ("end_drill",)]
