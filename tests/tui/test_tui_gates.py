"""The gate, the readiness board and the hand-over, under a person's hands."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import states
from behind_the_console import FakeActions
from msgspec.structs import replace
from test_tui_keys import screen_text, shows, until

from engine.monitoring.model import Criterion
from engine.state.gate_standing import GateStanding
from engine.state.readiness import ReadyLine
from tui.app import ConsoleApp
from tui.screens.dashboard import Dashboard
from tui.screens.gate import GateScreen

Make = Callable[..., ConsoleApp]


def standing(**changes: Any) -> GateStanding:
    seen = states.NOW - timedelta(seconds=2)
    criteria = (
        Criterion("hourly_8_of_8", "hourly 8 of 8", "met", "8 of 8 PASS", seen),
        Criterion("no_critical_event", "no critical event", "not met", "1 since the cutover: 04:10Z ERR 7 %", seen),
    )
    base = GateStanding(
        "hour-8",
        "hour-8 gate",
        states.NOW - timedelta(minutes=4),
        "due",
        criteria,
        seen,
        False,
        "fix or roll back; keep the 30 min cadence",
        waiver_by="VP Engineering",
    )
    return replace(base, **changes)


def at_gate(**changes: Any) -> Any:
    gate = standing(**changes)
    return replace(states.NORMAL, gates=(standing(id="hour-1", title="hour-1 gate", state="go", by="K. Lee"), gate))


async def test_enter_on_the_gates_line_shows_every_criterion_with_its_evidence(make_app: Make) -> None:
    app = make_app(
        replace(
            at_gate(),
            checklist=replace(
                states.CHECKLIST, items=(replace(states.CHECKLIST.items[-1], key="gate/hour-8", state="due"),)
            ),
        )
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "T+8")
        await pilot.press("5", "enter")
        await shows(pilot, "DUE since 4m")
        await shows(pilot, "1 since the cutover: 04:10Z ERR 7 % (2s ago)")
        await shows(pilot, "otherwise: fix or roll back")


async def test_a_go_with_something_not_met_is_refused_and_says_what(make_app: Make, actions: FakeActions) -> None:
    app = make_app(at_gate())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("D", "c")
        await shows(pilot, "cannot be passed: no critical event")
        assert not [asked for asked in actions.asked if asked[0] == "decide"]


async def test_a_waiver_needs_a_name_and_a_reason_and_goes_with_the_go(make_app: Make, actions: FakeActions) -> None:
    app = make_app(at_gate())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("D")
        await until(pilot, lambda: isinstance(app.screen, GateScreen))
        await pilot.press("v")
        await shows(pilot, "is met: there is nothing to waive")
        await pilot.press("j", "j", "v")
        await shows(pilot, "Name of the VP Engineering")
        await pilot.press(*"J Doe", "enter")
        await shows(pilot, "not noted: a name, a colon, a reason")
        await pilot.press("v", *"J Doe: known", "enter")
        await shows(pilot, "J Doe: known")
        await pilot.press("c", *"go all fine", "enter")
        wanted = ("decide", "hour-8", "go", "all fine", (("no_critical_event", "J Doe"),))
        await until(pilot, lambda: wanted in actions.asked, str(actions.asked))


async def test_a_no_go_says_what_it_means_and_is_typed(make_app: Make, actions: FakeActions) -> None:
    app = make_app(at_gate())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("D", "x")
        await shows(pilot, "the watch goes on: fix or roll back; keep the 30 min cadence")
        await pilot.press("enter")
        await shows(pilot, "nothing changed: type no-go")
        await pilot.press(*"no-go", "enter")
        await until(pilot, lambda: ("decide", "hour-8", "no-go", "", ()) in actions.asked, str(actions.asked))


async def test_a_gate_that_is_not_due_is_shown_and_not_decided(make_app: Make, actions: FakeActions) -> None:
    app = make_app(at_gate(state="ahead", due_at=states.NOW + timedelta(minutes=48)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("D", "c")
        await shows(pilot, "hour-8 gate is not due before")
        assert not [asked for asked in actions.asked if asked[0] == "decide"]


async def test_a_console_that_only_looks_shows_the_gate_and_decides_nothing(make_app: Make) -> None:
    app = make_app(at_gate(), read_only=True)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("D", "x")
        await shows(pilot, "no-go is refused: this console is read-only")


async def test_taking_the_watch_shows_what_happened_since(make_app: Make, actions: FakeActions) -> None:
    actions.since = (
        "Since 31 Jan 06:12: K. Lee took the watch",
        "   verdict was CONTINUE, is WATCH; 3 validations PASS",
    )
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("t")
        await shows(pilot, "verdict was CONTINUE, is WATCH")
        assert ("take_watch",) in actions.asked


async def test_the_hand_over_can_be_pasted(make_app: Make) -> None:
    app = make_app(at_gate())
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("H")
        await shows(pilot, "Watch: A. Moreno, since 31 Jan")
        await shows(pilot, "Open: hour-8 gate waits for a decision")
        await shows(pilot, "fails on: no critical event not met")


async def test_the_readiness_board_says_what_blocks_and_what_to_do(make_app: Make, actions: FakeActions) -> None:
    actions.ready = (
        ReadyLine("validation", False, "v1 was not validated yet", "abaco-ops validate"),
        ReadyLine("live", True, "v1 is live"),
    )
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("B")
        await shows(pilot, "NOT READY: 1 of 2 lines block GO")
        await shows(pilot, "-> abaco-ops validate")


async def test_why_a_list_was_closed_is_said_once_and_its_lines_are_not_answered(make_app: Make) -> None:
    why = "closed: rolled back 31 Jan 09:02:00Z, operation 0004-rollback, latency"
    items = tuple(replace(item, state="closed", note=why, gate=False) for item in states.CHECKLIST.items)
    app = make_app(replace(states.NORMAL, checklist=replace(states.CHECKLIST, items=items)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "V2 LIVE")
        await pilot.press("5")
        await shows(pilot, why)
        assert screen_text(app).count("closed: rolled back") == 1
        await pilot.press("space")
        await shows(pilot, "is closed: rolled back")


async def test_at_80x24_what_was_left_open_before_the_cutover_never_hides_what_is_due_now(make_app: Make) -> None:
    left = [replace(states.item("before", f"task {n}", "overdue", due_at=None), key=f"before/0/{n}") for n in range(7)]
    items = (*left, *states.CHECKLIST.items)
    app = make_app(replace(states.NORMAL, checklist=replace(states.CHECKLIST, items=items)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "leak check")
        await shows(pilot, "7 older open")
        await shows(pilot, "T+8")
        screen = app.screen
        assert isinstance(screen, Dashboard)
        assert screen.item_in_hand() == "hourly/25200/leak"
        await pilot.press("5")
        await shows(pilot, "leak check")


async def test_the_palette_starts_the_monitor_and_a_read_only_console_does_not(
    make_app: Make, actions: FakeActions
) -> None:
    gone = replace(states.STALE, monitor=replace(states.STALE.monitor, running=False))
    for read_only, asked in ((True, 0), (False, 2)):  # a console that may write asks once when it begins
        app = make_app(gone, read_only=read_only)
        async with app.run_test(size=(80, 24)) as pilot:
            await shows(pilot, "UNKNOWN")
            await pilot.press(":", *"monitor")
            await shows(pilot, "start the monitor")
            await pilot.press("enter")
            await shows(pilot, "this console is read-only" if read_only else "a monitor runs already")
            assert actions.asked.count(("ensure_monitor",)) == asked


async def test_the_palette_puts_another_monitor_in_the_place_of_one_that_hangs(
    make_app: Make, actions: FakeActions
) -> None:
    app = make_app(replace(states.STALE, monitor=replace(states.STALE.monitor, running=True, stale=True)))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "UNKNOWN")
        await pilot.press(":", *"monitor", "enter")
        await shows(pilot, "another monitor runs, the one that hung was ended, pid 4712")
        assert ("restart_monitor",) in actions.asked


async def test_the_help_moves_with_every_key_that_moves_a_list(make_app: Make) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("?")
        await shows(pilot, "Operate")
        body = [screen_text(app)]
        for key in ("j", "down", "k", "up", "pagedown", "G"):
            await pilot.press(key)
            await pilot.pause()
            assert screen_text(app) != body[-1], f"{key} moved nothing"
            body.append(screen_text(app))
        assert body[0].splitlines()[5:] == body[4].splitlines()[5:], "k and up undo j and down"
        assert "a roll-back tier has held" in body[-1]
