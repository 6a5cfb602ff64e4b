"""The console under a person's hands: keys, in the real application, without a terminal."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
import states
from behind_the_console import FakeActions
from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot

from engine.errors import Refused
from tui.app import ConsoleApp
from tui.commands import COMMANDS
from tui.field import Field
from tui.lines import width_of
from tui.opening import open_palette
from tui.pane import Pane
from tui.screens.dashboard import Dashboard
from tui.screens.over import Help, Palette
from tui.screens.sheet import CutoverScreen, FormScreen, RollbackScreen
from tui.screens.views import VIEWS

Make = Callable[..., ConsoleApp]


def screen_text(app: ConsoleApp) -> str:
    return "\n".join(pane.text() for pane in app.screen.query(Pane) if pane.display)


async def until(pilot: Pilot[Any], wanted: Callable[[], object], what: str = "") -> None:
    """Wait until it is so; AssertionError with the screen."""
    end = time.monotonic() + 10
    while not wanted():
        if time.monotonic() > end:
            raise AssertionError(f"{what}\n{screen_text(pilot.app)}")  # type: ignore[arg-type]
        await pilot.pause(0.02)


async def shows(pilot: Pilot[Any], words: str) -> None:
    app = pilot.app
    await until(pilot, lambda: words in screen_text(app), words)  # type: ignore[arg-type]


async def open_sheet(pilot: Pilot[Any], app: ConsoleApp) -> RollbackScreen:
    await pilot.press("R")
    await until(pilot, lambda: isinstance(app.screen, RollbackScreen))
    sheet = app.screen
    assert isinstance(sheet, RollbackScreen)
    await until(pilot, lambda: sheet.sheet.armed, "armed")
    return sheet


async def test_four_keys_roll_back(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await open_sheet(pilot, app)
        await pilot.press("v", "1", "enter")
        await shows(pilot, "ACCEPTED 0004-rollback, runs without you; worker pid 5120")
        assert ("launch", "rollback", "") in actions.asked


@pytest.mark.parametrize("way", [["5"], ["6", "enter"], ["?"], [":"], ["C"], ["i"], ["2", "enter"], ["w"], ["3"]])
async def test_the_sheet_opens_from_everywhere(make_app: Make, actions: FakeActions, way: list[str]) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(*way)
        await open_sheet(pilot, app)
        await pilot.press("v", "1", "enter")
        await until(pilot, lambda: ("launch", "rollback", "") in actions.asked)


@pytest.mark.early
async def test_keys_pressed_ahead_are_discarded_visibly(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("R", "v", "1", "enter")
        await shows(pilot, "3 keys discarded: type v1 now")
        assert not [asked for asked in actions.asked if asked[0] == "launch"]


@pytest.mark.early
async def test_keys_of_one_burst_go_to_the_sheet_not_to_what_was_in_front(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        for key in ("R", "v", "1", "q"):
            app.post_message(events.Key(key, key))
        await shows(pilot, "3 keys discarded")
        assert app.is_running


@pytest.mark.early
async def test_a_paste_is_refused(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        sheet = await open_sheet(pilot, app)
        app.screen.post_message(events.Paste("v1"))
        await shows(pilot, "pasted text is refused")
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert sheet.sheet.field.text == ""
        assert not [asked for asked in actions.asked if asked[0] == "launch"]


async def test_a_wrong_name_changes_nothing(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await open_sheet(pilot, app)
        await pilot.press("v", "2", "enter")
        await shows(pilot, "nothing changed")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        assert not [asked for asked in actions.asked if asked[0] == "launch"]


async def test_what_the_engine_refuses_is_said_on_the_sheet(make_app: Make, actions: FakeActions) -> None:
    actions.refuse = Refused("the configuration changed meanwhile")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await open_sheet(pilot, app)
        await pilot.press("v", "1", "enter")
        await shows(pilot, "the configuration changed meanwhile")
        assert isinstance(app.screen, RollbackScreen)


async def test_letters_are_text_once_something_is_typed(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        sheet = await open_sheet(pilot, app)
        await pilot.press("v", "d", "s", "w", "q")
        await until(pilot, lambda: sheet.sheet.field.text == "vdswq")
        await pilot.press("ctrl+k", "d")
        await shows(pilot, "The plan")


async def test_the_rows_on_top_stay_over_the_sheets(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        for key in ("R", "escape", "C", "escape", "i", "escape", "?"):
            await pilot.press(key)
            await shows(pilot, "MEM 204 MB, above 200 for 12m")
            await shows(pilot, "WAY BACK  v1 a41f09")


@pytest.mark.early
async def test_a_cutover_needs_more_than_one_key(make_app: Make, actions: FakeActions) -> None:
    app = make_app(states.BEFORE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V1 LIVE")
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CutoverScreen) and app.screen.sheet.plan is not None)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Dashboard), "Enter on Cancel closes it")
        await pilot.press("C", "tab")
        await until(pilot, lambda: isinstance(app.screen, CutoverScreen) and app.screen.sheet.plan is not None)
        await pilot.press(*"release", "enter", "enter")
        await shows(pilot, "too soon")
        assert not [asked for asked in actions.asked if asked[0] == "launch"]
        await pilot.pause(0.8)
        await pilot.press("enter")
        await shows(pilot, "ACCEPTED 0004-cutover")
        assert ("launch", "cutover", "release") in actions.asked


async def test_v_validates_at_once(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("V")
        await shows(pilot, "ACCEPTED 0005-validate")
        assert ("validate",) in actions.asked


async def test_what_is_not_as_it_should_be_is_overridden_and_not_confirmed(
    make_app: Make, actions: FakeActions
) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "leak check")
        await pilot.press("space")
        await shows(pilot, "leak check is not as it should be: +9.1 %/h; o overrides it with a reason")
        assert not [asked for asked in actions.asked if asked[0] == "tick"]


async def test_what_was_missed_is_overridden_and_not_confirmed(make_app: Make, actions: FakeActions) -> None:
    items = tuple(replace(one, state="missed", measured_ok=None) for one in states.CHECKLIST.items if not one.gate)
    app = make_app(replace(states.WARNING, checklist=replace(states.CHECKLIST, items=items)))
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "leak check")
        await pilot.press("space")
        await shows(pilot, "was missed: its time is over")
        assert not [asked for asked in actions.asked if asked[0] == "tick"]


async def test_space_confirms_the_item_that_is_due(make_app: Make, actions: FakeActions) -> None:
    items = tuple(replace(one, measured_ok=True) if not one.gate else one for one in states.CHECKLIST.items)
    app = make_app(replace(states.WARNING, checklist=replace(states.CHECKLIST, items=items)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "leak check")
        await pilot.press("space")
        await shows(pilot, "CONFIRM")
        await pilot.press(*"fine", "enter")
        await until(pilot, lambda: ("tick", "hourly/25200/leak", "+9.1 %/h", "fine") in actions.asked)
        await shows(pilot, "confirmed: T+7 leak check")


async def test_an_override_needs_a_reason(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "leak check")
        await pilot.press("o", "enter")
        await shows(pilot, "reason is required")
        await pilot.press(*"known", "enter")
        await until(pilot, lambda: ("override", "hourly/25200/leak", "known") in actions.asked)


async def test_notes_and_alerts(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("i", *"a note", "enter", "a", "enter", "t")
        await until(pilot, lambda: ("note", "a note") in actions.asked)
        await until(pilot, lambda: ("acknowledge", "MEM", "") in actions.asked)
        await until(pilot, lambda: ("take_watch",) in actions.asked)


async def test_a_read_only_console_writes_nothing(make_app: Make, actions: FakeActions) -> None:
    app = make_app(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "READ-ONLY")
        for key in ("V", "C", "R", "space", "o", "i", "a", "t"):
            await pilot.press(key)
            await shows(pilot, "refused: read-only console" if key == "R" else "is refused: this console is read-only")
            assert isinstance(app.screen, Dashboard)
        assert actions.asked == []


async def test_every_view_has_its_number_and_escape_leads_back(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        for number, view in enumerate(VIEWS.values(), 2):
            await pilot.press(str(number))
            await until(pilot, lambda view=view: type(app.screen) is view, view.__name__)  # type: ignore[misc]
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        assert len(app.screen_stack) == 1


async def test_every_command_is_found_in_the_palette(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("3")
        await until(pilot, lambda: "operation" in app.frame.scopes)
        state = app.shown_state
        assert state is not None
        for command in COMMANDS.values():
            if not command.palette or command.scope == "replay":
                continue
            open_palette(app)
            palette = app.screen
            assert isinstance(palette, Palette)
            palette.pasted(command.title)
            assert command.id in [row.item for row in palette.rows(state, 120)]
            app.back(leave=False)


@pytest.mark.parametrize("state", list(states.ALL))
async def test_every_command_runs_in_every_state(make_app: Make, state: str) -> None:
    app = make_app(states.ALL[state])
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WAY BACK")
        for command in COMMANDS.values():
            if command.id in ("leave", "quit"):
                continue
            app.show_view("dashboard")
            await pilot.pause(0)
            if command.scope == "rollback":
                await open_sheet(pilot, app)
            app.invoke(command)
            await pilot.pause(0.02)
            assert app.is_running, command.id


async def test_help_names_every_command(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("?")
        await until(pilot, lambda: isinstance(app.screen, Help))
        state = app.shown_state
        assert state is not None and isinstance(app.screen, Help)
        offered = {name for name, command in COMMANDS.items() if command.scope != "replay"}
        rows = app.screen.rows(state, 80)
        assert {row.item for row in rows if row.item is not None} == offered
        assert all(width_of(row.line) <= 80 for row in rows), "nothing is cut off"
        for title in ("Operate", "The watch: gates, hand-over, readiness", "Tell people", "Drill, in a demo", "Move"):
            for _ in range(len(rows) // 8):
                if title in screen_text(app):
                    break
                await pilot.press("pagedown")
            assert title in screen_text(app), f"{title} is not reached by paging"


async def test_the_palette_finds_every_command_by_its_title(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(":")
        await until(pilot, lambda: isinstance(app.screen, Palette))
        assert isinstance(app.screen, Palette)
        for command in COMMANDS.values():
            if command.palette and command.scope == "anywhere":
                app.screen._field = Field(command.title)
                found = [one.id for one in app.screen._matches()]
                assert command.id in found[:3], (command.id, found)


async def test_ctrl_c_closes_a_sheet_and_never_leaves(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CutoverScreen))
        await pilot.press("ctrl+c", "ctrl+c", "ctrl+c", "ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        assert app.is_running


async def test_escape_does_not_leave_and_q_does(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("escape", "escape")
        assert app.is_running
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running)


async def test_a_search_goes_to_its_row(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("7", "/", *"SUCCEEDED", "enter")
        await until(pilot, lambda: "SUCCEEDED" in app.frame.line_in_hand())


@pytest.mark.parametrize("size", [(60, 15), (20, 5), (1, 1), (79, 24)])
async def test_a_small_screen_says_what_is_needed_and_keeps_the_verdict(make_app: Make, size: tuple[int, int]) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await pilot.pause(0.3)
        if size[0] >= 60:
            await shows(pilot, "WATCH")
            await shows(pilot, f"needs 80x22, this is {size[0]}x{size[1]}")
        await open_sheet(pilot, app)


async def test_hostile_notes_and_logs_do_not_reach_the_terminal(make_app: Make) -> None:
    app = make_app(states.HOSTILE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "\\x1b]52")
        for key in ("4", "5", "7", "1", "o"):
            await pilot.press(key)
            await pilot.pause(0.05)
            drawn = screen_text(app)
            assert not set(drawn) & set("\x1b\x07\x9b\u202e")
        assert isinstance(app.screen, FormScreen)


async def test_nothing_is_painted_when_nothing_changes(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.pause(0.3)
        painted: list[str] = []
        monkeypatch.setattr(Pane, "refresh", lambda pane, *_, **__: painted.append(str(pane.id)) or pane)
        await pilot.pause(1.5)
        assert painted == []
