"""What is looked for is found by the words people use, and counted."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import states
from behind_the_console import FakeActions
from test_tui_keys import screen_text, shows, until

from engine.state.readiness import ReadyLine
from tui.app import ConsoleApp
from tui.field import Field
from tui.screens.over import Palette

Make = Callable[..., ConsoleApp]
OVERRIDE = "abaco-ops checklist override before/0/channels --reason TEXT"


@pytest.mark.parametrize(
    ("word", "command"),
    [("phone", "contacts"), ("backup", "snapshots"), ("undo", "rollback"), ("deploy", "cutover"), ("mute", "silence")],
)
async def test_the_palette_knows_other_words_for_a_command(make_app: Make, word: str, command: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(":")
        await until(pilot, lambda: isinstance(app.screen, Palette))
        assert isinstance(app.screen, Palette)
        app.screen._field = Field(word)
        assert command in [one.id for one in app.screen._matches()]


async def test_a_search_says_how_many_rows_hold_it_and_which_one_is_in_hand(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("2", "/", *"ok", "enter")
        await until(pilot, lambda: app.frame.item_in_hand() is not None)
        hits = sum("ok" in line.casefold() for line in lines_of(app))
        assert hits >= 2
        await shows(pilot, f"of {hits}: ok; n N: next, previous")
        first = int(screen_text(app).split(f" of {hits}: ok")[0].split()[-1])
        await pilot.press("n")
        await shows(pilot, f"{first % hits + 1} of {hits}: ok")
        await pilot.press("N")
        await shows(pilot, f"{first} of {hits}: ok")
        await pilot.press("/", *"nowhere", "enter")
        await shows(pilot, "not found: nowhere")


def lines_of(app: ConsoleApp) -> list[str]:
    from tui.lines import plain
    from tui.listing import Listing

    assert isinstance(app.screen, Listing)
    return [plain(row.line) for row in app.screen._rows_now()]


async def test_a_search_where_there_are_no_rows_says_so(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("/", *"mem", "enter")
        await shows(pilot, "nothing is searched here: the views 2-9 are")


async def test_a_command_of_the_readiness_board_stands_on_one_line(make_app: Make, actions: FakeActions) -> None:
    actions.ready = (ReadyLine("channels", False, "alert channels tested: open", OVERRIDE),)
    app = make_app(states.BEFORE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V1 LIVE")
        await pilot.press("B")
        await shows(pilot, f"-> {OVERRIDE}")
        assert screen_text(app).count("-> ") == 1
