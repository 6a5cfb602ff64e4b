"""What the console says about an operation: while it runs, when it needs a person, when it has ended."""

from __future__ import annotations

from datetime import timedelta

import pytest
import states
from behind_the_console import FakeActions, FakeReader
from msgspec.structs import replace
from test_tui_keys import Make, screen_text, shows

from engine.operations.model import Operation, OperationStep
from engine.state.model import State
from tui import news
from tui.arrange import arrange
from tui.glyphs import UNICODE
from tui.lines import Lines, clause, plain
from tui.look import Look
from tui.panels import header, operation, validation

LOOK = Look(UNICODE, states.NOW)
OFFERS = (
    "abaco-ops rollback    (the old release runs again, nothing the new one wrote is lost)",
    "abaco-ops resume 0003-cutover    (probes what has happened, then goes on)",
    "abaco-ops resolve 0003-cutover --reason TEXT    (after you have put it right by hand)",
)


def text(lines: Lines) -> str:
    return "\n".join(plain(line).rstrip() for line in lines)


def stopped(state: str, **more: object) -> State:
    fields = {"alive": False, "offers": OFFERS, "failure": "new release stays up: v2 does not run any more", **more}
    return replace(states.RUNNING, operation=replace(states.OPERATION, state=state, **fields))


def ended(seconds_ago: float, **more: object) -> Operation:
    at = states.NOW - timedelta(seconds=seconds_ago)
    return replace(states.OPERATION, state="SUCCEEDED", ended=at, seconds=4.2, alive=False, offers=(), **more)


@pytest.mark.parametrize("word", ["NEEDS_HUMAN", "INTERRUPTED"])
def test_row_two_says_what_is_needed_and_the_first_offer_whole(word: str) -> None:
    row = plain(header.draw(stopped(word), 80, LOOK)[1])
    assert "on target" not in row
    assert row.startswith(" new release stays up") and row.rstrip().endswith("R, v1, Enter rolls back")


def test_an_interrupted_rollback_is_gone_on_with() -> None:
    state = stopped("INTERRUPTED", kind="rollback", id="0004-rollback")
    assert "R, v1, Enter goes on with it" in plain(header.draw(state, 80, LOOK)[1])


def test_row_two_names_the_step_while_a_quiet_verdict_has_nothing_to_say() -> None:
    row = plain(header.draw(states.RUNNING, 80, LOOK)[1])
    assert row.strip() == "0003-cutover runs: final snapshot taken and verified"
    loud = replace(states.RUNNING, verdict=states.CRITICAL.verdict)
    assert "ERR 7.40 %" in plain(header.draw(loud, 80, LOOK)[1])


def test_an_older_proof_says_nothing_about_the_cutover_under_way() -> None:
    rows = [plain(header.draw(state, 80, LOOK)[2]) for state in (states.RUNNING, stopped("NEEDS_HUMAN"))]
    assert "R ends it and goes back" in rows[0]
    assert "R goes back; not proven " in rows[1]
    wide = plain(header.draw(stopped("NEEDS_HUMAN"), 120, LOOK)[2])
    assert "R goes back; not proven for this cutover" in wide
    assert "ready" not in "".join(rows)


def test_a_rollback_under_way_is_the_way_back_being_taken() -> None:
    state = replace(states.RUNNING, operation=replace(states.OPERATION, kind="rollback", id="0004-rollback"))
    assert "is being taken now" in plain(header.draw(state, 80, LOOK)[2])


def test_on_the_old_release_no_way_back_is_needed_and_the_watch_still_fits() -> None:
    row = plain(header.draw(states.ROLLED_BACK, 80, LOOK)[2])
    assert "v1 is live; rolled back 2.2 s, 60s ago" in row and "on watch A. Moreno" in row


def test_the_operation_stands_in_front_until_its_end_is_old_news() -> None:
    idle = replace(states.NORMAL, operation=None)
    assert operation.in_front(states.RUNNING, states.NOW)
    assert operation.in_front(replace(idle, last_operation=ended(5)), states.NOW)
    assert not operation.in_front(replace(idle, last_operation=ended(600)), states.NOW)
    assert not operation.in_front(idle, states.NOW)
    validating = replace(idle, operation=replace(states.OPERATION, kind="validate"))
    assert not operation.in_front(validating, states.NOW)


def test_at_120x36_a_running_operation_takes_the_whole_width() -> None:
    assert arrange(120, 32, operating=True)["operation"].width == 120
    assert arrange(120, 32, operating=False)["operation"].width < 60


@pytest.mark.parametrize("rows", [3, 5, 8])
def test_the_step_at_hand_is_always_among_the_steps_shown(rows: int) -> None:
    for done in range(len(states.steps(0))):
        shown = replace(states.OPERATION, steps=states.steps(done))
        drawn = text(operation.step_rows(shown, 80, LOOK, rows))
        assert "▶" in drawn and len(drawn.splitlines()) == rows


