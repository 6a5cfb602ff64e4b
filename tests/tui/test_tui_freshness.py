"""Freshness: every source frozen in turn. Each value that rests on it dims and says STALE, within two cadences."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import plans
import pytest
import states
from fake_looks import FakeLooks, plotted
from msgspec.structs import replace
from states import NOW
from test_tui_keys import screen_text, shows, until

from engine.monitoring.columns import Stretch
from engine.state.model import State
from tui.app import ConsoleApp
from tui.clock_watch import ClockWatch
from tui.glyphs import UNICODE
from tui.lines import Lines, plain
from tui.look import Look, honest
from tui.panels import checklist, header, kpis, log, matrix, resources, validation
from tui.screens.dashboard import Dashboard
from tui.screens.plots import Plots
from tui.seen import Seen
from tui.sheets.rollback import RollbackSheet
from tui.sheets.rollback import draw as draw_rollback

Make = Callable[..., ConsoleApp]
LATER = NOW + timedelta(seconds=41)
UNREAD = honest(states.NORMAL, LATER)
"""What a console shows that has read nothing for 41 s, its clock going on."""
FROZEN = replace(
    states.NORMAL, monitor=replace(states.NORMAL.monitor, stale=True, observed_at=NOW - timedelta(seconds=41))
)
"""What a monitor that was stopped leaves."""


def text(lines: Lines) -> str:
    return "\n".join(plain(line) for line in lines)


def roles(lines: Lines, words: str) -> set[str]:
    return {span.role for line in lines for span in line if words in span.text}


BESIDE = {"old_release": "v1", "old_value": 2.2, "agreement": "the same"}
DRAWN: dict[str, tuple[Callable[[State, Look], Lines], str]] = {
    "the gauges": (lambda state, look: resources.draw(state, 60, 6, look), "stale 43s"),
    "the KPIs": (lambda state, look: kpis.draw(state, 60, 6, look), "stale 12m"),
    "the comparison with the old release": (
        lambda state, look: kpis.compared(
            replace(state.kpis[0], old_release="v1", old_value=2.2, agreement="same"), 80
        ),
        "STALE",
    ),
    "the checks": (lambda state, look: validation.draw(state, 60, 6, look), "stale, 12m ago"),
    "what the checklist measured": (lambda state, look: checklist.draw(state, 60, 6, look), "measured: STALE"),
    "the matrix": (lambda state, look: matrix.draw(state, 100, 6, look), "read nothing for 41s"),
    "the log": (lambda state, look: log.draw(state, 80, 6, look), "STALE: no new sample"),
    "the way back": (lambda state, look: header.draw(state, 120, look), "ready, STALE"),
    "the watch": (lambda state, look: header.draw(state, 120, look), "on watch A. Moreno, STALE"),
    "the data": (lambda state, look: header.draw(state, 80, look), "data STALE 43s"),
    "the shadow run": (
        lambda state, look: draw_rollback(RollbackSheet("v1", plan=plans.ROLLBACK), state, 120, 30, look),
        "shadow run 53s ago STALE",
    ),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_console_that_reads_nothing_says_so_at_every_value(name: str) -> None:
    draw, words = DRAWN[name]
    assert words in text(draw(UNREAD, Look(UNICODE, LATER)))
    assert "stale" not in text(draw(states.NORMAL, Look(UNICODE, NOW))).lower(), "a fresh one never says it"


def test_stale_values_are_dim_and_no_row_of_the_matrix_but_unknown_holds() -> None:
    look = Look(UNICODE, LATER)
    assert roles(resources.draw(UNREAD, 60, 6, look), "0.7 ms") == {"stale"}
    assert roles(kpis.draw(UNREAD, 60, 6, look), "2.21") == {"stale"}
    assert [row.verdict for row in UNREAD.matrix if row.active] == ["UNKNOWN"]
    assert UNREAD.verdict.word == "UNKNOWN"


def test_a_clock_set_back_hides_nothing_that_waits() -> None:
    back = NOW - timedelta(hours=1)
    assert honest(states.NORMAL, back, waited=1.0) is states.NORMAL
    assert honest(states.NORMAL, back, waited=30.0).verdict.word == "UNKNOWN"


def test_a_state_that_is_found_to_be_so_still_does_not_grow_old(monkeypatch: pytest.MonkeyPatch) -> None:
    boot, read_at = [100.0], [100.0]
    monkeypatch.setattr("tui.seen.since_boot", lambda: boot[0])
    seen = Seen(past=False, clock_watch=None, read_at=lambda: read_at[0])
    seen.take(states.NORMAL, trouble=False)
    boot[0] += 10
    later = NOW + timedelta(seconds=10)
    shown = seen.shown(later)
    assert shown is not None and shown.verdict.word == "UNKNOWN", "nobody has looked for ten seconds"
    read_at[0] += 9
    assert seen.shown(later) is states.NORMAL, "a second ago it was so still"


def test_the_age_of_the_data_is_loud_after_two_cadences_and_stale_when_the_monitor_is() -> None:
    def row_3(seconds: float, state: State = states.NORMAL) -> tuple[str, str]:
        lines = header.draw(state, 120, Look(UNICODE, state.monitor.observed_at + timedelta(seconds=seconds)))
        (role,) = {span.role for span in lines[2] if "data" in span.text}
        return plain(lines[2]).split("data ")[1].strip(), role

    assert row_3(1) == ("1s", "dim")
    assert row_3(2.5) == ("2s late", "warn")
    assert row_3(41, FROZEN) == ("STALE 41s", "warn")
    slow = replace(states.NORMAL, sample_cadence=10.0)
    assert row_3(19, slow) == ("19s", "dim") and row_3(21, slow) == ("21s late", "warn")


def test_the_log_of_a_frozen_monitor_is_stale() -> None:
    assert "STALE: no new sample" in text(log.draw(FROZEN, 80, 6, Look(UNICODE, NOW)))


def test_a_clock_that_stands_still_is_seen_and_one_that_goes_is_not() -> None:
    wall, boot = [NOW], [100.0]
    watch = ClockWatch(lambda: wall[0], lambda: boot[0])
    boot[0] += 2.5
    assert watch.stands() == 2.5
    wall[0] += timedelta(milliseconds=1)
    assert watch.stands() == 0.0


async def test_a_stopped_clock_makes_the_verdict_unknown_within_two_cadences(make_app: Make) -> None:
    boot = [100.0]
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "CONTINUE")
        app.seen.clock_watch = ClockWatch(lambda: NOW, lambda: boot[0])
        boot[0] += 2.0
        app.redraw()
        assert "CONTINUE" in screen_text(app)
        boot[0] += 0.1
        app.redraw()
        await until(pilot, lambda: "clock has stood still" in screen_text(app))
        assert " UNKNOWN " in screen_text(app).splitlines()[0]


async def test_a_reader_that_hangs_is_seen_though_the_clock_stands_too(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "CONTINUE")
        app._reader.stop()
        app.seen.arrived -= 30  # half a minute ago, by the clock that nobody sets
        app.redraw()
        await until(pilot, lambda: "read nothing for" in screen_text(app))
        assert isinstance(app.screen, Dashboard)


async def test_a_plot_that_is_not_read_any_more_says_how_old_it_is(make_app: Make, looks: FakeLooks) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("p")
        await shows(pilot, "LAT  memory, MB")
        assert "STALE" not in screen_text(app)
        screen = app.screen
        assert isinstance(screen, Plots)
        screen._busy = True  # a look that hangs
        screen._read_at, screen._next = screen._read_at - 60, screen._next - 60
        app.redraw()
        await until(pilot, lambda: re.search(r"STALE, read 6\ds ago", screen_text(app)))


def test_a_series_that_ended_says_when_its_last_value_was() -> None:
    stretch = Stretch(NOW - timedelta(minutes=15), NOW, 90)
    screen = Plots("MEM")
    found = plotted("MEM", stretch, newest_at=NOW - timedelta(minutes=4))
    assert "last" in plain(screen._figures(found, 120)) and "STALE 4m" in plain(screen._figures(found, 120))
    assert "STALE" not in plain(screen._figures(plotted("MEM", stretch), 120))


def test_row_2_names_the_way_out_of_a_monitor_that_hangs() -> None:
    why = "no fresh sample for 30 s: the monitor does not get on; it was CONTINUE"
    verdict = replace(states.STALE.verdict, word="UNKNOWN", why=why)
    hung = replace(states.STALE, verdict=verdict, monitor=replace(states.STALE.monitor, running=True), operation=None)
    wide = plain(header.why(hung, 120, Look(UNICODE, states.NOW)))
    assert "for 30 s: the monitor does not get on; :monitor or abaco-ops monitor --restart" in wide
    only = plain(header.why(hung, 120, Look(UNICODE, states.NOW, read_only=True)))
    assert ":monitor" not in only and "abaco-ops monitor --restart" in only


def test_row_2_says_that_nothing_would_start_the_release_again() -> None:
    bare = "v1 runs without a supervisor: abaco-ops service start v1"
    state = replace(states.NORMAL, problems=("another", bare))
    look = Look(UNICODE, states.NOW)
    assert plain(header.why(state, 120, look)).strip() == f"{states.NORMAL.verdict.why}, but {bare}"
    assert plain(header.why(state, 60, look)).strip() == bare, "what to do is not cut off"


def test_row_2_says_that_an_edited_configuration_is_not_used() -> None:
    problem = "the edited configuration is not used: config/console.yml:12: paths.tape: is missing"
    edited = replace(states.NORMAL, problems=("another", problem))
    said = plain(header.why(edited, 120, Look(UNICODE, states.NOW)))
    assert f"{states.NORMAL.verdict.why}, but {problem}"[:100] in said
