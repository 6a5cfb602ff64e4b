"""The wall: every state at every size, and nothing that could be taken for something else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from typing import Any

import pytest
import states
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.state.alert_views import AlertView, DrillView
from engine.state.gate_standing import GateStanding
from engine.state.model import State
from tui import large
from tui.app import ConsoleApp
from tui.commands import COMMANDS
from tui.glyphs import ASCII, UNICODE
from tui.lines import Lines, plain, width_of
from tui.look import Look, honest
from tui.panels import wall, wall_time
from tui.screens.wall import Wall

Make = Callable[..., ConsoleApp]
VERDICTS = ("ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE")
LOOK = Look(UNICODE, states.NOW)
SIZES = ((80, 22), (80, 23), (80, 24), (80, 25), (81, 30), (120, 36), (200, 50), (300, 100))
TINY = ((79, 24), (80, 21), (40, 10), (12, 3), (5, 2), (1, 1))


def text(lines: Lines) -> str:
    return "\n".join(plain(line) for line in lines)


def drawn(state: State, width: int = 80, height: int = 24, look: Look = LOOK, **more: Any) -> str:
    return text(wall.draw(state, width, height, look, **more))


def with_verdict(word: str, state: State = states.WARNING) -> State:
    return replace(state, verdict=replace(state.verdict, word=word))


def large_rows(word: str, scale: int = 1, *, tight: bool = False, mark: str = "█") -> list[str]:
    return [plain(line).rstrip() for line in large.draw(word, scale, mark, "text", tight=tight)]


def holds(picture: str, letters: list[str]) -> bool:
    """Whether the large letters stand in the picture, one row below the other."""
    rows = picture.splitlines()
    return any(
        all(letter in row for letter, row in zip(letters, rows[at:], strict=False))
        for at in range(len(rows) - len(letters) + 1)
    )


@pytest.mark.parametrize("name", list(states.ALL))
@pytest.mark.parametrize("size", (*SIZES, *TINY))
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_the_wall_fills_every_screen_exactly(name: str, size: tuple[int, int], glyphs: Any) -> None:
    lines = wall.draw(states.ALL[name], *size, Look(glyphs, states.NOW, read_only=True), trouble="disk I/O error")
    assert [width_of(line) for line in lines] == [size[0]] * size[1]
    assert glyphs is UNICODE or text(lines).replace("…", "").isascii()


@pytest.mark.parametrize("word", VERDICTS)
@pytest.mark.parametrize("size", SIZES)
def test_every_verdict_stands_whole_and_large(word: str, size: tuple[int, int]) -> None:
    picture = drawn(with_verdict(word), *size)
    scale, tight = large.largest(word, size[0] - 2, wall.room_of(size[1]))
    assert scale >= 1
    assert holds(picture, large_rows(word, scale, tight=tight))


def test_letters_grow_with_the_screen() -> None:
    assert [large.largest("WATCH", width - 2, wall.room_of(height))[0] for width, height in SIZES[2::2]] == [1, 1, 3]
    assert large.largest("INVESTIGATE", 198, 18)[0] == 2


def test_no_two_letters_look_the_same() -> None:
    letters = {letter: tuple(large_rows(letter)) for letter in "ABCDEGHIKLNORSTUVWY0123456789+:/"}
    same = [(a, b) for a, b in product(letters, letters) if a < b and letters[a] == letters[b]]
    assert same == []


@pytest.mark.parametrize("word", VERDICTS)
def test_the_ascii_tier_draws_letters_of_number_signs(word: str) -> None:
    picture = drawn(with_verdict(word), look=Look(ASCII, states.NOW))
    scale, tight = large.largest(word, 78, 5)
    assert holds(picture, large_rows(word, scale, tight=tight, mark="#"))


@pytest.mark.parametrize("height", [22, 23, 24])
def test_under_the_status_lines_of_tmux_too_it_shows_what_must_be_known(height: int) -> None:
    told = replace(
        states.WARNING.alerts[0],
        id="7",
        told=("Data Ops",),
        told_at=states.NOW - timedelta(minutes=2),
        acknowledged_by="A. Moreno",
    )
    look = Look(UNICODE, states.NOW, read_only=True)
    picture = drawn(replace(states.WARNING, alerts=(told,)), height=height, look=look)
    for words in (
        "PROD   abaco@ops1",
        "READ-ONLY   09:12:04Z   data 2s",
        "MEM 204 MB, above 200 for 12m      told Data Ops 09:10, A. Moreno acked",
        "clears <190; roll back >500, in ~10h at +9%/h",
        "V2 LIVE   BAKE      hour-8 gate in 48m: would FAIL on memory growth",
        "PAR30         2.21 %  limit > 5       ok",
        "errors        0.02 %  limit > 5 %     ok",
        "latency       0.7 ms  limit > 500 ms  ok",
        "validation 7 of 7 hourly PASS",
        "way back   v1, 2.1 s, proven 3m",
        "on watch   A. Moreno",
        "02 cutover ━",
        " now |╌",
        "10 h8",
    ):
        assert words in picture, words
    assert holds(picture, large_rows("T+07:12"))


@pytest.mark.parametrize(
    ("state", "number"),
    [
        (states.RUNNING, "7/12"),
        (states.NEEDS_HUMAN, "NEEDS YOU"),
        (replace(states.NEEDS_HUMAN, operation=replace(states.OPERATION, state="INTERRUPTED")), "NEEDS YOU"),
        (replace(states.RUNNING, operation=replace(states.OPERATION, state="HOLDING")), "HOLDING"),
        (states.BEFORE, "BEFORE"),
        (states.NORMAL, "T+07:12"),
        (replace(states.NORMAL, operation=replace(states.OPERATION, kind="validate")), "T+07:12"),
        (replace(states.NORMAL, cutover_at=states.NOW - timedelta(days=12, hours=3)), "T+12d03h"),
    ],
)
def test_the_second_large_row_is_what_counts_now(state: State, number: str) -> None:
    assert holds(drawn(state), large_rows(number))


def test_back_on_the_old_release_says_so_large() -> None:
    picture = drawn(states.ROLLED_BACK)
    assert holds(picture, large_rows("BACK ON V1", tight=True))
    assert "V1 LIVE" in picture and "0004-rollback SUCCEEDED 60s ago" in picture and "way back   v1 is live" in picture


def test_an_operation_that_needs_a_person_says_what_happened_and_how_to_go_back() -> None:
    picture = drawn(states.NEEDS_HUMAN)
    assert "v2 wrote no run record within 20 s" in picture and "R, v1, Enter rolls back" in picture
    assert "CUTOVER NEEDS YOU" in picture


def test_without_a_monitor_the_wall_says_what_to_do_and_how_old_everything_is() -> None:
    picture = drawn(states.STALE, look=Look(UNICODE, states.NOW, read_only=True))
    assert "no monitor runs; abaco-ops monitor starts it" in picture
    assert "data STALE 41s" in picture and picture.count("stale 41s") == 2 and "PASS, stale 12m" in picture
    assert "Health     none: no run for 44m" in picture


def test_a_wall_that_reads_nothing_any_more_says_unknown_and_why() -> None:
    late = states.NOW + timedelta(seconds=60)
    picture = drawn(honest(states.NORMAL, late), look=Look(UNICODE, late), trouble="events.jsonl: Input/output error")
    assert holds(picture, large_rows("UNKNOWN"))
    assert "read nothing for 60s; last seen: CONTINUE" in picture
    assert "cannot read the records: events.jsonl: Input/output error" in picture


@pytest.mark.parametrize("size", (*SIZES, *TINY))
def test_before_anything_was_read_it_is_unknown(size: tuple[int, int]) -> None:
    lines = wall.draw_waiting(*size, LOOK, "/srv/abaco")
    assert [width_of(line) for line in lines] == [size[0]] * size[1]
    assert size in TINY or "reading the records" in text(lines)


@pytest.mark.parametrize("scale", [1.0, 60.0])
@pytest.mark.parametrize("read_only", [False, True])
def test_what_is_not_now_or_not_real_is_said_at_80_cells(scale: float, read_only: bool) -> None:
    drill = DrillView("corrupt-tape", "v2", states.NOW, states.NOW + timedelta(minutes=4), "WATCH", "kim")
    state = replace(states.WARNING, drill=drill, time_scale=scale, host="a-long-name-of-a-host")
    top = drawn(state, look=Look(UNICODE, states.NOW, read_only)).splitlines()[0]
    assert "DRILL corrupt-tape, ends in 4m" in top and "09:12:04Z" in top
    assert "x60" in top or scale == 1.0
    top = drawn(state, look=Look(UNICODE, states.NOW, True, replay="REPLAY x10")).splitlines()[0]
    assert "REPLAY x10" in top and "DRILL" in top and "01-31 09:12:04Z" in top


def test_the_worst_kpi_is_the_one_that_is_shown() -> None:
    kpis = (states.KPIS[0], replace(states.KPIS[1], value=3.4, status="WARNING"), *states.KPIS[2:])
    picture = drawn(replace(states.NORMAL, kpis=kpis))
    assert "PAR90         3.40 %  limit > 3       W" in picture and "PAR30" not in picture
    assert "PAR30         8.42 %  limit > 8       C" in drawn(states.CRITICAL)


def gate(name: str, hours: float, state: str) -> GateStanding:
    return GateStanding(name, name, states.CUTOVER_AT + timedelta(hours=hours), state, (), None, False, "")  # type: ignore[arg-type]


def test_the_time_line_shows_what_was_decided_where_we_are_and_what_comes() -> None:
    gates = (
        gate("hour-1", 1, "go"),
        gate("hour-8", 8, "ahead"),
        gate("hour-24", 24, "ahead"),
        gate("day-7", 168, "ahead"),
    )
    line = plain(wall_time.line(replace(states.NORMAL, gates=gates), 80, Look(ASCII, states.NOW)))
    assert line.split() == ["02", "cutover", *line.split()[2:3], "03", "h1", "GO", *line.split()[6:]]
    past, now, ahead = line.partition(" now |")
    assert now and "10 h8" in ahead and "02 h24" in ahead and "7 Feb d7" in ahead and "#" in past
    assert "#" not in ahead and width_of(wall_time.line(replace(states.NORMAL, gates=gates), 80, LOOK)) == 80


def test_a_gate_that_nobody_decided_stays_on_the_time_line_as_overdue() -> None:
    gates = (gate("hour-1", 1, "overdue"), gate("hour-8", 8, "ahead"))
    assert "03 h1 OVERDUE" in plain(wall_time.line(replace(states.NORMAL, gates=gates), 80, LOOK))


def test_hostile_text_is_only_visible_text() -> None:
    alert = AlertView("MEM", "W", states.EVIL, states.NOW, None, id="1", told=(states.EVIL,), told_at=states.NOW)
    verdict = replace(states.HOSTILE.verdict, why=states.EVIL)
    state = replace(states.HOSTILE, verdict=verdict, alerts=(alert,), environment=states.EVIL)
    picture = drawn(state, trouble=states.EVIL)
    assert not set("\x1b\x9b\u202e\x07") & set(picture)
    assert [len(row) for row in picture.splitlines()] == [80] * 24


async def shows(pilot: Pilot[Any], app: ConsoleApp, wanted: type) -> None:
    await pilot.pause()
    assert isinstance(app.screen, wanted), app.screen


async def test_the_wall_opens_from_the_palette_and_escape_leads_back(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(":", *"wall", "enter")
        await shows(pilot, app, Wall)
        await pilot.press("escape")
        await pilot.pause()
        assert not isinstance(app.screen, Wall) and app.is_running


async def test_the_way_back_opens_from_the_wall_too(make_app: Make) -> None:
    from tui.screens.sheet import RollbackScreen

    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        app.invoke(COMMANDS["wall"])
        await pilot.pause()
        await pilot.press("R")
        await shows(pilot, app, RollbackScreen)
        await pilot.press("escape")
        await shows(pilot, app, Wall)


async def test_a_display_for_the_room_begins_with_the_wall_and_only_looks(make_app: Make) -> None:
    app = make_app(wall=True, read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, app, Wall)
        await pilot.press("R")
        await pilot.pause()
        assert "read-only console; abaco-ops rollback, or sh" in app.screen.query_one("#wall").text().splitlines()[-1]  # type: ignore[attr-defined]
        await pilot.press("5", "escape")
        await shows(pilot, app, Wall)
        await pilot.press("escape")
        await shows(pilot, app, Wall)
        await pilot.press("q")
    assert not app.is_running


async def test_its_clock_ticks(make_app: Make) -> None:
    moment = [states.NOW]
    app = make_app(wall=True, now=lambda: moment[0])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        pane = app.screen.query_one("#wall")
        assert "09:12:04Z" in pane.text()  # type: ignore[attr-defined]
        moment[0] += timedelta(seconds=1)
        app.redraw()
        assert "09:12:05Z" in pane.text()  # type: ignore[attr-defined]