def test_nobody_works_on_the_step_of_a_dead_worker() -> None:
    drawn = text(operation.draw(stopped("INTERRUPTED", failure=""), 80, 30, LOOK))
    assert "interrupted at: " in drawn and "interrupted here" in drawn
    assert "▶ v1 stopped" not in drawn


def test_a_small_panel_offers_the_commands_a_large_one_explains_them() -> None:
    small = text(operation.draw(stopped("NEEDS_HUMAN"), 80, 8, LOOK))
    assert "R or abaco-ops rollback" in small and "resolve 0003-cutover" in small and "(probes" not in small
    assert "(probes what has happened" in text(operation.draw(stopped("NEEDS_HUMAN"), 120, 30, LOOK))


def test_output_that_repeats_a_step_is_left_out() -> None:
    told = ("09:12:01 2 staging: v2's own tests: done, passed (0.3 s)", "v1: Ran 29 tests in 0.412s OK")
    shown = replace(states.OPERATION, output=told)
    assert [plain(line).strip() for line in operation.output(shown, 5)] == [told[1]]


def test_a_running_operation_counts_its_seconds_by_the_clock() -> None:
    running = replace(states.OPERATION, seconds=0.6)
    assert operation.spent(running, LOOK) == pytest.approx(3.0)
    assert operation.spent(ended(5), LOOK) == 4.2


def test_a_detail_is_cut_at_a_clause_and_says_that_it_was() -> None:
    assert clause("whole", 5) == "whole"
    assert clause("4 of 4 agree with the tape, at most 0.003 apart", 30) == "4 of 4 agree with the tape…"
    assert clause("one long clause without an end", 10) == ""


def test_before_the_first_operation_the_panel_shows_the_releases_and_the_keys() -> None:
    drawn = text(operation.draw(replace(states.BEFORE, last_operation=None), 60, 10, LOOK))
    assert "LIVE" in drawn and "build c03d77" in drawn and "C cutover sheet" in drawn


def test_the_end_of_an_operation_is_news_once_and_so_is_one_that_somebody_else_began() -> None:
    after = replace(states.NORMAL, last_operation=ended(0))
    assert news.operation_news(states.RUNNING, after, "") == (
        "0003-cutover SUCCEEDED after 4.2 s: V2 is live",
        "strong",
    )
    assert news.operation_news(after, after, "") is None
    began = news.operation_news(states.NORMAL, states.RUNNING, "")
    assert began is not None and began[0] == "0003-cutover runs, started by a.moreno: 3 shows it"
    assert news.operation_news(states.NORMAL, states.RUNNING, "0003-cutover") is None


async def test_the_console_says_how_an_operation_ended_and_enter_shows_a_step(
    make_app: Make, actions: FakeActions
) -> None:
    app = make_app(states.RUNNING)
    reader = FakeReader(states.RUNNING)
    app._reader._make = lambda: reader
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "0003-cutover runs: ")
        await pilot.press("3", "enter")
        assert "The step" not in screen_text(app)  # an Enter too many after a sheet
        app.screen._opened -= 10.0  # type: ignore[attr-defined]
        await pilot.press("enter")
        await shows(pilot, "(final_snapshot)")
        reader.state = replace(states.NORMAL, last_operation=ended(0))
        await shows(pilot, "0003-cutover SUCCEEDED after 4.2 s: V2 is live")


async def test_a_narrow_footer_keeps_the_way_back(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(40, 15)) as pilot:
        await shows(pilot, "R roll back  : find  ? help")
        await shows(pilot, "needs 80x22, this is 40x15")


@pytest.mark.parametrize(("operation_state", "offered"), [(states.OPERATION, True), (None, False)])
async def test_abort_is_offered_only_while_there_is_something_to_abort(
    make_app: Make, operation_state: Operation | None, offered: bool
) -> None:
    app = make_app(replace(states.RUNNING, operation=operation_state))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await shows(pilot, "3 Operation")
        assert ("x abort" in plain(app.frame.hints())) is offered


HOLD_OFFERS = (
    "abaco-ops go 0003-cutover    (the switch begins)",
    "abaco-ops abort 0003-cutover    (undoes what was prepared)",
    "abaco-ops rollback    (ends it too; the old release runs on)",
)


def holding() -> State:
    hold = OperationStep("wait_for_go", "holds before phase 3, waits for go", "2 staging", "running", None, "")
    steps = (*(step for step in states.steps(9) if step.phase < "3"), hold)
    held = replace(states.OPERATION, state="HOLDING", steps=steps, offers=HOLD_OFFERS)
    return replace(states.BEFORE_CHECKED, operation=held, phase="CUTOVER")


def test_a_held_cutover_stands_in_every_row_where_an_operation_stands() -> None:
    rows = [plain(line) for line in header.draw(holding(), 80, LOOK)]
    assert "V1 LIVE" in rows[0] and "CUTOVER HOLDING" in rows[0]
    assert rows[1].strip() == "0003-cutover holds before the switch: 3, then c gives the go, x aborts"
    assert "R ends the cutover; v1 is live" in rows[2]


