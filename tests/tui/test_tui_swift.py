"""What the console spares: at the start what nobody has opened, later what did not change. It misses nothing by it."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import states
from msgspec.structs import replace
from states import NOW
from test_tui_keys import screen_text, shows, until
from textual._compositor import LayoutUpdate
from textual._styles_cache import StylesCache
from textual.screen import Screen
from textual.strip import Strip

from engine import snapshots
from engine.state.model import State, same_but_for_time
from tui import numbered
from tui.app import ConsoleApp
from tui.lines import put, width_of
from tui.pane import Pane
from tui.panels import every
from tui.reader import ReaderThread, StateArrived
from tui.screens.dashboard import NAMES, Dashboard
from tui.screens.offer import OfferScreen
from tui.warming import warm_up

Make = Callable[..., ConsoleApp]
NOT_AT_THE_START = (
    "hashlib",
    "sqlite3",
    "engine.state.model",
    "engine.monitoring.model",
    "engine.state.reader",
    "engine.state.replayed",
    "tui.panels.every",
    "engine.drills.faults",
    "tui.asking",
    "tui.screens.views",
    "tui.screens.offer",
    "tui.screens.over",
    "tui.screens.samples",
    "tui.screens.sheet",
    "tui.screens.gate",
)


def test_the_start_imports_no_screen_that_nobody_has_opened() -> None:
    code = f"import sys, tui.console; print([name for name in {NOT_AT_THE_START} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_console_goes_without_tls_and_whoever_asks_for_it_later_has_it() -> None:
    code = (
        "import sys, pathlib\n"
        "from tui.main import _open_console\n"
        "try:\n    _open_console(pathlib.Path('.'), True)\n"
        "except Exception as refused:\n    print(type(refused).__name__)\n"
        "print('asyncio' in sys.modules, '_ssl' in sys.modules)\n"
        "import ssl\nprint(ssl.create_default_context().check_hostname)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["Refused", "True", "False", "True"]


def test_every_panel_of_the_dashboard_is_drawn_by_something() -> None:
    assert tuple(every.PANELS) == NAMES


def test_neither_the_start_nor_the_first_read_pays_for_what_takes_snapshots() -> None:
    code = "import sys, tui.console, engine.state.reader; print('engine.snapshots.take' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_every_name_of_the_snapshots_is_there_when_it_is_asked_for() -> None:
    assert all(getattr(snapshots, name) is not None for name in snapshots.__all__)


def test_after_the_start_they_are_there_before_a_key_asks_for_them() -> None:
    missing = f"print([name for name in {NOT_AT_THE_START[7:]} if name not in sys.modules])"
    code = f"import sys; from tui.warming import warm_up; warm_up(); {missing}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_garbage_that_the_start_did_not_look_for_is_looked_for_again() -> None:
    gc.disable()
    try:
        warm_up()
        assert gc.isenabled()
    finally:
        gc.enable()
        gc.unfreeze()


def test_what_was_put_off_is_done_once_and_after_the_first_answer() -> None:
    order: list[str] = []
    done = threading.Event()

    class Reader:
        def read(self) -> State:
            order.append("read")
            if len(order) >= 5:
                done.set()
            return states.NORMAL

    def then() -> None:
        order.append("then")

    thread = ReaderThread(Reader, lambda _: None, then)
    thread.start()
    try:
        while not done.is_set():
            thread.hurry()
            done.wait(0.01)
    finally:
        thread.stop()
    assert order[:2] == ["read", "then"]
    assert order.count("then") == 1


# ---- no picture is an empty one


def pictures_of(app: ConsoleApp) -> list[str]:
    """The text of each whole picture that goes to the terminal from here on."""
    pictures: list[str] = []
    display = app._display

    def kept(screen: Screen[Any], update: Any) -> None:
        if isinstance(update, LayoutUpdate):
            pictures.append("\n".join(Strip.join(parts).text for parts in update.strips))
        display(screen, update)

    app._display = kept  # type: ignore[method-assign]
    return pictures


async def test_the_very_first_picture_says_something(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    pictures = pictures_of(app)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
    assert "reading the records" in pictures[0]


async def test_the_first_picture_waits_for_no_panel_and_they_come_before_any_state(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    panels: list[tuple[int, bool]] = []
    display = app._display

    def counted(screen: Screen[Any], update: Any) -> None:
        if isinstance(update, LayoutUpdate):
            panels.append((len(screen.query("#panels Pane")), app.shown_state is not None))
        display(screen, update)

    app._display = counted  # type: ignore[method-assign]
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "Decision matrix")
    assert panels[0] == (0, False)
    assert all(count == len(NAMES) + 1 for count, known in panels if known)


async def test_a_key_before_the_first_picture_takes_no_panel_away(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("3")
        await until(pilot, lambda: app.shown_state is not None)
        await pilot.press("escape")
        await shows(pilot, "Decision matrix")


async def test_a_key_that_comes_before_the_panels_counts(make_app: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Dashboard, "_fill", lambda _: None)
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("tab", "z")
        await until(pilot, lambda: numbered.name_of(app.screen) not in ("", "dashboard"))


async def test_the_first_picture_says_what_size_is_needed(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    pictures = pictures_of(app)
    async with app.run_test(size=(60, 16)) as pilot:
        await shows(pilot, "CONTINUE")
    assert "rolls back all the same" in pictures[0]


async def test_a_view_is_opened_with_what_it_shows(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        pictures = pictures_of(app)
        app.show_view("conditions")
        await until(pilot, lambda: bool(pictures))
        assert "CONTINUE" in pictures[0] and "ok      LAT" in pictures[0]


async def test_the_first_picture_of_another_size_is_drawn_for_it(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        pictures = pictures_of(app)
        await pilot.resize_terminal(100, 30)
        first = next(rows for picture in pictures if len(rows := picture.splitlines()) == 30)
        assert [row.rstrip() for row in first[:3]] == [row.rstrip() for row in screen_text(app).splitlines()[:3]]
        assert first[0].rstrip().endswith("Z")


# ---- a state that says the same


def test_a_state_is_the_same_only_where_nothing_but_its_time_differs() -> None:
    later = replace(states.NORMAL, at=NOW + timedelta(seconds=1))
    assert same_but_for_time(states.NORMAL, later)
    assert not same_but_for_time(None, later)
    assert not same_but_for_time(states.NORMAL, replace(later, kpis=()))
    kpi = replace(later.kpis[0], stale=True)
    assert not same_but_for_time(states.NORMAL, replace(later, kpis=(kpi, *later.kpis[1:])))


async def test_a_state_that_differs_is_drawn_at_once(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        drawn: list[int] = []
        app.redraw = lambda: drawn.append(1)  # type: ignore[method-assign]
        app.on_state_arrived(StateArrived(replace(states.NORMAL, at=NOW + timedelta(seconds=1))))
        assert not drawn, "the same at another moment waits for the tick"
        app.on_state_arrived(StateArrived(replace(states.WARNING, at=NOW + timedelta(seconds=1))))
        assert drawn


async def test_a_state_that_says_the_same_is_fresh_all_the_same(make_app: Make) -> None:
    """It is not drawn at once, but it counts: else the console would say that it reads nothing."""
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        app._now = lambda: NOW + timedelta(seconds=30)
        app.on_state_arrived(StateArrived(replace(states.NORMAL, at=NOW + timedelta(seconds=30))))
        assert app.shown_state is not None and app.shown_state.verdict.word == "CONTINUE"


async def test_what_can_be_read_again_is_drawn_though_it_says_the_same(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        app.read_trouble = "the disk is gone"
        drawn: list[int] = []
        app.redraw = lambda: drawn.append(1)  # type: ignore[method-assign]
        app.on_state_arrived(StateArrived(replace(states.NORMAL, at=NOW + timedelta(seconds=1))))
        assert drawn and not app.read_trouble


# ---- what is kept


async def test_a_pane_keeps_nothing_of_what_it_painted_before(make_app: Make) -> None:
    app, seconds = make_app(states.NORMAL), iter(range(10_000))
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        pane = app.screen.query_one("#header", Pane)
        pane._painter = lambda width, height: [put(f"second {next(seconds)}")] * height
        for _ in range(50):
            pane.redraw()
            for y in range(pane.size.height):
                pane.render_line(y)
        assert len(pane._strips) <= pane.size.height
        assert "second 49" in pane.text() and "second 49" in pane.render_line(0).text


async def test_a_view_that_was_closed_leaves_no_picture_behind(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    kept: list[int] = []
    async with app.run_test(size=(120, 40)) as pilot:
        await shows(pilot, "CONTINUE")
        for _ in range(3):
            for name in numbered.ORDER[1:]:
                app.show_view(name)
                await until(pilot, lambda: numbered.name_of(app.screen) == name)  # noqa: B023
            app.show_view("dashboard")
            await until(pilot, lambda: len(app.screen_stack) == 1)
            await pilot.pause()
            gc.collect()
            kept.append(sum(isinstance(one, StylesCache) for one in gc.get_objects()))
    assert kept[2] < kept[0] + 16, f"{kept}: each round opens 8 views of 4 widgets"


@pytest.mark.parametrize("text", ["plain", "", "wide 表", "mark e\u0301", "bar █▌", "~!@"])
def test_a_width_is_counted_in_cells(text: str) -> None:
    from rich.cells import cell_len

    assert width_of(put(text)) == sum(map(cell_len, [span.text for span in put(text)]))


# ---- views by name


async def test_each_view_is_known_by_its_name(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, Dashboard))
        assert numbered.name_of(app.screen) == "dashboard"
        for name in numbered.ORDER[1:]:
            app.show_view(name)
            await until(pilot, lambda: numbered.name_of(app.screen) == name)  # noqa: B023
        app.show_view("dashboard")
        await until(pilot, lambda: "Checklist" in screen_text(app))


async def test_a_sheet_is_none_of_the_nine(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 40)):
        assert numbered.name_of(OfferScreen("0001-cutover")) == ""


@pytest.mark.parametrize("key", ["3", "?", ":", "R"])
async def test_a_key_before_the_first_picture_keeps_nothing_from_being_read(make_app: Make, key: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: app.shown_state is not None)
