"""The event loop's own lateness: measured, the worst kept, seen in the help, and logged seldom."""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import states
from test_tui_keys import screen_text, shows, until

from engine.config import Deployment
from engine.config.looking import only_looking
from engine.config.personal import state_directory
from tui.app import ConsoleApp
from tui.console import console_log
from tui.lag import BAR, QUIET, LagWatch, append

Make = Callable[..., ConsoleApp]


class Hand:
    def __init__(self) -> None:
        self.seconds = 0.0

    def clock(self) -> float:
        return self.seconds

    def watch(self) -> LagWatch:
        return LagWatch(None, lambda: states.NOW + timedelta(seconds=self.seconds), self.clock)


def test_the_worst_is_kept_with_its_time() -> None:
    hand = Hand()
    watch = hand.watch()
    assert watch.lateness.words() == "not measured yet"
    for late in (0.003, 0.2, 0.004):
        watch.seen(late)
        hand.seconds += 1
    assert watch.lateness.words() == "4 ms late now; at worst 200 ms, at 09:12:05Z"


def test_beyond_the_bar_one_line_a_minute_tells_the_worst() -> None:
    hand = Hand()
    watch = hand.watch()
    assert watch.seen(BAR - 0.01) == ""
    assert "stood still for 812 ms" in watch.seen(0.812)
    hand.seconds = 30
    assert watch.seen(3.0) == ""
    hand.seconds = QUIET
    assert "stood still for 3000 ms" in watch.seen(0.001), "what was held back is told when its minute comes"
    hand.seconds = 3 * QUIET
    assert watch.seen(0.001) == ""


def test_a_loop_that_stands_still_is_seen_and_logged(make_app: Make, tmp_path: Path) -> None:
    app = make_app(console_log=tmp_path / "logs/console.log")

    async def session() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await shows(pilot, "WATCH")
            await until(pilot, lambda: app.lag.lateness.looks > 0)
            time.sleep(BAR + 0.4)  # what must not happen happens: the loop is held
            await until(pilot, lambda: app.lag.lateness.worst > BAR)
            await until(pilot, lambda: (tmp_path / "logs/console.log").exists())
            assert "this console stood still for" in (tmp_path / "logs/console.log").read_text()
            await pilot.press("?", "G")
            await until(pilot, lambda: "at worst" in screen_text(app), "the help tells it")

    with asyncio.Runner(loop_factory=app.lag.loop) as runner:
        runner.run(session())


def test_what_a_turn_takes_and_what_a_wait_takes_too_long_is_late(monkeypatch: pytest.MonkeyPatch) -> None:
    hand = Hand()
    watch = hand.watch()
    loop = watch.loop()
    waits = loop._selector  # type: ignore[attr-defined]

    def wait(seconds: float, timeout: float | None) -> float:
        def select(_self: object, _timeout: float | None = None) -> list[object]:
            hand.seconds += seconds
            return []

        with monkeypatch.context() as patch:
            patch.setattr(selectors.DefaultSelector, "select", select)
            waits.select(timeout)
        return watch.lateness.last

    assert wait(5, 1) == 0 and watch.lateness.looks == 0, "it has not begun"
    watch.start()
    assert wait(2, 2) == wait(9, None) == 0
    hand.seconds += 0.3
    assert wait(1, 1) == pytest.approx(0.3), "the turn before it took so long"
    assert wait(3, 1) == pytest.approx(2), "a process that was stopped, or a machine too busy"
    assert watch.lateness.worst == pytest.approx(2)
    loop.close()


def test_a_log_that_cannot_be_written_holds_nothing_up(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    append(tmp_path / "logs/console.log", "x")
    (tmp_path / "link.log").symlink_to(tmp_path / "elsewhere")
    append(tmp_path / "link.log", "x")
    assert not (tmp_path / "elsewhere").exists()


def test_a_read_only_console_logs_among_ones_own_files(deployment: Deployment) -> None:
    assert console_log(deployment) == deployment.root / "logs/console.log"
    assert console_log(only_looking(deployment)) == state_directory() / "console.log"
