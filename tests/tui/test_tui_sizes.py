"""Rows 1 to 3 at every size and over every dialog; below the minimum what is needed, and the verdict all the same."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import pytest
import states
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.state.model import State
from tui.app import ConsoleApp
from tui.commands import COMMANDS
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.pane import Pane
from tui.panels import header

Make = Callable[..., ConsoleApp]
WAYS = ("3", "7", ":", "R", "C", "i", "2 enter")
TOO_SMALL = ((79, 24), (60, 20), (24, 5), (12, 4), (9, 3), (3, 2), (1, 1))
VERDICTS = ("ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE")


def rows(app: ConsoleApp) -> list[str]:
    return app.screen.query_one("#header", Pane).text().splitlines()


def footer(app: ConsoleApp) -> str:
    return app.screen.query_one("#footer", Pane).text()


async def go(pilot: Pilot[None], way: str) -> None:
    for key in way.split():
        await pilot.press(key)
        await pilot.pause()


async def back(pilot: Pilot[None], app: ConsoleApp) -> None:
    while len(app.screen_stack) > 1:
        await pilot.press("ctrl+c")
        await pilot.pause()


async def test_rows_1_to_3_stand_over_every_view_and_dialog_at_every_size(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for way in WAYS:
            await go(pilot, way)
            for width, height in ((200, 50), (30, 8)):
                await pilot.resize_terminal(width, height)
                first, second, third = rows(app)
                assert "WATCH" in first and "MEM 204 MB" in second and "WAY BACK" in third, (way, width)
                assert app.screen.query_one("#header", Pane).region.y == 0
            await back(pilot, app)


@pytest.mark.parametrize("way", ["1", "R"])
async def test_below_the_minimum_the_verdict_and_both_sizes_are_said_down_to_one_cell(make_app: Make, way: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await go(pilot, way)
        for width, height in TOO_SMALL:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            assert rows(app)[0].strip().startswith("WATCH"[:width]), (width, height)
            if height > 1:
                assert app.screen.query_one("#footer", Pane).region.y == height - 1, (width, height)
                assert all(words in footer(app) for words in said(width, height)), (width, height)
                assert width < 40 or way == "R" or "R roll back" in footer(app)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "needs 80x22" not in footer(app) and len(rows(app)) == 3


def said(width: int, height: int) -> tuple[str, ...]:
    """What must be said in this room: both sizes, where there is any."""
    if width < len("12x4<80x22"):
        return ("<80x22"[: max(width - 1, 0)],)
    return "80x22", f"{width}x{height}"


async def test_the_wall_too_says_what_it_needs(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.invoke(COMMANDS["wall"])
        for width, height in TOO_SMALL:
            await pilot.resize_terminal(width, height)
            await pilot.pause()
            shown = app.screen.query_one("#wall", Pane).text()
            assert shown.strip().startswith("WATCH"[:width])
            assert height < 2 or all(words in shown for words in said(width, height))


@pytest.mark.parametrize("word", VERDICTS)
@pytest.mark.parametrize("name", [*states.ALL, "drill", "replay"])
def test_the_verdict_is_cut_for_nothing_and_known_by_its_first_letter(word: str, name: str) -> None:
    state: State = states.ALL.get(name, states.WARNING)
    if name == "drill":
        state = replace(state, time_scale=60.0)
    state = replace(state, verdict=replace(state.verdict, word=word))
    look = Look(UNICODE, states.NOW, read_only=True, replay="REPLAY x10" if name == "replay" else "")
    for width in range(1, 130):
        row = plain(header.draw(state, width, look)[0]).strip()
        assert row.startswith(word[:width].strip()), width
    assert len({word[0] for word in VERDICTS}) == len(VERDICTS)


async def test_a_storm_of_sizes_leaves_everything_in_its_place(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        for width, height in product((1, 37, 200), (1, 5, 60)):
            await pilot.resize_terminal(width, height)
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert len(rows(app)) == 3 and "Decision matrix" in "\n".join(pane.text() for pane in app.screen.query(Pane))
