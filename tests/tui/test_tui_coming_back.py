"""Coming back, a console first says what happened meanwhile; leaving, what runs on and how to come back."""

from __future__ import annotations

import signal
from collections.abc import Callable

import msgspec
import pytest
import states
from a_terminal import PlayedTerminal
from behind_the_console import FakeActions
from test_tui_keys import open_sheet, screen_text, shows, until

from engine.config import Deployment
from engine.records import append_event
from tui.app import ConsoleApp
from tui.leaving import last_words
from tui.screens.dashboard import Dashboard
from tui.screens.since import SinceYouLeft

Make = Callable[..., ConsoleApp]
TOLD = ("Since 31 Jan 02:00Z, 7h ago", "   verdict was CONTINUE, is WATCH", "   31 Jan 08:00:01 note: look (ann@ops1)")


async def test_what_happened_stands_in_front_and_escape_closes_it(make_app: Make, actions: FakeActions) -> None:
    actions.left = TOLD
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Since you left")
        await shows(pilot, "note: look (ann@ops1)")
        await shows(pilot, "WATCH")
        await pilot.press("escape")
        await until(pilot, lambda: type(app.screen) is Dashboard)


async def test_it_rolls_back_from_there(make_app: Make, actions: FakeActions) -> None:
    actions.left = TOLD
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "Since you left")
        await open_sheet(pilot, app)
        await pilot.press("v", "1", "enter")
        await until(pilot, lambda: ("launch", "rollback", "") in actions.asked)


async def test_where_nothing_happened_the_dashboard_opens(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.pause(0.1)
        assert type(app.screen) is Dashboard


async def test_a_read_only_console_neither_asks_nor_notes(make_app: Make, actions: FakeActions) -> None:
    actions.left = TOLD
    app = make_app(read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.pause(0.1)
        assert "Since you left" not in screen_text(app)
        assert actions.remembered == 0


async def test_who_is_cut_off_before_reading_it_is_told_again(make_app: Make, actions: FakeActions) -> None:
    actions.left = TOLD
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, SinceYouLeft))
        app.coming_back.end()
        assert actions.remembered == 0
        await pilot.press("escape")
        await until(pilot, lambda: not app.coming_back.unread)
        app.coming_back.end()
        assert actions.remembered >= 1


def noted(deployment: Deployment) -> bool:
    """Whether it is written down that this person is here: opening a console does so as soon as it has read."""
    return any(deployment.paths.left.glob("*.json"))


def test_after_a_lost_line_the_next_console_tells_it(deployment: Deployment) -> None:
    """The whole way: a console loses its terminal, something happens, and the next one says so."""
    arguments = ["-m", "tui.main", "--root", str(deployment.root)]
    first = PlayedTerminal(arguments)
    try:
        first.wait_for("Decision matrix")
        first.read_until(lambda: noted(deployment))
        first.hang_up()
        assert first.ended(20, reading=False) is not None
    finally:
        first.close()
    append_event(deployment.paths.events, "note", {"text": "the proxy fell over"}, source="people", actor="ann@ops1")
    second = PlayedTerminal(arguments)
    try:
        second.wait_for("Since you left")
        second.wait_for("the proxy fell over")
        second.type("\x1bq")
        second.read(1.0)
        second.type("q")
        assert second.ended(20) == 0
    finally:
        second.close()
        stop_monitor_of(deployment)


def test_what_happens_while_the_line_is_dead_is_told_although_the_console_was_open_still(
    deployment: Deployment,
) -> None:
    """Nothing on this side notices a dead line for minutes: only a key shows that somebody was there."""
    arguments = ["-m", "tui.main", "--root", str(deployment.root)]
    first = PlayedTerminal(arguments)
    try:
        first.wait_for("Decision matrix")
        first.read_until(lambda: noted(deployment))
        first.type("?")
        first.wait_for("Help")
        append_event(deployment.paths.events, "note", {"text": "the disk died"}, source="people", actor="ann@ops1")
        first.hang_up()
        assert first.ended(20, reading=False) is not None
    finally:
        first.close()
    second = PlayedTerminal(arguments)
    try:
        second.wait_for("Since you left")
        second.wait_for("the disk died")
    finally:
        second.close()
        stop_monitor_of(deployment)


async def test_a_key_shows_that_somebody_is_there(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: actions.remembered == 1)  # opening it is one
        app.coming_back._noted -= 60.0
        await pilot.press("?")
        await until(pilot, lambda: actions.remembered == 2)
        await pilot.press("escape")  # so soon after, it says nothing new
        assert actions.remembered == 2


def stop_monitor_of(deployment: Deployment) -> None:
    from engine.monitoring.launch import stop_monitor

    stop_monitor(deployment)


def test_a_console_that_is_told_to_end_says_its_last_words_too(deployment: Deployment) -> None:
    terminal = PlayedTerminal(["-m", "tui.main", "--read-only", "--root", str(deployment.root)])
    try:
        terminal.wait_for("READ-ONLY")
        terminal.signal(signal.SIGTERM)
        assert terminal.ended(20) == 128 + signal.SIGTERM
        assert b"Come back: abaco-ops --root" in terminal.output
    finally:
        terminal.close()


RUNNING = states.ALL["running"]


def test_the_last_words_name_what_runs_on() -> None:
    words = last_words(RUNNING, "/srv/abaco", {}, "ops1")
    assert RUNNING.operation is not None
    assert RUNNING.operation.id in words.partition("Come back")[0]
    assert "the monitor run on" in words
    assert words.endswith("Come back: abaco-ops --root /srv/abaco")


def test_without_a_monitor_they_say_that_nobody_is_told() -> None:
    alone = msgspec.structs.replace(
        states.NORMAL, monitor=msgspec.structs.replace(states.NORMAL.monitor, running=False, reason="killed")
    )
    assert last_words(alone, "/srv/abaco", {}, "ops1").startswith("V2 runs on; no monitor runs: nobody is told")


def test_over_ssh_they_say_the_way_from_outside_and_in_tmux_that_it_may_stay_open() -> None:
    over = {"SSH_CONNECTION": "10.0.0.7 50000 10.0.0.1 22", "TMUX": "/tmp/tmux-0/default,1,0"}
    first, second = last_words(states.NORMAL, "/srv/a b", over, "ops1").splitlines()
    assert first.endswith("""Come back: ssh -t ops1 'abaco-ops --root '"'"'/srv/a b'"'"''""")
    assert "tmux attach comes back" in second


@pytest.mark.parametrize("state", list(states.ALL))
def test_there_are_last_words_in_every_state(state: str) -> None:
    assert "Come back" in last_words(states.ALL[state], "/srv/abaco", {}, "ops1")
    assert "nothing was stopped" in last_words(None, "/srv/abaco", {}, "ops1")
