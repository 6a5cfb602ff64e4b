"""What is typed before the eyes are there answers nothing: neither a form that writes, nor the end of a cut word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from behind_the_console import FakeActions
from plans import ROLLBACK
from test_tui_keys import shows, until

from tui.app import ConsoleApp
from tui.screens.dashboard import Dashboard
from tui.screens.sheet import FormScreen, RollbackScreen
from tui.sheets import early, rollback
from tui.sheets.form import Ask, Form

Make = Callable[..., ConsoleApp]
pytestmark = pytest.mark.early
WRITES = Ask("NOTE", (), "Note", False, lambda _text: None, "noted")


def form_of(app: ConsoleApp) -> Form:
    assert isinstance(app.screen, FormScreen)
    return app.screen.form


async def test_text_that_runs_on_overrides_nothing(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "leak check")
        await pilot.press(*"looking at it", "enter")
        await shows(pilot, "OVERRIDE")
        await shows(pilot, "keys discarded")
        assert form_of(app).field.text == ""
        await until(pilot, lambda: not form_of(app).discards)
        await shows(pilot, "keys discarded: type it now")
        assert not [asked for asked in actions.asked if asked[0] == "override"]
        await pilot.press(*"known", "enter")
        await until(pilot, lambda: ("override", "hourly/25200/leak", "known") in actions.asked)


async def test_an_acknowledgement_is_not_given_by_a_key_pressed_ahead(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("a", "enter")
        await shows(pilot, "1 key discarded")
        assert not [asked for asked in actions.asked if asked[0] == "acknowledge"]


async def test_escape_and_the_way_back_wait_for_nothing(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("i", "escape")
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        await pilot.press("i", "R")
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen))
        await pilot.press("escape", "escape", "i", "x", "R")
        await shows(pilot, "2 keys discarded")
        await pilot.press("ctrl+r")
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen))


async def test_a_search_takes_its_keys_at_once_for_it_writes_nothing(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("2", "/", *"mem")
        assert form_of(app).field.text == "mem"
        await shows(pilot, "Enter searches  Esc back  ")


def test_the_rest_of_a_burst_is_discarded_until_a_pause() -> None:
    form = Form(WRITES, open_for=0.6)
    for at, letter in ((0.6, "a"), (0.75, "b"), (0.95, "c")):
        after = form_at(form, at).key(letter, letter)
        assert after is not None
        form = after
    assert (form.field.text, form.discarded) == ("", 3)
    after = form_at(form, 0.96 + early.PAUSE).key("d", "d")
    assert after is not None and (after.field.text, after.discarded) == ("d", 0)


def form_at(form: Form, seconds: float) -> Form:
    return Form(form.ask, form.field, form.trouble, seconds, form.discarded, form.last_discarded)


def test_the_end_of_a_name_whose_beginning_came_too_early_is_no_answer() -> None:
    sheet = rollback.RollbackSheet("v1", open_for=rollback.ARM_AFTER - 0.1, plan=ROLLBACK)
    begun = sheet.key("v", "v")
    assert begun is not None
    armed = replace(begun, open_for=rollback.ARM_AFTER + 0.1)
    ended = armed.key("1", "1")
    assert armed.armed and ended is not None and (ended.field.text, ended.discarded) == ("", 2)
    assert "discarded" in ended.wrong(), "and Enter is of the same burst"
    later = replace(ended, open_for=ended.open_for + early.PAUSE + 0.01).key("v", "v")
    assert later is not None and (later.field.text, later.discarded) == ("v", 0)


async def test_the_rollback_sheet_says_what_became_of_early_keys_and_what_to_do(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("R")
        await shows(pilot, "keys count in a moment: what is typed before is discarded")
        await pilot.press("v", "1", "enter")
        await shows(pilot, "3 keys discarded: pause, then type v1")
        await shows(pilot, "3 keys discarded: type v1 now")
