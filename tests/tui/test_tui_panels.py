"""What each panel says, without a terminal."""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
import states
from msgspec.structs import replace
from test_tui_keys import screen_text, shows

from engine.state.alert_views import DrillView
from engine.state.model import State
from tui.arrange import arrange
from tui.glyphs import ASCII, UNICODE, spark
from tui.lines import Lines, plain, width_of
from tui.look import Look, honest
from tui.panels import checklist, header
from tui.panels.every import PANELS

LOOK = Look(UNICODE, states.NOW)
SIZES = ((80, 24), (100, 30), (120, 36), (140, 60), (200, 50), (300, 90))


def text(lines: Lines) -> str:
    return "\n".join(plain(line) for line in lines)


def whole(state: State, look: Look = LOOK, width: int = 80) -> str:
    """Everything of the dashboard at 80x24, panel below panel."""
    places = arrange(width, 20, operating=state.operation is not None)
    drawn = [text(PANELS[name](state, place.width, place.height, look)) for name, place in places.items()]
    return "\n".join([text(header.draw(state, width, look)), *drawn])


@pytest.mark.parametrize("name", list(states.ALL))
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_every_panel_fills_its_rectangle_exactly(name: str, glyphs: object) -> None:
    look = Look(glyphs, states.NOW)  # type: ignore[arg-type]
    for (panel, draw), width, height in itertools.product(PANELS.items(), (20, 39, 58, 98, 160), (3, 6, 20)):
        lines = draw(states.ALL[name], width, height, look)
        assert [width_of(line) for line in lines] == [width] * height, panel


@pytest.mark.parametrize("name", list(states.ALL))
@pytest.mark.parametrize("width", [1, 20, 60, 80, 120, 200])
def test_the_header_is_three_rows_at_every_width(name: str, width: int) -> None:
    assert [width_of(line) for line in header.draw(states.ALL[name], width, LOOK)] == [width] * 3


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("operating", [False, True])
def test_panels_neither_overlap_nor_leave_the_screen(size: tuple[int, int], operating: bool) -> None:
    width, height = size[0], size[1] - 4
    taken: set[tuple[int, int]] = set()
    for name, place in arrange(width, height, operating=operating).items():
        cells = set(itertools.product(range(place.x, place.x + place.width), range(place.y, place.y + place.height)))
        assert cells, name
        assert not cells & taken, name
        assert max(x for x, _ in cells) < width and max(y for _, y in cells) < height, name
        taken |= cells


def test_the_ascii_tier_draws_nothing_else() -> None:
    for state in states.ALL.values():
        drawn = whole(state, Look(ASCII, states.NOW)).replace("…", "")
        assert drawn.isascii()


def test_80x24_shows_everything_that_matters() -> None:
    drawn = whole(states.WARNING)
    for words in (
        "WATCH   V2 LIVE   T+07:12    hour-8 gate in 48m",
        "abaco@ops1  09:12:04Z",
        "MEM 204 MB, above 200 for 12m; clears <190    roll back >500, in ~10h at +9%/h",
        "WAY BACK  v1 a41f09  ready  2.1 s  proven 3m ago   on watch A. Moreno  data 2s",
        "PAR30        2.21 %  +.01",
        "10.00 (unheld 11.7)",
        "▶ WATCH       MEM warning, held 12m",
        "MEM     204 MB  ━━━━╌╌╌╌╌╌",
        "7/7 hourly PASS",
        "leak check +9.1 %/h",
        "GATE fails on: memory growth",
        "09:10 | 0.68 | 0.02% | 203 | 27% | WARN | MEM held 10m; Data Ops told 09:10:03",
    ):
        assert words in drawn, words


def test_stale_values_say_stale_and_how_old() -> None:
    drawn = whole(states.STALE)
    assert drawn.count("stale 44m") == 3
    assert drawn.count("stale 41s") == 4
    assert "none: no run for 44m" in drawn
    assert "missing: cannot read the disk" in drawn


def test_a_reader_that_stands_still_makes_everything_unknown() -> None:
    late = states.NOW + timedelta(seconds=60)
    shown = honest(states.NORMAL, late)
    assert shown.verdict.word == "UNKNOWN"
    assert all(kpi.stale for kpi in shown.kpis) and shown.way_back.stale
    assert honest(states.NORMAL, states.NOW + timedelta(seconds=2)) is states.NORMAL


