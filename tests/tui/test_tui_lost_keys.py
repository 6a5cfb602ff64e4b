"""Keys that came too early stay counted when new facts arm a sheet anew, and nobody is told to type for nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
import states
from behind_the_console import FakeActions, FakeReader
from msgspec.structs import replace as with_fields
from plans import CUTOVER, ROLLBACK
from test_tui_keys import screen_text, shows, until
from test_tui_sheets_follow import BACK, NEEDLESS, ROLLING, app, happens, open_cutover, reader

from engine.operations.plan import Evidence, Plan
from engine.state.model import State
from tui.app import ConsoleApp
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.screens.sheet import RollbackScreen
from tui.sheets import cutover, early, offer, rollback

__all__ = ["app", "reader"]  # fixtures
pytestmark = pytest.mark.early
LOOK = Look(UNICODE, states.NOW)
HELD = with_fields(ROLLBACK, evidence=(Evidence("no", "operates", "someone else operates: K. Lee with 0005-rollback"),))


def drawn(sheet: rollback.RollbackSheet, state: State) -> str:
    return "\n".join(plain(line) for line in rollback.draw(sheet, state, 80, 20, LOOK))


def typed(sheet: rollback.RollbackSheet, text: str) -> rollback.RollbackSheet:
    for letter in text:
        after = sheet.key(letter, letter)
        assert after is not None
        sheet = after
    return sheet


def lost_two() -> rollback.RollbackSheet:
    """Both came 0.1 s before it would have been armed; then the facts became others, and are here."""
    early_keys = typed(rollback.RollbackSheet("v1", open_for=rollback.ARM_AFTER - 0.1), "v1")
    return replace(early_keys.outdated("0003-cutover is past"), looking=False, plan=ROLLBACK)


def test_new_facts_keep_the_count_of_lost_keys_until_one_counts() -> None:
    sheet = lost_two()
    assert "2 keys discarded: pause, then type v1" in drawn(sheet, states.RUNNING)
    sheet = replace(sheet, open_for=rollback.ARM_AFTER)
    assert sheet.armed and not sheet.discards, "the burst is long over"
    assert "2 keys discarded: type v1 now" in drawn(sheet, states.RUNNING)
    assert "discarded" not in drawn(typed(sheet, "v"), states.RUNNING)


def test_the_count_stands_beside_why_an_answer_was_refused() -> None:
    sheet = replace(lost_two(), open_for=1.0, trouble="refused before it began: the active configuration changed")
    said = drawn(sheet, states.RUNNING)
    assert "2 keys discarded: type v1 now" in said and "refused before it began" in said


async def test_keys_lost_while_an_operation_goes_on_are_told(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rollback, "PLAN_WITHIN", 60.0)
    made = threading.Event()

    def slow() -> Plan:
        assert made.wait(10)
        return actions.rollback

    reader.state = states.RUNNING
    actions.plan_rollback = slow  # type: ignore[method-assign]
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "0003-cutover")
        await pilot.press("R", "v", "1", "enter")
        await shows(pilot, "3 keys discarded")
        happens(app, reader, states.NORMAL)
        await until(pilot, lambda: isinstance(app.screen, RollbackScreen) and app.screen.sheet.changed)
        made.set()
        await shows(pilot, "3 keys discarded: type v1 now")
        assert "armed" in screen_text(app)
        await pilot.press("v")
        await until(pilot, lambda: "discarded" not in screen_text(app))


NOTHING = [
    pytest.param(NEEDLESS, BACK, id="the old release is live"),
    pytest.param(HELD, ROLLING, id="a rollback runs"),
]


def told_to_type(said: str) -> bool:
    return any(words in said for words in ("type ", "Type ", "press Enter", "keys count"))


@pytest.mark.parametrize(("plan", "state"), NOTHING)
def test_where_there_is_nothing_to_confirm_nobody_is_told_to_type(plan: Plan, state: State) -> None:
    opened = rollback.RollbackSheet("v1", plan=plan, open_for=0.1)
    lost = typed(opened, "v1")
    armed = replace(opened, open_for=1.0)
    for sheet in (opened, lost, replace(lost, open_for=1.0), armed.pasted(), replace(armed, trouble=armed.wrong())):
        said = drawn(sheet, state)
        assert "Nothing to confirm" in said and not told_to_type(said), said
    assert "2 keys discarded" in drawn(lost, state) and "pasted text is refused" in drawn(armed.pasted(), state)


@pytest.mark.parametrize(("plan", "state"), NOTHING)
def test_what_was_said_of_an_answer_is_gone_with_the_question(plan: Plan, state: State) -> None:
    asked = rollback.RollbackSheet("v1", plan=ROLLBACK, open_for=1.0)
    for sheet in (asked.pasted(), replace(asked, trouble=asked.wrong())):
        assert told_to_type(sheet.trouble)
        for later in (replace(sheet, plan=plan), replace(sheet.outdated("it began"), plan=plan)):
            assert not told_to_type(drawn(later, state))


def test_keys_lost_after_the_answer_ask_for_no_other() -> None:
    sent = typed(rollback.RollbackSheet("v1", plan=ROLLBACK, open_for=1.0, sent=True), "v1")
    assert "2 keys discarded" in drawn(sent, states.NORMAL) and "2 keys discarded:" not in drawn(sent, states.NORMAL)


async def test_the_sheet_opened_where_the_old_release_is_live(
    make_app: Callable[..., ConsoleApp], actions: FakeActions
) -> None:
    actions.rollback = NEEDLESS
    live = make_app(states.BEFORE)
    async with live.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V1 LIVE")
        await pilot.press("R", "v", "1", "enter")
        await shows(pilot, "Nothing to confirm: Esc leads back")
        await until(pilot, lambda: isinstance(live.screen, RollbackScreen) and live.screen.sheet.armed)
        await pilot.press("enter")
        await pilot.pause(0.1)
        assert not told_to_type(screen_text(live))


async def test_an_enter_on_cut_over_that_came_before_the_new_facts_is_told(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions
) -> None:
    made = threading.Event()

    def slow() -> Plan:
        assert made.wait(10)
        return actions.cutover

    reader.state = states.BEFORE_CHECKED
    async with app.run_test(size=(80, 24)) as pilot:
        await open_cutover(pilot, app)
        await pilot.press(*"release", "tab")
        actions.plan_cutover = slow  # type: ignore[method-assign]
        happens(app, reader, with_fields(states.BEFORE_CHECKED, active_hash="0f1e2d"))
        await shows(pilot, "Looking again")
        await pilot.press("enter")
        await shows(pilot, "Enter came too soon: discarded; read, then press it again")
        made.set()
        await shows(pilot, "New facts")
        await shows(pilot, "Enter came too soon: discarded; read, then press it again")
        assert not [asked for asked in actions.asked if asked[0] == "launch"]
        await pilot.press("tab")
        await until(pilot, lambda: "too soon" not in screen_text(app))


def cutover_text(sheet: cutover.CutoverSheet) -> str:
    return "\n".join(plain(line) for line in cutover.draw(sheet, states.BEFORE, 80, 20, LOOK))


def test_an_enter_on_cut_over_that_came_before_the_plan_is_told_when_it_is_there() -> None:
    waits = cutover.CutoverSheet("go", since_turn=early.ARM_AFTER)
    assert waits.early
    lost = replace(waits.too_soon(), plan=CUTOVER)
    assert "too soon: discarded; read, then press it again" in cutover_text(lost)
    assert "too soon" in cutover_text(lost.outdated("another one is live"))
    assert "too soon" not in cutover_text(lost.turned(1))
    refused = replace(lost, plan=with_fields(CUTOVER, evidence=(Evidence("no", "live", "v2 is live already"),)))
    assert "too soon: discarded" in cutover_text(refused) and "press" not in cutover_text(refused)


def test_keys_lost_where_nothing_can_be_chosen_are_told() -> None:
    sheet = offer.OfferSheet("0003-cutover", trouble="cannot be looked at: no room").too_soon()
    lines = [plain(line) for line in offer.draw(sheet, states.NEEDS_HUMAN, 80, 20, LOOK)]
    assert any("1 key pressed before it was armed: discarded" in line for line in lines)
    assert any("cannot be looked at: no room" in line for line in lines)
