"""Plots: a peak never vanishes, what was not measured is not drawn, alerts and operations stand on the axis."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from datetime import timedelta

import pytest
from fake_looks import FakeLooks, plotted
from hypothesis import given, settings
from hypothesis import strategies as st
from states import NOW
from test_tui_keys import screen_text, shows, until

from engine.monitoring.columns import Column, Stretch, in_columns
from tui import plot
from tui.app import ConsoleApp
from tui.glyphs import ASCII, UNICODE, spark, squeezed
from tui.lines import plain, width_of
from tui.look import Look
from tui.screens.dashboard import Dashboard
from tui.screens.plots import Plots
from tui.screens.views import Conditions
from tui.windows import values_of

Make = Callable[..., ConsoleApp]
LOOK = Look(UNICODE, NOW)
HOUR = timedelta(hours=1)

values = st.lists(
    st.tuples(st.floats(0, 3599), st.floats(-1e6, 1e6)), min_size=1, max_size=60, unique_by=lambda pair: pair[0]
).map(sorted)


def an_hour(count: int) -> Stretch:
    return Stretch(NOW - HOUR, NOW, count)


def columns_of(pairs: list[tuple[float, float]], count: int, longest: float = math.inf) -> tuple[Column, ...]:
    return in_columns([(NOW - HOUR + timedelta(seconds=at), value) for at, value in pairs], an_hour(count), longest)


@given(values, st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_thinning_keeps_the_highest_and_the_lowest_value(pairs: list[tuple[float, float]], count: int) -> None:
    made = columns_of(pairs, count)
    assert max(one.high for one in made) == max(value for _, value in pairs)
    assert min(one.low for one in made) == min(value for _, value in pairs)
    assert [one.index for one in made] == sorted({one.index for one in made})
    assert all(0 <= one.index < count for one in made)


@given(values, st.integers(2, 120), st.integers(2, 80))
@settings(max_examples=30, deadline=None)
def test_every_extreme_has_a_dot_in_its_own_column(pairs: list[tuple[float, float]], count: int, rows: int) -> None:
    found = plotted("MEM", an_hour(count), columns_of(pairs, count), limits=(), from_zero=False)
    scale = plot.scale_of(found, rows)
    lit = plot.dots_of(found, scale, rows)
    assert scale.low <= min(value for _, value in pairs) and max(value for _, value in pairs) <= scale.high
    for column in found.columns:
        assert (column.index, scale.row(column.high, rows)) in lit
        assert (column.index, scale.row(column.low, rows)) in lit


@given(values, st.integers(2, 120), st.floats(1, 600))
@settings(max_examples=30, deadline=None)
def test_nothing_is_drawn_where_values_were_missing_too_long(
    pairs: list[tuple[float, float]], count: int, longest: float
) -> None:
    found = plotted("MEM", an_hour(count), columns_of(pairs, count, longest), limits=(), longest=longest)
    drawn = {x for x, _ in plot.dots_of(found, plot.scale_of(found, 20), 20)}
    times = [at for at, _ in pairs]
    step = found.stretch.step
    for before, after in itertools.pairwise(times):
        if after - before > longest + 1e-3:
            inside = range(int(before // step) + 1, int(after // step))
            assert not drawn & set(inside)
            assert not any(plot.covered(found)[x] for x in inside)


def lines_of(look: Look = LOOK, width: int = 80, height: int = 16, count: int | None = None) -> list[str]:
    stretch = Stretch(NOW - timedelta(minutes=15), NOW, count or plot.columns_of(width, look.glyphs))
    drawn = plot.draw(plotted("MEM", stretch), width, height, look)
    assert len(drawn) == height and all(width_of(line) == width for line in drawn)
    return [plain(line) for line in drawn]


def test_axes_have_numbers_and_times_and_limits_are_lines_with_names() -> None:
    drawn = lines_of()
    assert any(line.lstrip().startswith("200│") and "╌╌╌" in line and "W 200" in line for line in drawn)
    assert "09:00" in drawn[-1] and "09:10" in drawn[-1] and "UTC" in drawn[-1]


def test_a_gap_is_blank_and_said_on_the_axis() -> None:
    drawn = lines_of()
    axis = drawn[-2]
    hole = [index for index, mark in enumerate(axis[:68]) if mark == "┄"]
    assert len(hole) > 5 and "no data" in axis
    assert all(line[index] in " ╌" for line in drawn[:-4] for index in hole[1:-1])


def test_alerts_and_operations_stand_on_the_axis_from_their_begin_to_their_end() -> None:
    alerts, operations = lines_of()[-4:-2]
    assert "B━" in alerts and alerts.rstrip().endswith("━") and "C" in alerts
    assert alerts[alerts.index("C") - 2] == " ", "an alert that ended does not go on"
    assert "A━" in operations


def test_the_ascii_tier_is_ascii_and_shows_the_same() -> None:
    drawn = lines_of(Look(ASCII, NOW))
    assert all(line.isascii() for line in drawn)
    assert any("200|" in line and "===" in line and "W 200" in line for line in drawn)
    assert "B=" in drawn[-4] and ".." in drawn[-2]


def test_a_trend_over_a_window_leaves_gaps_blank() -> None:
    stretch = an_hour(40)
    shown = values_of(plotted("MEM", stretch), 40)
    assert len(shown) == 40 and sum(value != value for value in shown) == len(range(40 // 3, 20))
    assert " " in spark(shown, 40, UNICODE).strip()


def test_a_trend_over_a_window_shows_all_of_it_in_however_few_cells() -> None:
    hour = (1.0,) * 5 + (9.0,) + (1.0,) * 34
    assert max(squeezed(hour, 6)) == 9.0 and len(squeezed(hour, 6)) == 6
    assert spark(squeezed(hour, 6), 6, UNICODE) == "▇▁▁▁▁▁"


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_plot_opens_on_what_is_in_hand_and_the_keys_move_it(
    make_app: Make, looks: FakeLooks, size: tuple[int, int]
) -> None:
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("2", "j", "j", "p")
        await shows(pilot, "THR  memory, MB")
        await shows(pilot, "[ 15 min ]")
        await pilot.press("]")
        await shows(pilot, "[ 1 h ]")
        await until(pilot, lambda: looks.asked[-1][:3] == ("plotted", "THR", 3600.0))
        await pilot.press("left")
        await until(pilot, lambda: looks.asked[-1][3] == NOW - timedelta(minutes=30))
        await shows(pilot, "until 01-31 08:42:04Z")
        await pilot.press("right", "right", "[", "[", "tab")
        await until(pilot, lambda: looks.asked[-1][:3] == ("plotted", "ERR", 900.0) or "ERR  " in screen_text(app))
        await shows(pilot, "C  01-31 09:09:04Z, goes on")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, Conditions))


async def test_the_trends_of_the_dashboard_follow_the_window_and_say_so(make_app: Make, looks: FakeLooks) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "trend: newest")
        await pilot.press("]", "]")
        await shows(pilot, "trend 1 h")
        await until(pilot, lambda: {asked[1] for asked in looks.asked} >= {"MEM", "CPU", "PAR30"})
        await pilot.press("[", "[")
        await shows(pilot, "trend: newest")
        assert isinstance(app.screen, Dashboard)


async def test_what_cannot_be_read_is_said_and_nothing_is_drawn(make_app: Make) -> None:
    app = make_app(looks=None)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("p")
        await shows(pilot, "no records are behind this console")
        assert isinstance(app.screen, Plots)