def test_a_running_operation_takes_the_gates_place_and_the_logs() -> None:
    drawn = whole(states.RUNNING)
    assert "CUTOVER 7/12 3s" in drawn
    assert "0003-cutover" in drawn and "7 of 12" in drawn and "R, v1, Enter" in drawn


def test_an_operation_that_needs_a_person_says_so_and_offers_the_way_back() -> None:
    drawn = whole(states.NEEDS_HUMAN)
    assert "CUTOVER NEEDS YOU" in drawn
    assert "v2 wrote no run record within 20 s" in drawn
    assert "roll back to v1: press R" in drawn


@pytest.mark.parametrize(("seconds_old", "shown"), [(2, "data 2s "), (10, "data 10s "), (11, "data 11s late")])
def test_a_monitor_that_stands_still_is_seen_after_two_cadences(seconds_old: float, shown: str) -> None:
    observed = states.NOW - timedelta(seconds=seconds_old)
    monitor = replace(states.NORMAL.monitor, observed_at=observed, stale=False)
    drawn = header.draw(replace(states.NORMAL, monitor=monitor, sample_cadence=5.0), 80, Look(UNICODE, states.NOW))
    assert shown in plain(drawn[2]) + " "
    past = Look(UNICODE, states.NOW, replay="REPLAY x10")
    assert "late" not in plain(header.draw(replace(states.NORMAL, monitor=monitor, sample_cadence=5.0), 80, past)[2])


def test_a_rehearsal_and_a_read_only_console_are_marked() -> None:
    drawn = text(header.draw(replace(states.NORMAL, time_scale=60.0), 80, replace_look(read_only=True)))
    assert "x60" in drawn and "READ-ONLY" in drawn


def replace_look(read_only: bool) -> Look:
    return Look(UNICODE, states.NOW, read_only)


def test_a_way_back_that_is_not_ready_says_why() -> None:
    broken = replace(states.NORMAL.way_back, ready=False, reason="snapshot 0004 has a wrong hash")
    drawn = text(header.draw(replace(states.NORMAL, way_back=broken), 80, LOOK))
    assert "NOT READY: snapshot 0004 has a wrong hash" in drawn


def test_before_a_cutover_the_way_back_is_rehearsed_or_never_was() -> None:
    assert "v1 is live; never rehearsed" in text(header.draw(states.BEFORE, 80, LOOK))
    way = replace(states.BEFORE.way_back, seconds=2.1, basis="rehearsed", basis_at=states.NOW - timedelta(hours=1))
    assert "v1 is live; rehearsed 2.1 s, 1h00 ago" in text(header.draw(replace(states.BEFORE, way_back=way), 80, LOOK))


def test_a_note_beside_a_ready_way_back_is_shown() -> None:
    way = replace(states.NORMAL.way_back, note="snapshot 0005 is newer and cannot be restored")
    assert "snapshot 0005 is newer" in text(header.draw(replace(states.NORMAL, way_back=way), 120, LOOK))


def test_hostile_text_is_only_visible_text() -> None:
    evil = "\x1b]52;c;ZXZpbA==\x07\x9b31m\u202eevil[bold red]"
    state = replace(states.NORMAL, log=(evil,), host=evil, events=(evil,), problems=(evil,))
    drawn = whole(state) + text(PANELS["events"](state, 80, 6, LOOK))
    assert "\x1b" not in drawn and "\x9b" not in drawn and "\u202e" not in drawn and "\x07" not in drawn
    assert "\\x1b]52" in drawn


@pytest.mark.parametrize(
    ("width", "told"),
    [(80, "records: never tested"), (54, " never tested"), (48, " not ok"), (42, "tested")],
)
def test_a_narrow_line_of_the_checklist_drops_the_source_first_and_never_says_half_of_a_measurement(
    width: int, told: str
) -> None:
    entry = states.item("before", "alert channels tested", "due", measured="records: never tested", measured_ok=False)
    line = plain(checklist.row(entry, width, LOOK))
    assert told in line and "…" not in line
    assert ("records" in line) == ("records" in told)


