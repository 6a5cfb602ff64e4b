"""An open sheet follows what happens: facts of the past are fetched anew, said, and confirmed by nobody."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import states
from behind_the_console import FakeActions, FakeReader
from fake_looks import FakeLooks
from msgspec.structs import replace
from plans import CUTOVER, ROLLBACK
from test_tui_keys import open_sheet, screen_text, shows, until
from textual.pilot import Pilot

from engine.operations.plan import Evidence, Plan
from tui.app import ConsoleApp
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.screens import planned
from tui.screens.sheet import CutoverScreen, RollbackScreen
from tui.sheets import grounds, rollback

RUNS = replace(
    states.OPERATION,
    id="0005-rollback",
    kind="rollback",
    release_from="v2",
    release_to="v1",
    actor="K. Lee",
    past_no_return=True,
)
ROLLING = replace(states.NORMAL, operation=RUNS, release=None)
BACK = replace(
    states.BEFORE, last_operation=replace(RUNS, state="SUCCEEDED", alive=False, ended=states.NOW, seconds=2.0)
)
NEEDLESS = replace(
    ROLLBACK,
    evidence=(Evidence("no", "live", "v1 is live and nothing is unfinished: nothing to roll back"),),
    sets_aside_runs=0,
    sets_aside_files=0,
    abort_only=True,
)


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader(states.NORMAL)


@pytest.fixture
def app(reader: FakeReader, actions: FakeActions, looks: FakeLooks) -> ConsoleApp:
    def now() -> Any:
        return states.NOW

    return ConsoleApp(
        root="/srv/abaco",
        target="v1",
        glyphs=UNICODE,
        now=now,
        looks=looks,
        make_reader=lambda: reader,
        actions=actions,
    )


def happens(app: ConsoleApp, reader: FakeReader, state: Any) -> None:
    reader.state = state
    app.look_again()


async def test_the_rollback_sheet_follows_a_rollback_that_another_console_begins(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        sheet = await open_sheet(pilot, app)
        await pilot.press("v", "1")
        held = "someone else operates: K. Lee with 0005-rollback"
        actions.rollback = replace(ROLLBACK, evidence=(Evidence("no", "operates", held),))
        happens(app, reader, ROLLING)
        await shows(pilot, "New facts     09:12:04Z 0005-rollback began")
        await shows(pilot, "Now           0005-rollback by K. Lee for 3s, 7/")
        said = screen_text(app)
        assert "Nothing to confirm while it runs: Esc, then 3 shows it" in said and "nobody operates" not in said
        assert sheet.sheet.field.text == "v1", "what was typed stays"
        await pilot.press("enter")
        await pilot.pause(0.05)
        assert not [asked for asked in actions.asked if asked[0] == "launch"]
        actions.rollback = NEEDLESS
        happens(app, reader, BACK)
        await shows(pilot, "ROLL BACK   nothing to roll back: v1 a41f09 is live")
        said = screen_text(app)
        assert "0005-rollback ended: SUCCEEDED" in said and "Nothing to confirm: Esc leads back" in said
        for gone in ("ready to be swapped in", "matrix", "Sets aside", "metrics stay", "Now  "):
            assert gone not in said


async def test_enter_counts_again_only_when_the_new_facts_have_been_there_for_a_moment(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions
) -> None:
    made = threading.Event()

    def slow() -> Plan:
        assert made.wait(10)
        return actions.rollback

    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        sheet = await open_sheet(pilot, app)
        await pilot.press("v", "1")
        actions.plan_rollback = slow  # type: ignore[method-assign]
        happens(app, reader, replace(states.NORMAL, release=None))
        await shows(pilot, "Looking again the facts are of before: 09:12:04Z no release is live")
        await pilot.press("enter")
        await shows(pilot, "1 key discarded: pause, then press Enter")
        assert not sheet.sheet.armed
        made.set()
        await shows(pilot, "New facts     09:12:04Z no release is live")
        await until(pilot, lambda: sheet.sheet.armed and not sheet.sheet.discards)
        await pilot.press("enter")
        await until(pilot, lambda: ("launch", "rollback", "") in actions.asked)


async def test_the_cutover_sheet_follows_a_cutover_that_another_console_begins(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions
) -> None:
    reader.state = states.BEFORE_CHECKED
    async with app.run_test(size=(80, 24)) as pilot:
        await open_cutover(pilot, app)
        await pilot.press(*"release")
        actions.cutover = replace(CUTOVER, evidence=(Evidence("no", "live", "v2 is live already"),))
        over = replace(states.RUNNING, release="v2", checks=replace(states.CHECKS, stale=True, release="v1"))
        happens(app, reader, over)
        await shows(pilot, "New facts     09:12:04Z 0003-cutover began")
        await shows(pilot, "Now           0003-cutover by a.moreno for 3s, 7/")
        said = screen_text(app)
        assert "v2 is live already" in said and "too old" not in said
        assert "release" in said, "the reason stays"


async def open_cutover(pilot: Pilot[Any], app: ConsoleApp) -> None:
    await shows(pilot, "V1 LIVE")
    await pilot.press("C")
    await until(pilot, lambda: isinstance(app.screen, CutoverScreen) and app.screen.sheet.plan is not None)


async def test_what_changes_nothing_of_the_plan_leaves_the_sheet_alone(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions
) -> None:
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await open_sheet(pilot, app)
        validation = replace(states.OPERATION, id="0009-validate", kind="validate")
        happens(app, reader, replace(states.WARNING, operation=validation))
        await shows(pilot, "WATCH   V2 LIVE")
        assert isinstance(app.screen, RollbackScreen) and app.screen.sheet.armed
        assert "New facts" not in screen_text(app)


def test_what_changed_is_said_in_words() -> None:
    normal, rolling, back = (grounds.grounds_of(state) for state in (states.NORMAL, ROLLING, BACK))
    assert grounds.what_changed(normal, rolling) == "0005-rollback began"
    assert grounds.what_changed(rolling, back) == "0005-rollback ended: SUCCEEDED"
    before = grounds.grounds_of(states.RUNNING)
    past = grounds.grounds_of(replace(states.RUNNING, operation=replace(states.OPERATION, past_no_return=True)))
    assert grounds.what_changed(before, past) == "0003-cutover is past the point of no return"
    assert grounds.what_changed(past, grounds.grounds_of(states.NEEDS_HUMAN)) == "0003-cutover is NEEDS YOU"
    live = grounds.grounds_of(replace(states.RUNNING, release="v2"))
    assert grounds.what_changed(before, live) == "V2 is live"
    edited = grounds.grounds_of(replace(states.NORMAL, active_hash="0f1e2d"))
    assert grounds.what_changed(normal, edited) == "the active configuration is another one"


def test_a_long_refusal_stands_whole_on_two_lines() -> None:
    why = "refused before it began: the active configuration, the last operation changed since it was planned"
    sheet = rollback.RollbackSheet("v1", open_for=1.0, plan=ROLLBACK, trouble=why)
    drawn = [plain(line).strip() for line in rollback.draw(sheet, states.WARNING, 80, 20, Look(UNICODE, states.NOW))]
    assert why in " ".join(drawn)


async def test_while_somebody_operates_the_plan_is_looked_at_again_and_again_without_a_word(
    app: ConsoleApp, reader: FakeReader, actions: FakeActions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned, "_AGAIN", 0.05)
    reader.state = ROLLING
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WAY BACK")
        await open_sheet(pilot, app)
        silent = "K. Lee with 0005-rollback, at: proof; silent for 12 s, if it hangs: abaco-ops rollback --force"
        actions.rollback = replace(ROLLBACK, evidence=(Evidence("no", "operates", silent),))
        await shows(pilot, "would be refused: K. Lee with 0005-rollback")
        said = screen_text(app)
        assert "if it hangs" in said and "New facts" not in said
