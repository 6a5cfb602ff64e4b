"""The sheet of an operation that stopped half-way, and what a person's hands may not do by accident."""

from __future__ import annotations

import pytest
import states
from behind_the_console import FakeActions, FakeReader
from msgspec.structs import replace
from plans import CUTOVER, ROLLBACK, WAYS_ON
from test_tui_keys import Make, open_sheet, screen_text, shows, until
from test_tui_operation import stopped
from textual import events

from engine.clock import boot_id
from engine.errors import LockHeld, Refused
from engine.operations.lock import Holder
from engine.operations.plan import KeyChange
from engine.operations.watchers import Watcher
from engine.services.protocol import Identity
from engine.state.model import State
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.offering import SETTLED_AFTER, Offering
from tui.panels import operation
from tui.screens.dashboard import Dashboard
from tui.screens.offer import OfferScreen
from tui.screens.sheet import CutoverScreen, FormScreen, RollbackScreen
from tui.sheets import offer

LOOK = Look(UNICODE, states.NOW)
STOPPED = stopped("INTERRUPTED", failure="its worker died; nothing was decided since")


def drawn(sheet: offer.OfferSheet, height: int = 20, state: State = STOPPED) -> str:
    return "\n".join(plain(line).rstrip() for line in offer.draw(sheet, state, 80, height, LOOK))


def test_the_sheet_says_what_was_found_and_each_way_on_with_leaving_it_in_hand() -> None:
    shown = drawn(offer.OfferSheet("0003-cutover", WAYS_ON, open_for=1.0))
    for words in (
        "STOPPED HALF-WAY   0003-cutover   v1 → v2   INTERRUPTED",
        "its worker died",
        "configuration of v1",
        "  resume      v2 runs at the end.",
        "  abort       v1 runs at the end, with its configuration.",
        "▶ leave it    Nothing happens: it stays open, no cutover may begin",
        "armed",
    ):
        assert words in shown, shown


def test_on_a_small_screen_every_way_on_is_still_named_and_the_one_in_hand_told_in_full() -> None:
    shown = drawn(offer.OfferSheet("0003-cutover", WAYS_ON, place=1, open_for=1.0), 12)
    assert "v2 publishes" in " ".join(shown.split()).replace("v2 publishes.", "v2 publishes")
    assert all(name in shown for name in ("abort", "resolve", "leave it"))


def test_it_opens_once_after_it_has_stood_still_and_waits_while_something_is_filled_in() -> None:
    offering = Offering()
    assert not offering.due("0003-cutover", 10.0, free=True), "a rollback that takes over passes through this"
    later = 10.0 + SETTLED_AFTER
    assert not offering.due("0003-cutover", later, free=False)
    assert offering.due("0003-cutover", later, free=True)
    assert not offering.due("0003-cutover", later + 100, free=True), "once"
    assert not offering.due("", later + 101, free=True)
    assert not offering.due("0003-cutover", later + 102, free=True)
    assert offering.due("0003-cutover", later + 104, free=True), "it went on, and stopped again"


async def test_it_opens_by_itself_below_the_rows_on_top_and_escape_leaves_it_open(
    make_app: Make, actions: FakeActions
) -> None:
    app = make_app(STOPPED)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "STOPPED HALF-WAY")
        await shows(pilot, "WAY BACK  v1 a41f09")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        await pilot.pause(1.2)
        assert isinstance(app.screen, Dashboard), "once"
        await pilot.press("r")
        await shows(pilot, "STOPPED HALF-WAY")
        assert not [asked for asked in actions.asked if asked[0] in ("resume", "abort", "resolve", "launch")]


async def test_keys_pressed_ahead_choose_nothing_and_are_counted(
    make_app: Make, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offer, "ARM_AFTER", 8.0)  # however busy the machine is: they come before
    app = make_app(STOPPED)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state is not None)
        app.open_offer()
        await pilot.press("up", "enter", "space")
        await shows(pilot, "3 keys pressed before it was armed: discarded")
        assert isinstance(app.screen, OfferScreen) and app.screen.sheet.place == -1
        assert not [asked for asked in actions.asked if asked[0] == "tick"]


async def test_it_never_opens_over_a_sheet_or_a_form(make_app: Make) -> None:
    app = make_app(states.RUNNING)
    reader = FakeReader(states.RUNNING)
    app._reader._make = lambda: reader
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "0003-cutover runs: ")
        await pilot.press("i", *"half a no")
        reader.state = STOPPED
        await pilot.pause(SETTLED_AFTER + 1.0)
        assert isinstance(app.screen, FormScreen) and app.screen.form.field.text == "half a no"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, OfferScreen))
        reader.state = states.NORMAL
        await until(pilot, lambda: isinstance(app.screen, Dashboard), "it goes on: the sheet is gone")


async def choose(pilot, app, ups: int) -> None:  # type: ignore[no-untyped-def]
    await until(pilot, lambda: app.shown_state is not None)
    app.open_offer()
    await until(pilot, lambda: isinstance(app.screen, OfferScreen) and app.screen.sheet.armed)
    await pilot.press(*["up"] * ups, "enter")