@pytest.mark.parametrize("word", ["ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"])
@pytest.mark.parametrize("around", ["plain", "scaled", "drill", "drill, scaled", "read-only, scaled", "replay"])
def test_the_decision_point_never_leaves_row_1_at_80_cells(word: str, around: str) -> None:
    due = states.NOW - timedelta(hours=1, minutes=19)
    state = replace(
        states.NORMAL,
        verdict=replace(states.NORMAL.verdict, word=word),
        next_gate=replace(states.NORMAL.next_gate, id="hour-24", title="hour-24 gate", due_at=due, state="overdue"),
        time_scale=60.0 if "scaled" in around else 1.0,
        drill=DrillView("corrupt-tape", "v2", states.NOW, states.NOW + timedelta(minutes=4), "WATCH", "kim")
        if "drill" in around
        else None,
        user="root",
        host="a-long-name-of-a-host",
    )
    look = Look(UNICODE, states.NOW, read_only="read-only" in around, replay="REPLAY x60" if around == "replay" else "")
    row = plain(header.draw(state, 80, look)[0])
    assert word in row
    assert "hour-24 gate 1h19 over" in row or " h24 1h19 over" in row
    assert "V2 LIVE" in row and "T+" in row and " PROD " in row and "09:12:04Z" in row
    assert "READ-ONLY" in row or "read-only" not in around
    assert "x60" in row or "scaled" not in around
    assert "DRILL" in row or "drill" not in around


@pytest.mark.parametrize("word", ["ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE"])
@pytest.mark.parametrize("drill", ["errors", "lost-audit", "corrupt-tape"])
def test_in_a_drill_its_countdown_and_the_gate_give_way_before_what_is_live(word: str, drill: str) -> None:
    ordered = DrillView(drill, "v2", states.NOW, states.NOW + timedelta(minutes=6, seconds=43), word, "kim")
    verdict = replace(states.CRITICAL.verdict, word=word)
    gate = replace(states.NORMAL.next_gate, id="hour-1", title="hour-1 gate", due_at=states.NOW + timedelta(minutes=59))
    state = replace(states.CRITICAL, verdict=verdict, drill=ordered, next_gate=gate, environment="DEMO", demo=True)
    row = plain(header.draw(state, 80, LOOK)[0])
    for words in (word, "V2 LIVE", "T+07:12", " DRILL ", " DEMO ", "09:12:04Z"):
        assert words in row, (words, row)
    assert "ends in 6m43s" in plain(header.draw(state, 120, LOOK)[0])


@pytest.mark.parametrize("name", ["running", "needs-human"])
def test_an_operation_stays_in_row_1_beside_what_is_live_also_in_a_drill(name: str) -> None:
    ordered = DrillView("lost-audit", "v2", states.NOW, states.NOW + timedelta(minutes=6), "ROLL BACK", "kim")
    verdict = replace(states.CRITICAL.verdict, word="INVESTIGATE")
    state = replace(states.ALL[name], release="v2", drill=ordered, verdict=verdict)
    row = plain(header.draw(state, 80, LOOK)[0])
    assert "V2 LIVE" in row and ("CUTOVER 7/12" in row or "NEEDS YOU" in row), row


@pytest.mark.parametrize("stale", [False, True])
def test_a_release_whose_process_was_not_seen_is_not_called_live(stale: bool) -> None:
    verdict = replace(states.CRITICAL.verdict, word="UNKNOWN", why="VAL missing: v2 does not run", stale=stale)
    row = plain(header.draw(replace(states.CRITICAL, verdict=verdict), 80, LOOK)[0])
    assert ("V2 DOWN" in row) is not stale and ("V2 LIVE" in row) is stale


def test_without_a_monitor_row_2_says_what_to_do_about_it() -> None:
    verdict = replace(
        states.STALE.verdict,
        why="no fresh sample for 9m: no monitor runs; it was ROLL BACK",
        clears="abaco-ops monitor",
    )
    state = replace(states.STALE, verdict=verdict)
    row = plain(header.draw(state, 80, LOOK)[1])
    assert row.strip() == "no monitor runs; :monitor or abaco-ops monitor starts it; it was ROLL BACK"
    row = plain(header.draw(state, 80, Look(UNICODE, states.NOW, read_only=True))[1])
    assert row.startswith(" no monitor runs; abaco-ops monitor starts it;"), "a read-only console starts none"
    runs = replace(state, monitor=replace(state.monitor, running=True))
    assert ":monitor" not in plain(header.draw(runs, 80, LOOK)[1])


