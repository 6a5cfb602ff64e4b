"""Where it is configured, a console over SSH writes only while it is armed; rolling back never waits for that."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import states
from behind_the_console import FakeActions
from test_tui_keys import open_sheet, shows, until
from test_tui_offer import STOPPED

from engine.config import load_deployment
from engine.config.templates import write_config
from tui.app import ConsoleApp
from tui.arming import Arming
from tui.commands import COMMANDS
from tui.lines import plain
from tui.screens.sheet import CutoverScreen

Make = Callable[..., ConsoleApp]


class Watch:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_it_is_off_unless_configured_and_never_asked_of_who_sits_at_the_machine() -> None:
    assert not Arming().needed
    assert not Arming.over("10.0.0.7", None).needed
    assert not Arming.over("local", 300.0).needed
    assert Arming.over("10.0.0.7", 300.0).needed


def test_until_it_is_armed_every_command_that_writes_waits_but_the_rollback() -> None:
    arming = Arming(300.0)
    for command in COMMANDS.values():
        waits = command.risk != "view" and command.id != "rollback"
        assert bool(arming.refusal(command)) == waits, command.id
    arming.arm()
    assert not any(arming.refusal(command) for command in COMMANDS.values())


def test_what_is_refused_is_said_in_one_line_of_80_columns() -> None:
    said = [Arming(300.0).refusal(command) for command in COMMANDS.values()]
    assert max(map(len, said)) < 80, max(said, key=len)
    assert not any("waits" in words for words in said), "nothing waits: it has to be asked for again"


def test_it_counts_down_and_ends_by_itself() -> None:
    watch = Watch()
    arming = Arming(300.0, watch)
    assert plain(arming.mark()) == "not armed: A"
    assert arming.arm().startswith("armed: writing is open for 5:00")
    assert plain(arming.mark()) == "ARMED 5:00"
    watch.at += 240.5
    assert plain(arming.mark()) == "ARMED 1:00"
    watch.at += 59.5
    assert plain(arming.mark()) == "not armed: A"
    assert "A arms it" in arming.bars("a note")


async def test_a_write_waits_until_armed_and_the_countdown_is_seen(make_app: Make, actions: FakeActions) -> None:
    watch = Watch()
    app = make_app(arming=Arming(300.0, watch))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "? help")
        await shows(pilot, "not armed: A")
        await pilot.press("V")
        await shows(pilot, "validate is refused: not armed over SSH; A arms it, then V again")
        assert ("validate",) not in actions.asked
        await pilot.press("A")
        await shows(pilot, "ARMED 5:00")
        watch.at += 1
        await shows(pilot, "ARMED 4:59")
        await pilot.press("V")
        await until(pilot, lambda: ("validate",) in actions.asked)


async def test_an_arming_that_ended_while_a_form_was_open_is_asked_for_again(
    make_app: Make, actions: FakeActions
) -> None:
    watch = Watch()
    app = make_app(arming=Arming(300.0, watch))
    async with app.run_test(size=(100, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("A", "i", *"a note")
        watch.at += 301
        await pilot.press("enter")
        await shows(pilot, "note is refused: not armed over SSH; Esc, A arms it, then again")
        assert ("note", "a note") not in actions.asked


async def test_a_cutover_confirmed_after_the_arming_ended_does_not_begin(make_app: Make, actions: FakeActions) -> None:
    watch = Watch()
    app = make_app(states.BEFORE, arming=Arming(300.0, watch))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V1 LIVE")
        await pilot.press("A", "C", "tab")
        await until(pilot, lambda: isinstance(app.screen, CutoverScreen) and app.screen.sheet.plan is not None)
        await pilot.press(*"release", "enter")
        watch.at += 301
        await pilot.pause(0.8)
        await pilot.press("enter")
        await shows(pilot, "the cutover is refused: not armed over SSH; Esc, A arms it")
        assert not [asked for asked in actions.asked if asked[0] == "launch"]


async def test_rolling_back_needs_no_arming(make_app: Make, actions: FakeActions) -> None:
    app = make_app(arming=Arming(300.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "not armed")
        await open_sheet(pilot, app)
        await pilot.press("v", "1", "enter")
        await until(pilot, lambda: ("launch", "rollback", "") in actions.asked)


async def test_what_the_offer_of_a_stopped_operation_does_is_armed_too(make_app: Make) -> None:
    app = make_app(STOPPED, arming=Arming(300.0))
    async with app.run_test(size=(100, 30)) as pilot:
        await shows(pilot, "WAY BACK")
        await pilot.press("r")
        await shows(pilot, "armed  ")
        await pilot.press("up", "enter")
        await shows(pilot, "is refused: not armed over SSH")


async def test_a_read_only_console_cannot_be_armed(make_app: Make) -> None:
    app = make_app(read_only=True, arming=Arming(300.0))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("A")
        await shows(pilot, "it cannot be armed")
        assert app.arming.left == 0


@pytest.mark.parametrize(("line", "seconds"), [("5m  ", 300.0), ("null", None)])
def test_it_is_configured_by_a_line(tmp_path: Path, line: str, seconds: float | None) -> None:
    root = tmp_path / "deployment"
    write_config(root, demo=True)
    path = root / "config/console.yml"
    path.write_text(path.read_text().replace("arm_writes_over_ssh: null", f"arm_writes_over_ssh: {line}"))
    assert load_deployment(root).console.console.arm_writes_over_ssh == seconds


def test_a_configuration_from_before_loads(tmp_path: Path) -> None:
    root = tmp_path / "deployment"
    write_config(root, demo=True)
    path = root / "config/console.yml"
    text = path.read_text()
    begin, end = text.index("\nconsole:"), text.index("\noperations:")
    path.write_text(text[:begin] + text[end:])
    assert load_deployment(root).console.console.arm_writes_over_ssh is None
