"""What is pending, was never measured, or is judged by nobody is called so in every corner, and never ok."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import timedelta

import states
from behind_the_console import FakeActions
from fake_looks import plotted
from msgspec.structs import replace
from test_tui_keys import screen_text, shows, until
from test_tui_samples import a_trace

from engine.monitoring.columns import Column, Stretch
from engine.monitoring.trace_words import tier_words, verdict_on
from engine.state.model import State
from tui import plot
from tui.app import ConsoleApp
from tui.glyphs import UNICODE
from tui.lines import plain
from tui.look import Look
from tui.panels import resources

Make = Callable[..., ConsoleApp]
LOOK = Look(UNICODE, states.NOW)


def with_condition(name: str, state: State = states.NORMAL, **fields: object) -> State:
    changed = (replace(one, **fields) if one.id == name else one for one in state.conditions)  # type: ignore[arg-type]
    return replace(state, conditions=tuple(changed))


async def test_a_tier_that_is_not_held_for_long_enough_yet_is_pending_and_not_ok(make_app: Make) -> None:
    app = make_app(with_condition("RUN", pending="critical", held=11.0, hold=300.0, text="failing"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("2")
        await shows(pilot, "critical? 11s of 5m")
        (row,) = [line for line in screen_text(app).splitlines() if " RUN " in line]
        assert row.split()[0] == "pending"


async def test_without_a_monitor_the_conditions_are_not_counted_as_judged(make_app: Make) -> None:
    for state, words in ((states.NORMAL, "0 firing"), (states.STALE, "STALE: nothing is judged")):
        app = make_app(state)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.shown_state)  # noqa: B023
            await pilot.press("2")
            await shows(pilot, words)
            assert "0 firing" not in screen_text(app) or state is states.NORMAL


async def test_what_was_never_measured_is_not_stale_since_never(make_app: Make) -> None:
    app = make_app(with_condition("MEM", states.STALE, observed_at=None))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("2")
        await shows(pilot, "never measured")
        assert "stale never" not in screen_text(app)


def test_the_age_of_a_stale_value_does_not_run_into_its_label() -> None:
    gauge = states.gauge("THREADS", "5", None, (), stale=True, level="stale")
    for seconds in (5, 41, 700):
        row = plain(resources.plain_row(replace(gauge, observed_at=states.NOW - timedelta(seconds=seconds)), 80, LOOK))
        assert " THREADS " in row, row


async def test_without_a_sample_nothing_is_recomputed_and_no_limit_is_kept_to(
    make_app: Make, actions: FakeActions
) -> None:
    trace = replace(a_trace("LAT"), counted=0, samples=(), firing="")
    tier = replace(trace.tiers[0], firing=False, count=0)
    assert "nothing could be recomputed" in verdict_on(trace) and "the same" not in verdict_on(trace)
    assert "not beyond it" in tier_words(tier) and "not beyond it" not in tier_words(tier, measured=False)
    assert "2 samples (3 needed)" in tier_words(replace(tier, count=2, need=3))
    assert "2 samples," in tier_words(replace(tier, count=2, need=1)), (
        "what one is needed for is not counted against it"
    )
    actions.traces["LAT"] = replace(trace, tiers=(tier,))
    app = make_app(states.WARNING)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("2", "enter", "enter")
        await shows(pilot, "nothing could be recomputed")
        assert "not beyond it" not in screen_text(app)


def test_what_holds_until_the_next_value_is_not_known_before_the_first() -> None:
    stretch = Stretch(states.NOW - timedelta(hours=6), states.NOW, 100)
    first = Column(60, 1.0, 1.0, 1.0, False)
    forever = plotted("VAL", stretch, (first,), limits=(), longest=math.inf)
    assert plot.covered(forever) == [False] * 60 + [True] * 40


async def test_the_newest_value_of_a_plot_is_stale_where_no_monitor_runs(make_app: Make) -> None:
    for state, stale in ((states.NORMAL, False), (states.STALE, True)):
        app = make_app(state)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: app.shown_state)  # noqa: B023
            await pilot.press("p")
            await shows(pilot, "last ")
            (row,) = [line for line in screen_text(app).splitlines() if "min " in line and "last " in line]
            assert ("STALE 41s" in row) is stale, row