@pytest.mark.parametrize(("width", "height"), [(80, 8), (120, 30)])
def test_the_panel_of_a_held_cutover_offers_go_abort_and_the_way_back(width: int, height: int) -> None:
    drawn = text(operation.draw(holding(), width, height, LOOK))
    assert "HOLDING" in drawn and "holds before phase 3, waits for go" in drawn
    for offer in ("abaco-ops go 0003-cutover", "abaco-ops abort 0003-cutover", "R or abaco-ops rollback"):
        assert offer in drawn, drawn


def test_that_a_cutover_holds_now_is_news() -> None:
    said = news.operation_news(states.RUNNING, holding(), "0003-cutover")
    assert said == ("0003-cutover holds before the switch and waits for a go: 3, then c", "info")
    assert news.operation_news(holding(), holding(), "0003-cutover") is None


async def test_the_go_is_given_in_the_operation_view_and_costs_more_than_a_stray_key(
    make_app: Make, actions: FakeActions
) -> None:
    app = make_app(holding())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await shows(pilot, "c go")
        await pilot.press("c", "enter")
        await shows(pilot, "nothing changed: type go, then Enter")
        await pilot.press("n", "o", "enter")
        assert [asked for asked in actions.asked if asked[0] == "go"] == []
        await pilot.press("ctrl+u", "backspace", "backspace", *"go", "space", *"ready", "enter")
        await shows(pilot, "0003-cutover has taken the go")
        assert ("go", "0003-cutover", "ready") in actions.asked


async def test_the_palette_gives_the_go_from_anywhere(make_app: Make, actions: FakeActions) -> None:
    app = make_app(holding())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CUTOVER HOLDING")
        await pilot.press(":", *"held", "enter")
        await shows(pilot, "Type  go  to confirm")
        await pilot.press(*"go", "enter")
        await shows(pilot, "0003-cutover has taken the go")
        assert ("go", "0003-cutover", "") in actions.asked


async def test_where_nothing_holds_there_is_no_go_to_give(make_app: Make, actions: FakeActions) -> None:
    app = make_app(states.RUNNING)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await shows(pilot, "3 Operation")
        assert "c go" not in plain(app.frame.hints())
        await pilot.press("c")
        await shows(pilot, "no cutover holds: nothing waits for a go")


async def test_hold_stands_beside_cut_over_and_needs_a_reason_too(make_app: Make, actions: FakeActions) -> None:
    app = make_app(states.BEFORE_CHECKED)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V1 LIVE")
        await pilot.press("C")
        await shows(pilot, "Hold before the switch")
        assert app.screen.sheet.place == "cancel"  # type: ignore[attr-defined]
        await pilot.press("left")
        await shows(pilot, "phases 0 to 2, then it waits for your go")
        app.screen._opened -= 10.0  # type: ignore[attr-defined]
        await pilot.press("enter")
        await shows(pilot, "a reason is required")
        await pilot.press(*"planned", "enter", "right")
        app.screen._opened -= 10.0  # type: ignore[attr-defined]
        await pilot.press("enter")
        await shows(pilot, "ACCEPTED 0004-cutover")
        assert ("launch", "cutover", "planned", "hold") in actions.asked


def test_what_its_worker_may_refuse_yet_is_no_news() -> None:
    planned = replace(states.RUNNING, operation=replace(states.OPERATION, state="PLANNED", started=None))
    assert news.operation_news(states.NORMAL, planned, "") is None


READING = replace(
    states.OPERATION,
    id="0005-validate",
    kind="validate",
    release_from="v2",
    offers=(),
    output=(),
    steps=(
        OperationStep(
            *("kpi_calculations", "published KPIs against the tape", "validation", "running", None),
            "12,345,678 rows read, 40 %, about 12 s left",
            40.0,
        ),
        OperationStep("data_integrity", "the tape itself", "validation", "waiting", None, ""),
    ),
)


def test_how_far_the_reading_of_a_tape_is_stands_in_the_bar_and_beside_the_step() -> None:
    told = text(operation.draw(replace(states.NORMAL, operation=READING), 120, 10, LOOK))
    assert "published KPIs against the tape  12,345,678 rows read, 40 %, about 12 s left" in told
    bar_at = plain(operation.progress(READING, 120, LOOK))
    bar_before = plain(
        operation.progress(replace(READING, steps=(replace(READING.steps[0], percent=None),)), 120, LOOK)
    )
    assert bar_at.count(UNICODE.bar_full) > bar_before.count(UNICODE.bar_full)
    checks = replace(states.NORMAL.checks, running=True)
    panel = text(validation.draw(replace(states.NORMAL, operation=READING, checks=checks), 80, 8, LOOK))
    assert "running now, 40 % read" in panel


async def test_a_validation_is_stopped_by_one_key(make_app: Make, actions: FakeActions) -> None:
    app = make_app(replace(states.NORMAL, operation=READING))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("3")
        await shows(pilot, "x abort")
        await pilot.press("x")
        await shows(pilot, "0005-validate was asked to stop, and has taken it")
        assert ("abort", "0005-validate") in actions.asked