def test_a_trend_from_700_to_703_is_no_mountain_and_one_that_doubles_is() -> None:
    flat = spark((700.0, 701.0, 703.0, 702.0, 700.5), 5, UNICODE)
    assert set(flat) <= set(UNICODE.spark[:2])
    steep = spark((350.0, 500.0, 703.0), 3, UNICODE)
    assert (steep[0], steep[-1]) == (UNICODE.spark[0], UNICODE.spark[-1])
    assert set(spark((0.0, 0.01, 0.02), 3, UNICODE, limit=5.0)) == {UNICODE.spark[0]}, "far below its limit"
    assert set(spark((0.0, 0.0, 0.0), 3, UNICODE)) == {UNICODE.spark[0]}


@pytest.mark.parametrize(
    ("tier", "release", "word"), [("critical", "v2", "C"), ("rollback", "v2", "RB"), ("rollback", "v1", "C")]
)
def test_the_gauge_tells_a_critical_tier_from_a_roll_back_tier(tier: str, release: str, word: str) -> None:
    conditions = tuple(
        replace(each, level="C", firing=tier) if each.id == "ERR" else each for each in states.CONDITIONS
    )
    state = replace(states.CRITICAL, conditions=conditions, release=release)
    lines = [plain(line) for line in PANELS["resources"](state, 40, 8, LOOK)]
    (row,) = [line for line in lines if line.startswith(" ERR")]
    assert row.split()[-1] == word


@pytest.mark.parametrize("around", ["plain", "scaled", "crash drill", "crash drill, scaled", "read-only, scaled"])
@pytest.mark.parametrize("width", [80, 100, 120])
def test_that_no_release_is_live_gives_way_to_nothing(around: str, width: int) -> None:
    state = replace(
        states.CRITICAL,
        release=None,
        time_scale=60.0 if "scaled" in around else 1.0,
        next_gate=replace(states.NORMAL.next_gate, title="hour-1 gate", due_at=states.NOW - timedelta(seconds=104)),
        drill=DrillView("crash", "v2", states.NOW, states.NOW + timedelta(minutes=4), "ROLL BACK", "kim")
        if "drill" in around
        else None,
    )
    row = text(header.draw(state, width, replace_look("read-only" in around)))[:width]
    assert "NO RELEASE LIVE" in row
    assert "09:12:04Z" in row and ("DRILL " in row or "drill" not in around)
    assert "T+" in row and " PROD " in row


def test_what_somebody_has_to_do_is_said_however_many_reasons_there_are() -> None:
    why = "validation FAIL again at hour 1; data quality FAIL; CRASH 5 restarts, limit 5; ERR 50.0 %, above 5"
    verdict = replace(states.CRITICAL.verdict, why=why, clears="when V validates again", worsens="")
    row = text(header.draw(replace(states.CRITICAL, verdict=verdict), 80, LOOK)).splitlines()[1]
    assert row.rstrip().endswith("; clears when V validates again")


def test_a_value_that_stays_beyond_its_limit_is_no_flat_line_at_the_bottom() -> None:
    assert set(spark((50.0, 50.0, 50.0), 3, UNICODE, limit=5.0, high=True)) == {UNICODE.spark[-1]}
    rising = spark((0.0, 50.0, 50.0), 3, UNICODE, limit=5.0, high=True)
    assert (rising[0], rising[-1]) == (UNICODE.spark[0], UNICODE.spark[-1])


@pytest.mark.parametrize("size", [(80, 24), (120, 36)], ids=str)
async def test_a_terminal_without_unicode_gets_none_from_any_view(make_app: Any, size: tuple[int, int]) -> None:
    app = make_app(states.NORMAL, glyphs=ASCII)
    async with app.run_test(size=size) as pilot:
        await shows(pilot, "CONTINUE")
        for key in "23456789?1":
            await pilot.press(key)
            await pilot.pause()
            assert screen_text(app).isascii(), key
