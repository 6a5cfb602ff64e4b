"""What a screen says is true, whole and the same in each of its corners: faults that were seen in its pictures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import states
from msgspec.structs import replace
from test_tui_keys import screen_text, shows, until

from engine.state.model import State
from tui.app import ConsoleApp
from tui.glyphs import UNICODE, spark
from tui.lines import Lines, fit, plain, within
from tui.look import Look, honest
from tui.pane import Pane
from tui.panels import checklist, header, log, operation, resources, validation, wall

Make = Callable[..., ConsoleApp]
LOOK = Look(UNICODE, states.NOW)


def text(lines: Lines) -> str:
    return "\n".join(plain(line).rstrip() for line in lines)


def test_a_line_that_cannot_be_confirmed_asks_for_an_override() -> None:
    against = states.item("T+7", "leak check", "due", measured="+9.1 %/h", measured_ok=False)
    as_it_should_be = states.item("T+7", "leak check", "due", measured="+0.4 %/h", measured_ok=True)
    by_a_person = states.item("T+7", "output channels", "due")
    ends = [plain(checklist.row(entry, 40, LOOK)).split()[-1] for entry in (against, as_it_should_be, by_a_person)]
    assert ends == ["override", "confirm", "answer"]


@pytest.mark.parametrize("way", [(), ("5",), ("7",), ("s",), ("p",)])
async def test_a_read_only_console_offers_no_key_that_it_refuses(make_app: Make, way: tuple[str, ...]) -> None:
    app = make_app(states.WARNING, read_only=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(*way)
        await shows(pilot, "? help")
        footer = screen_text(app).splitlines()[-1]
        assert not [word for word in ("Space tick", "a ack", "V validate", "R roll back") if word in footer]


async def test_a_read_only_console_that_is_too_small_does_not_promise_a_rollback(make_app: Make) -> None:
    for read_only in (False, True):
        app = make_app(states.WARNING, read_only=read_only)
        async with app.run_test(size=(60, 16)) as pilot:
            await shows(pilot, "needs 80x22")
            assert ("rolls back all the same" in screen_text(app)) is not read_only


def test_the_labels_of_the_log_stand_over_their_columns() -> None:
    drawn = log.draw(states.NORMAL, 80, 6, LOOK)
    for above in (plain(drawn[0]), plain(log.labels())):
        row = plain(drawn[-1])
        for label, value in (
            ("lat ms", "0.68"),
            ("errors", "0.02%"),
            ("MB", "203"),
            ("CPU", "27%"),
            ("status", "WARN"),
        ):
            assert above.index(label) == row.index(value)


def test_the_labels_of_the_log_give_way_to_its_being_stale() -> None:
    for width, shown in ((80, True), (60, False)):
        above = plain(log.draw(states.STALE, width, 6, LOOK)[0])
        assert "STALE: no new sample" in above and ("lat ms" in above) is shown


async def test_one_is_no_plural(make_app: Make) -> None:
    one = replace(states.CRITICAL.checks, issues=states.CRITICAL.checks.issues[:1])
    app = make_app(replace(states.CRITICAL, checks=one))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "ROLL BACK")
        await pilot.press("8")
        await until(pilot, lambda: " 1 issue " in screen_text(app))
        await pilot.press("7")
        await shows(pilot, "1 damaged line left out")


def spans(lines: Lines, words: str) -> list[str]:
    """The inks in which these words stand."""
    return [span.role for line in lines for span in line if span.text.strip() == words]


@pytest.mark.parametrize(
    ("key", "words"), [("2", "0.7 ms"), ("4", "2.21 %"), ("8", "PASS"), ("8", "PASS 5/5"), ("8", "kpi calculations")]
)
async def test_in_a_whole_view_a_stale_value_is_quieter_than_a_fresh_one(make_app: Make, key: str, words: str) -> None:
    stale = honest(states.NORMAL, states.NOW + timedelta(seconds=60))
    for state, quiet in ((states.NORMAL, False), (stale, True)):
        app = make_app(state)
        async with app.run_test(size=(120, 36)) as pilot:
            await until(pilot, lambda: app.shown_state)  # noqa: B023
            await pilot.press(key)
            await until(pilot, lambda: words in screen_text(app))  # noqa: B023
            inks = spans(app.screen.query_one("#body", Pane).lines, words)
            assert inks and (set(inks) == {"stale"}) is quiet


async def test_no_condition_is_called_ok_whose_value_is_stale(make_app: Make) -> None:
    app = make_app(honest(states.NORMAL, states.NOW + timedelta(seconds=60)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("2")
        await shows(pilot, "LAT")
        rows = [line.split()[0] for line in screen_text(app).splitlines() if "stale" in line]
        assert len(rows) == len(states.CONDITIONS) and set(rows) == {"stale"}
        await pilot.press("enter")
        await shows(pilot, "evidence")
        assert "stale" in screen_text(app).splitlines()[4]


async def test_a_way_back_that_was_proven_too_long_ago_is_not_called_ready_alone(make_app: Make) -> None:
    app = make_app(states.STALE)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("9")
        await shows(pilot, "leads to")
        ready = [line for line in screen_text(app).splitlines() if "ready" in line]
        assert len(ready) == 3 and all("ready, STALE" in line for line in ready)


def test_the_wall_says_that_its_data_is_stale_and_not_by_colour_alone() -> None:
    assert "data STALE 41s" in plain(wall.draw(states.STALE, 80, 24, LOOK)[0])
    assert "STALE" not in plain(wall.draw(states.NORMAL, 80, 24, LOOK)[0])


def test_in_fewer_than_three_cells_no_trend_is_drawn() -> None:
    assert [spark((1.0, 2.0, 3.0), width, UNICODE).strip() for width in (1, 2)] == ["", ""]
    assert spark((1.0, 2.0, 3.0), 3, UNICODE).strip()
    assert not {"▁", "▇"} & set(plain(resources.draw(states.STALE, 39, 6, LOOK)[1]))


@pytest.mark.parametrize("name", ["running", "needs-human", "rolled-back", "before"])
def test_what_the_way_back_rests_on_goes_before_a_word_of_row_3_is_cut(name: str) -> None:
    assert "…" not in plain(header.draw(states.ALL[name], 80, LOOK)[2])


@pytest.mark.parametrize("name", ["running", "needs-human"])
@pytest.mark.parametrize("width", [51, 80, 120])
def test_the_title_of_a_step_is_whole(name: str, width: int) -> None:
    state = states.ALL[name]
    assert state.operation is not None
    lines = [*operation.step_rows(state.operation, width, LOOK)]
    lines += [operation.progress(state.operation, width, LOOK)] if width >= 80 else []
    assert "…" not in text([fit(line, width) for line in lines])


@pytest.mark.parametrize(
    ("state", "read_only", "offered"),
    [
        (states.BEFORE, False, "V validates  C cutover sheet"),
        (states.NORMAL, False, "V validates  R rollback sheet"),
        (states.NORMAL, True, ""),
    ],
)
def test_without_an_operation_only_a_sheet_is_offered_that_leads_somewhere(
    state: State, read_only: bool, offered: str
) -> None:
    drawn = operation.draw(state, 59, 7, Look(UNICODE, states.NOW, read_only))
    assert offered in text(drawn) and ("sheet" in text(drawn)) is bool(offered)


async def test_no_row_of_the_way_back_the_snapshots_and_the_cutover_is_cut_at_80_cells(make_app: Make) -> None:
    for state, key, words in (
        (states.NORMAL, "9", "abaco-pipeline-v2"),
        (states.NORMAL, "s", "sealed, not read"),
        (states.BEFORE_CHECKED, "C", "2 keys differ: release…"),
    ):
        app = make_app(state)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.shown_state)  # noqa: B023
            await pilot.press(key)
            await shows(pilot, words)
            assert not [
                line for line in screen_text(app).splitlines() if line.rstrip().endswith("…") and words not in line
            ]


@pytest.mark.parametrize("width", [39, 51, 59, 80, 120])
def test_a_gate_says_at_every_width_what_it_would_fail_on(width: int) -> None:
    fails, due = "GATE fails on: memory growth", states.NOW + timedelta(minutes=48)
    gate = states.item("T+8", fails, "later", due_at=due, measured_ok=False, gate=True)
    line = plain(checklist.row(gate, width, LOOK))
    assert fails in line and len(line) == width and ("in 48m" in line) is (width > 45)


@pytest.mark.parametrize("before", ["", "no fresh sample for 9m: "])
def test_the_wall_says_once_that_no_monitor_runs(before: str) -> None:
    verdict = replace(states.STALE.verdict, why=f"{before}no monitor runs; it was WATCH")
    drawn = text(wall.draw(replace(states.STALE, verdict=verdict), 80, 24, LOOK))
    assert drawn.count("no monitor runs") == drawn.count("it was WATCH") == 1
    assert ("no fresh sample for 9m" in drawn) is bool(before)


async def test_the_matrix_names_people_and_cuts_at_a_clause(make_app: Make) -> None:
    long = "a roll-back tier has held, or data loss, audit trail lost, repeated crashes, leak confirmed"
    first = replace(states.MATRIX[0], when=long, told=("vp_engineering", "on_call"))
    people = {"vp_engineering": "VP Engineering: M. Okoye, phone list"}
    app = make_app(replace(states.WARNING, matrix=(first, *states.MATRIX[1:]), contacts=people))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("6")
        await shows(pilot, "when a roll-back tier has held, or data loss, audit trail lost…")
        assert "VP Engineering, on call" in " ".join(screen_text(app).split())


async def test_the_way_back_says_once_that_the_monitor_does_not_run(make_app: Make) -> None:
    for reason, said in (("no monitor runs", "does not run; last"), ("it was killed", "does not run: it was killed;")):
        app = make_app(replace(states.STALE, monitor=replace(states.STALE.monitor, reason=reason)))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.shown_state)  # noqa: B023
            await pilot.press("9")
            await shows(pilot, said)


@pytest.mark.parametrize("width", [39, 44, 51, 80])
def test_a_stale_measurement_is_called_stale_in_each_form_and_not_by_colour_alone(width: int) -> None:
    late = states.item("T+7", "leak check", "due", measured="STALE 41s: +0.4 %/h", stale=True)
    line = plain(checklist.row(late, width, LOOK))
    assert "STALE" in line and "…" not in line


@pytest.mark.parametrize("width", [39, 59])
def test_a_gate_that_nobody_judges_any_more_says_so(width: int) -> None:
    gate = states.item("T+8", "GATE: all criteria met", "later", due_at=states.NOW, measured_ok=True, gate=True)
    for late in (False, True):
        state = replace(states.NORMAL, checklist=replace(states.CHECKLIST, items=(gate,), stale=late))
        assert ("GATE: STALE" in text(checklist.draw(state, width, 3, LOOK))) is late
    assert "GATE: STALE" not in text(checklist.draw(state, width, 3, Look(UNICODE, states.NOW, replay="REPLAY x1")))


async def test_the_checklist_in_full_says_that_what_was_measured_is_stale(make_app: Make) -> None:
    for late in (True, False):
        app = make_app(replace(states.NORMAL, checklist=replace(states.CHECKLIST, stale=late)))
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.shown_state)  # noqa: B023
            await pilot.press("5")
            await shows(pilot, "1 open")
            assert ("measured: STALE" in screen_text(app)) is late


@pytest.mark.parametrize("name", ["running", "needs-human"])
def test_a_read_only_console_and_its_wall_name_no_key_for_the_rollback_that_they_refuse(name: str) -> None:
    for read_only in (False, True):
        look = Look(UNICODE, states.NOW, read_only)
        rows = text(header.draw(states.ALL[name], 80, look)[1:]) + text(wall.draw(states.ALL[name], 80, 24, look))
        assert ("R goes" in rows or "R ends" in rows or "R, v1, Enter" in rows) is not read_only
        assert ("rollback" in rows) is read_only


def test_going_back_is_not_called_back_before_the_old_release_is_live() -> None:
    loud = replace(states.CRITICAL.verdict, word="INVESTIGATE")
    rollback = replace(states.OPERATION, kind="rollback", id="0004-rollback", steps=states.steps(1))
    way = replace(states.RUNNING, operation=rollback, verdict=loud, environment="DEMO", demo=True)
    row = plain(header.draw(replace(way, phase="GOING BACK TO V1"), 80, LOOK)[0])
    assert "SWITCHING" in row and "GOING BACK TO V1" in row and "ROLLBACK 1/12" in row and " DEMO " in row
    for release, said in (("v1", True), ("v2", False), (None, False)):
        back = replace(states.ROLLED_BACK, operation=None, release=release, phase="BACK ON V1")
        assert ("BACK ON V1" in plain(header.draw(back, 80, LOOK)[0])) is said


def test_while_releases_are_exchanged_row_2_tells_the_step_and_not_what_was_before_it() -> None:
    unknown = replace(states.NORMAL.verdict, word="UNKNOWN", why="v1 is configured, and no release runs")
    row = plain(header.draw(replace(states.RUNNING, verdict=unknown), 80, LOOK)[1])
    assert "0003-cutover runs: v1" not in row and "0003-cutover runs: " in row and "configured" not in row
    gone = replace(states.RUNNING, verdict=unknown, monitor=replace(states.NORMAL.monitor, running=False))
    assert "no monitor runs" in plain(header.draw(gone, 80, LOOK)[1])


@pytest.mark.parametrize(
    ("by", "said"),
    [
        ("", "refused: read-only console; abaco-ops rollback, or sh .rollback/RETURN.sh"),
        (
            "deployment.read_only in config/console.yml",
            "refused: deployment.read_only in config/console.yml; sh .rollback/RETURN.sh",
        ),
    ],
)
@pytest.mark.parametrize("on_the_wall", [False, True])
async def test_a_rollback_that_is_refused_says_the_ways_that_are_left(
    make_app: Make, by: str, said: str, on_the_wall: bool
) -> None:
    app = make_app(states.WARNING, read_only=True, read_only_by=by, wall=on_the_wall)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("R")
        await until(pilot, lambda: said in "\n".join(pane.text() for pane in app.screen.query(Pane)))


async def test_on_the_old_release_the_way_back_neither_offers_itself_nor_denies_what_is_kept(make_app: Make) -> None:
    way = replace(states.BEFORE.way_back, snapshot=None, proven_at=None, stale=True)
    app = make_app(replace(states.BEFORE, way_back=way))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.shown_state)
        await pilot.press("9")
        await shows(pilot, "leads to")
        words = screen_text(app)
        assert "none yet" not in words and "s shows what is kept" in words
        assert "R, v1, Enter" not in words and "never (stale)" not in words


def test_row_2_drops_what_clears_it_before_it_cuts_what_is_missing() -> None:
    why = "no ERR, LAT, AUD and 4 more: v2 is silent, last value 53 s ago; the monitor runs"
    verdict = replace(states.STALE.verdict, why=why, clears="when every needed value is fresh", worsens="")
    monitor = replace(states.NORMAL.monitor, running=True)
    row = plain(header.draw(replace(states.NORMAL, verdict=verdict, monitor=monitor), 80, LOOK)[1]).strip()
    assert row.startswith("no ERR, LAT, AUD and 4 more: v2 is silent, last value 53 s ago")
    assert "clears" not in row and row.endswith(("runs", "…"))
    wide = plain(header.draw(replace(states.NORMAL, verdict=verdict, monitor=monitor), 160, LOOK)[1]).strip()
    assert wide == f"{why}; clears when every needed value is fresh"


def test_row_2_of_a_stopped_operation_begins_with_the_cause_where_not_all_of_it_has_room() -> None:
    failure = "five checks on the new release: validation of v2 says FAIL: data_integrity: 40 duplicates (v2 runs on)"
    stopped = replace(states.NEEDS_HUMAN, operation=replace(states.NEEDS_HUMAN.operation, failure=failure))
    row = plain(header.draw(stopped, 80, LOOK)[1])
    assert row.startswith(" validation of v2 says FAIL: data_integrity") and "R, v1, Enter rolls back" in row
    assert row.count("…") == 1
    assert plain(header.draw(stopped, 160, LOOK)[1]).startswith(f" {failure}")


@pytest.mark.parametrize("rows", [1, 2, 3])
@pytest.mark.parametrize("width", [30, 40, 79])
def test_a_paragraph_that_is_longer_than_its_rows_says_that_it_goes_on(rows: int, width: int) -> None:
    told = "validation of v2 says FAIL: 40 duplicates (42,000 of 111,000 rows), 3 nulls (v2 runs on; see the report)"
    lines = text(within(told, width, rows)).splitlines()
    assert len(lines) <= rows and all(len(line) <= width for line in lines)
    assert lines[-1].endswith("…") or " ".join(lines) == told
    assert not lines[-1].endswith(",…")


def test_the_panel_of_a_stopped_operation_says_that_its_reason_goes_on() -> None:
    failure = "five checks on the new release: validation of v2 says FAIL: data_integrity: 40 duplicates of (loan_id, "
    failure += "measurement_date), 3 nulls in 42,000 of 111,000 rows (v2 runs on; look at the report, or roll back)"
    stopped = replace(states.NEEDS_HUMAN, operation=replace(states.NEEDS_HUMAN.operation, failure=failure))
    drawn = text(operation.draw(stopped, 80, 8, LOOK))
    assert "look at the report" in drawn or "…" in drawn
    assert "(v2 runs on; look at\n" not in drawn


@pytest.mark.parametrize("name", ["running", "needs-human", "rolled-back", "stale", "normal", "critical"])
def test_who_is_on_watch_stays_in_row_3_at_80_cells(name: str) -> None:
    row = plain(header.draw(states.ALL[name], 80, LOOK)[2])
    assert "on watch A. Moreno" in row and "data" in row and "WAY BACK" in row and "…" not in row, row


def test_a_longer_status_shifts_no_column_of_the_log() -> None:
    rows = [f"09:10 | 0.68 | 0.02% | 203 | 27% | {word} | MEM held 10m" for word in ("WARN", "ERROR")]
    assert plain(log.row(rows[0])).index("MEM held") == plain(log.row(rows[1])).index("MEM held")


def test_the_wall_says_what_clears_it_whole() -> None:
    drawn = text(wall.draw(states.CRITICAL, 200, 50, LOOK))
    assert "clears <4.75; told: VP Engineering" in drawn


@pytest.mark.parametrize("width", [51, 58, 64])
def test_a_check_says_as_many_words_as_have_room(width: int) -> None:
    check = replace(states.CHECKS.checks[0], summary="3,000 rows sound, 22 tables published and each as it was written")
    row = plain(validation.row(check, width))
    assert len(row) > width - 12 and row.endswith("…") and "sound, 22" in row, row


@pytest.mark.parametrize("read_only", [False, True])
def test_an_offer_bears_the_key_of_the_rollback_only_where_it_is_not_refused(read_only: bool) -> None:
    offered = replace(states.NEEDS_HUMAN.operation, offers=("abaco-ops rollback    (the old release runs again)",))
    drawn = text(operation.offers(offered, 80, Look(UNICODE, states.NOW, read_only)))
    assert "abaco-ops rollback" in drawn and ("R or abaco-ops" in drawn) is not read_only
