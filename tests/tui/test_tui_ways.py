"""Every screen is two keys away from everywhere at most, and Escape leads back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import states
from fake_looks import FakeLooks
from msgspec.structs import replace
from test_tui_keys import screen_text, shows, until
from textual.pilot import Pilot

from tui.app import ConsoleApp
from tui.commands import COMMANDS
from tui.screens import views
from tui.screens.dashboard import Dashboard
from tui.screens.log import Log
from tui.screens.over import Evidence, Help, Palette, Text
from tui.screens.plots import Plots
from tui.screens.samples import Because, Samples
from tui.screens.sheet import CutoverScreen, FormScreen, RollbackScreen
from tui.screens.snapshots import SnapshotFacts, Snapshots
from tui.screens.whole import Whole

Make = Callable[..., ConsoleApp]

SCREENS: dict[str, type] = {
    "1": Dashboard,
    "2": views.Conditions,
    "3": views.OperationScreen,
    "4": views.Kpis,
    "5": views.Checklist,
    "6": views.Matrix,
    "7": Log,
    "8": views.Validation,
    "9": views.WayBack,
    "p": Plots,
    "s": Snapshots,
    "?": Help,
}
"""What one key opens."""
OPENS = {
    key: next(name for name, each in COMMANDS.items() if key in each.keys and each.scope == "anywhere")
    for key in SCREENS
}
"""The commands that do it."""

DEEPER: dict[tuple[str, str], type] = {
    ("2", "enter"): Evidence,
    ("6", "enter"): Because,
    ("8", "enter"): Whole,
    ("s", "enter"): SnapshotFacts,
}
FROM: dict[str, tuple[list[str], type]] = {
    **{name: ([key], kind) for key, kind in SCREENS.items() for name in (kind.__name__,)},
    **{kind.__name__: ([*keys], kind) for keys, kind in DEEPER.items()},
    "Samples": (["e"], Samples),
    "Text": (["w"], Text),
}
"""Where a person may be; what takes text is left by Escape first."""
TYPING: dict[str, tuple[list[str], type]] = {
    "Palette": ([":"], Palette),
    "FormScreen": (["i"], FormScreen),
    "RollbackScreen": (["R"], RollbackScreen),
    "CutoverScreen": (["C"], CutoverScreen),
}
STATE = replace(states.CRITICAL, last_operation=replace(states.OPERATION, state="SUCCEEDED", alive=False))


async def go(pilot: Pilot[Any], app: ConsoleApp, keys: list[str], kind: type) -> None:
    for key in keys:
        if key == "enter":  # what it opens has to be there
            await until(pilot, lambda: app.frame.item_in_hand() is not None, "a row in hand")
        await pilot.press(key)
    await until(pilot, lambda: isinstance(app.screen, kind), f"{keys} to {kind.__name__}")


async def home(pilot: Pilot[Any], app: ConsoleApp) -> None:
    for _ in range(12):
        if len(app.screen_stack) == 1:
            return
        await pilot.press("escape")
    raise AssertionError(f"Escape does not lead back from {app.screen}")


async def test_one_key_leads_from_every_screen_to_every_screen_and_escape_back(make_app: Make) -> None:
    app, keys_of = make_app(STATE), [*SCREENS]
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "ROLL BACK")
        for number, (name, (keys, kind)) in enumerate(FROM.items()):
            await go(pilot, app, keys, kind)
            for key in SCREENS:
                assert not app.frame.takes(key, key), f"{name} takes {key} for itself"
                assert app.frame.command_for(key) == OPENS[key], f"{key} in {name}"
            key = keys_of[number % len(keys_of)]
            await pilot.press(key)
            assert isinstance(app.screen, SCREENS[key]), f"{key} from {name}"
            await home(pilot, app)
        for (first, second), wanted in DEEPER.items():
            await go(pilot, app, [first, second], wanted)
            await pilot.press("escape")
            assert isinstance(app.screen, SCREENS[first]), f"Escape from {wanted.__name__}"


async def test_escape_then_a_key_leads_from_what_takes_text_to_every_screen(make_app: Make) -> None:
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "ROLL BACK")
        for key, (name, (keys, kind)) in zip("s7p8", TYPING.items(), strict=True):
            await go(pilot, app, keys, kind)
            await pilot.press("escape", key)
            assert isinstance(app.screen, SCREENS[key]), f"Escape {key} from {name}"
            await home(pilot, app)


async def test_who_goes_on_and_on_is_never_deeper_than_nine_screens(make_app: Make) -> None:
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "ROLL BACK")
        for key in "s8p2" * 3:
            await pilot.press(key)
        assert len(app.screen_stack) <= 9


async def test_snapshots_say_which_one_is_taken_which_is_refused_and_enter_reads_it(
    make_app: Make, looks: FakeLooks
) -> None:
    looks.verified["0003"] = "data/metrics/kpis_1.csv has another content"
    app = make_app(states.NORMAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("s")
        await shows(pilot, "▶ 0004")
        said = screen_text(app)
        assert "0005  REFUSED  it is of another deployment: elsewhere" in said
        assert "proven 3m ago" in said and "a rollback takes 0004" in said
        await pilot.press("j", "enter")
        await shows(pilot, "whole: 3 of 3 hashes, read 0s ago")
        await shows(pilot, "data/metrics/kpis_2.csv")
        await pilot.press("escape", "j", "enter")
        await shows(pilot, "DAMAGED: data/metrics/kpis_1.csv has another content")
        await pilot.press("escape")
        await shows(pilot, "DAMAGED 0s ago")
        assert ("verify", "0003") in looks.asked


async def test_a_failing_check_shows_its_rows(make_app: Make) -> None:
    app = make_app(states.CRITICAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "ROLL BACK")
        await pilot.press("8", "G", "k", "k", "enter")
        await shows(pilot, "117, 240, 1933")


async def test_a_step_shows_all_output_and_scrolls(make_app: Make) -> None:
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "ROLL BACK")
        await pilot.press("3")
        await until(pilot, lambda: isinstance(app.screen, views.OperationScreen))
        app.screen._opened -= 10  # the Enter that confirmed a sheet is long past
        await pilot.press("enter")
        await shows(pilot, "All output of 0003-cutover, 60 lines")
        await pilot.press("G")
        await shows(pilot, "line 59")


async def test_the_trail_is_read_on_when_the_cursor_comes_near_and_the_filter_is_one_form(
    make_app: Make, looks: FakeLooks
) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("7")
        await shows(pilot, "the day before")
        await shows(pilot, "from its beginning; 1 damaged line left out")
        await pilot.press("f")
        await until(pilot, lambda: isinstance(app.screen, FormScreen))
        await pilot.press(*"people event", "enter")
        await shows(pilot, "only people with 'event'")
        assert any(asked[0] == "trail" and asked[2].kind == "people" for asked in looks.asked)
        await pilot.press("F")
        await shows(pilot, "only all with 'event'")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