@pytest.mark.parametrize(("ups", "word", "asked"), [(2, "resume", "resume"), (3, "abort", "abort")])
async def test_resume_and_abort_ask_for_their_word_typed_key_by_key(
    make_app: Make, actions: FakeActions, ups: int, word: str, asked: str
) -> None:
    app = make_app(STOPPED)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, app, ups)
        await shows(pilot, f"Type  {word}  to confirm")
        app.screen.post_message(events.Paste(word))
        await shows(pilot, "pasted text is refused")
        await pilot.press("enter", *"yes", "enter")
        await shows(pilot, f"nothing changed: type {word}, then Enter")
        assert (asked, "0003-cutover") not in actions.asked
        await pilot.press("ctrl+k", *word, "enter", "enter")
        await until(pilot, lambda: (asked, "0003-cutover") in actions.asked)
        await pilot.pause(0.1)
        assert actions.asked.count((asked, "0003-cutover")) == 1, "a second Enter is not a second one"


async def test_resolve_shows_what_was_found_and_needs_a_reason(make_app: Make, actions: FakeActions) -> None:
    app = make_app(STOPPED)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, app, 1)
        await shows(pilot, "configuration of v1, metrics of v1")
        await pilot.press("enter")
        await shows(pilot, "reason is required")
        await pilot.press(*"mended", "enter")
        await until(pilot, lambda: ("resolve", "0003-cutover", "mended") in actions.asked)


async def test_the_way_back_is_open_from_it(make_app: Make) -> None:
    app = make_app(STOPPED)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "STOPPED HALF-WAY")
        await pilot.press("R")
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen))


async def test_a_read_only_console_may_look_and_not_choose(make_app: Make, actions: FakeActions) -> None:
    app = make_app(STOPPED, read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await choose(pilot, app, 2)
        await shows(pilot, "resume is refused: this console is read-only")


async def test_an_abort_that_is_not_answered_is_said_with_the_command_that_ends_it(
    make_app: Make, actions: FakeActions
) -> None:
    actions.hangs = "0003-cutover has not answered for 5 s: abaco-ops abort 0003-cutover --force ends its worker"
    app = make_app(states.RUNNING)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "0003-cutover runs: ")
        await pilot.press("3", "x", *"abort", "enter")
        await shows(pilot, "abaco-ops abort 0003-cutover --force")


def refused_launches(actions: FakeActions) -> int:
    return sum(asked[0] == "launch" for asked in actions.asked)


@pytest.mark.early
async def test_an_outdated_rollback_shows_the_new_plan_and_takes_no_second_enter(
    make_app: Make, actions: FakeActions
) -> None:
    actions.refuse = Refused("0004-rollback was refused: the active configuration changed since it was planned")
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        sheet = await open_sheet(pilot, app)
        actions.rollback = replace(
            ROLLBACK, changes=(KeyChange("release", "v2", "v1"),), config_then="99ee11" + "0" * 58
        )
        await pilot.press("v", "1", "enter", "enter")
        await shows(pilot, "the active configuration changed since")
        await shows(pilot, "config 99ee11 (1 key differs)")
        assert sheet.sheet.field.text == "", "new facts need a new answer"
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert refused_launches(actions) == 1


@pytest.mark.early
async def test_an_outdated_cutover_shows_the_new_plan_with_cancel_in_hand(make_app: Make, actions: FakeActions) -> None:
    actions.refuse = LockHeld("someone else operates: k.lee from 10.0.0.7 with 0004-cutover")
    app = make_app(states.BEFORE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V1 LIVE")
        await pilot.press("C")
        await until(pilot, lambda: isinstance(app.screen, CutoverScreen) and app.screen.sheet.plan is not None)
        sheet = app.screen
        assert isinstance(sheet, CutoverScreen)
        app.screen.post_message(events.Paste("release\n"))
        await shows(pilot, "pasted text is refused here")
        await pilot.press(*"release", "tab")
        actions.cutover = replace(CUTOVER, config_then="99ee11" + "0" * 58)
        await pilot.pause(0.8)
        await pilot.press("enter", "enter")
        await shows(pilot, "k.lee from 10.0.0.7 with 0004-cutover")
        await shows(pilot, "99ee11")
        assert sheet.sheet.place == "cancel" and refused_launches(actions) == 1


def test_panel_three_names_who_operates_with_age_and_who_watches() -> None:
    since = states.OPERATION.started
    assert since is not None
    held = Holder("0003-cutover", "a.moreno@ops1", "10.0.4.7", "v1 stopped", since, "release 2.0", 5120)
    lee = Watcher("k.lee@ops1", "10.0.0.7", since, Identity(1, 1, boot_id()))
    state = replace(states.RUNNING, holder=held, watchers=(lee,))
    shown = "\n".join(plain(line) for line in operation.draw(state, 100, 30, LOOK))
    assert "a.moreno@ops1 from 10.0.4.7 with 0003-cutover, at: v1 stopped, for 3.0 s (release 2.0)" in shown
    assert "k.lee@ops1 from 10.0.0.7 is watching" in shown


async def test_the_operation_view_names_them_too(make_app: Make) -> None:
    held = Holder("0003-cutover", "a.moreno@ops1", "10.0.4.7", "v1 stopped", states.NOW, "", 5120)
    app = make_app(replace(states.RUNNING, holder=held))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "0003-cutover runs: ")
        await pilot.press("3")
        await shows(pilot, "operating: a.moreno@ops1 from 10.0.4.7 with 0003-cutover, at: v1 stopped")
        assert "WAY BACK" in screen_text(app)
