"""Random sessions of the real console, played both ways into emulated terminals: Textual's bytes and the differ's.

A session is a run of states (some hostile, some with wide and combining characters), keys that open every view and
dialog, texts, pastes and resizes. After each update both terminals show the same, cell by cell, styles and cursor too.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import states
from msgspec.structs import replace
from rich.console import RenderableType
from rich.segment import Segment
from textual import events, filter
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from two_terminals import TwoTerminals

from engine.state.model import State
from engine.tiers import COLORS, Colors
from tui.app import ConsoleApp
from tui.glyphs import ASCII, UNICODE
from tui.output.display import Display, rows_of
from tui.pane import Pane
from tui.reader import StateArrived
from tui.screens.dashboard import Dashboard
from tui.theme import Brushes

Make = Callable[..., ConsoleApp]
SIZES = ((80, 24), (120, 36), (132, 40), (82, 25), (40, 10), (100, 30))
KEYS = (*"123456789jkgGzVCRuwyaion/N[]?:dsbev1 ", "tab", "shift+tab", "enter", "escape", "ctrl+d", "ctrl+l", "down")
WORDS = ("漢字かな", "Zoe\u0308 Mu\u0308ller", "ｗｉｄｅ", "😀 👩\u200d🚀 ⚠\ufe0f", states.EVIL, "plain")
STEPS = 20


class RecordedDisplay(Display):
    """Plays what is painted past Textual into both terminals."""

    painted = 0

    def paint(self, app: App[Any], parts: Sequence[tuple[Widget, Region]]) -> bool:
        assert isinstance(app, Recorded)
        rows = rows_of(parts) if app.both is not None and not app.garbled else []
        cursor = app.screen.outer_size.clamp_offset(app.cursor_position)
        if not rows or app.both is None or not app.both.paint(rows, tuple(app.screen.size), (cursor.x, cursor.y)):
            return False
        self.painted += 1
        app.wrong = app.wrong or tuple(app.both.differences()[:3])
        return True


class Recorded(ConsoleApp):
    """Plays every update into both terminals at the place where it would go to the driver."""

    both: TwoTerminals | None = None
    wrong: tuple[str, ...] = ()
    garbled = False
    shown = compared = 0

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        if isinstance(renderable, LayoutUpdate | ChopsUpdate):
            if self.both is None:
                self.both = TwoTerminals(self.console, *self.size)
            cursor = screen.outer_size.clamp_offset(self.cursor_position)
            self.both.show(renderable, (cursor.x, cursor.y))
            self.shown += 1
            # what was made for the size before is garbled on either terminal, until everything is painted again
            fits = self.both.differ._size == (self.both.screens[0].columns, self.both.screens[0].lines)
            self.garbled = not fits or (self.garbled and isinstance(renderable, ChopsUpdate))
            if not self.garbled:
                self.compared += 1
                self.wrong = self.wrong or tuple(self.both.differences()[:3])
        super()._display(screen, renderable)

    def on_resize(self, event: events.Resize) -> None:  # type: ignore[override]
        if self.both is not None:
            self.both.resize(*event.size)
        super().on_resize()


def any_state(random: Random) -> State:
    state = random.choice([*states.ALL.values(), states.HOSTILE])
    verdict = replace(state.verdict, why=f"{random.choice(WORDS)} {random.randrange(1000)}")
    moved = timedelta(seconds=random.randrange(3))
    kpis = tuple(replace(kpi, value=(kpi.value or 0.0) + random.random()) for kpi in state.kpis)
    return replace(state, verdict=verdict, kpis=kpis, at=state.at + moved)


async def quiet_seconds(app: Recorded, pilot: Pilot[Any], count: int, apart: float = 1.0) -> None:
    """Beats, a while after the newest sample, before which nothing happens but that the clock goes on."""
    begin = app._now() + timedelta(minutes=10)
    for beat in range(count):
        moment = begin + timedelta(seconds=beat * apart)
        app._now = lambda moment=moment: moment  # type: ignore[misc]
        if app.seen.state is not None:
            app.on_state_arrived(StateArrived(replace(app.seen.state, at=moment)))
        app._second()
        await pilot.pause()
        assert as_anew(app) == "", "what was kept is not what is true"


def as_anew(app: Recorded) -> str:
    """What a dashboard in front would show otherwise, were everything drawn anew."""
    if not isinstance(app.screen, Dashboard) or app.seen.state is None:
        return ""
    shown = {pane.id: pane.text() for pane in app.screen.query(Pane) if pane.display}
    app.screen._kept.forget()
    app.screen.redraw()
    return "\n".join(
        f"{pane.id}: {shown[pane.id]} is {pane.text()}"
        for pane in app.screen.query(Pane)
        if pane.display and shown[pane.id] != pane.text()
    )


async def session(app: Recorded, seed: int) -> None:
    random = Random(seed)
    async with app.run_test(size=SIZES[0]) as pilot:
        for _ in range(STEPS):
            deed = random.random()
            if deed < 0.2:
                app.post_message(StateArrived(any_state(random)))
            elif deed < 0.3:
                await quiet_seconds(app, pilot, random.randrange(1, 9), random.choice((1.0, 1.0, 20.0)))
            elif deed < 0.4:
                app.post_message(events.Paste(random.choice(WORDS)))
            elif deed < 0.5:
                await pilot.resize_terminal(*random.choice(SIZES))
            else:
                await pilot.press(*random.choices(KEYS, k=random.randrange(1, 4)))
            await pilot.pause()
            assert not app.crash, app.crash_report
            assert app.wrong == (), (seed, app.wrong)
        if app.both is not None:
            app.both.differ.forget()
            app.repaint()
            await pilot.pause()
            assert app.wrong == ()


@pytest.fixture(params=COLORS)
def tier(request: pytest.FixtureRequest) -> Iterator[Colors]:
    """One way to write colours; a style keeps the codes of the first terminal that it was written for, hence anew."""
    _forget_styles()
    yield request.param
    _forget_styles()


def _forget_styles() -> None:
    for kind in (filter, filter.NoColor, filter.Monochrome, filter.DimFilter, filter.ANSIToTruecolor, Segment):
        for name in vars(kind):
            kept = getattr(kind, name)
            if hasattr(kept, "cache_clear"):
                kept.cache_clear()


def recorded(make_app: Make, seed: int, tier: Colors) -> Recorded:
    made = make_app()
    app = Recorded(
        root=made.root,
        target="v1",
        make_reader=made._reader._make,
        actions=made.actions,
        glyphs=ASCII if seed % 2 else UNICODE,
        now=made._now,
        brushes=Brushes(tier),
    )
    app.output = RecordedDisplay(on=True)
    return app


async def played(make_app: Make, seed: int, tier: Colors) -> None:
    app = recorded(make_app, seed, tier)
    await session(app, seed)
    assert app.both is not None
    assert app.compared > STEPS
    assert app.compared > 0.8 * app.shown
    assert app.both.bytes[1] < app.both.bytes[0]


async def test_a_random_session_paints_the_same(make_app: Make, tier: Colors) -> None:
    await played(make_app, COLORS.index(tier), tier)


@asynccontextmanager
async def at_rest(make_app: Make) -> AsyncIterator[tuple[Recorded, Pilot[Any]]]:
    """A console on its dashboard, with a state and nothing new."""
    app = recorded(make_app, 0, "truecolor")
    async with app.run_test(size=SIZES[1]) as pilot:
        app.post_message(StateArrived(states.NORMAL))
        await pilot.pause()
        yield app, pilot


async def test_quiet_seconds_are_painted_past_textual_and_show_the_same(make_app: Make) -> None:
    async with at_rest(make_app) as (app, pilot):
        await quiet_seconds(app, pilot, 6)
        assert isinstance(app.output, RecordedDisplay) and app.output.painted >= 3
        assert app.wrong == ()


async def test_panels_in_which_only_a_word_about_a_time_changes_are_painted_past_textual_too(make_app: Make) -> None:
    async with at_rest(make_app) as (app, pilot):
        await quiet_seconds(app, pilot, 3)
        shown = app.shown
        await quiet_seconds(app, pilot, 12, apart=17)
        assert isinstance(app.output, RecordedDisplay) and app.output.painted >= 12
        assert app.shown - shown <= 2, "what is in front was not painted by Textual but where its own turn came"
        assert app.wrong == ()


async def test_a_beat_that_comes_before_the_panels_is_no_beat(make_app: Make) -> None:
    async with at_rest(make_app) as (app, _):
        dashboard = app.screen
        assert isinstance(dashboard, Dashboard) and dashboard.beat()
        dashboard._filled = False  # as where a key opened another screen before the first refresh
        assert not dashboard.beat()


@pytest.mark.full
@pytest.mark.parametrize("seed", range(100, 140))
async def test_many_random_sessions_paint_the_same(make_app: Make, tier: Colors, seed: int) -> None:
    await played(make_app, seed, tier)
