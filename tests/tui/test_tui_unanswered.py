"""A key that stands for nothing where it is pressed says so, and what it does elsewhere."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import states
from msgspec.structs import replace
from test_tui_keys import screen_text, shows

from tui.app import ConsoleApp
from tui.commands import COMMANDS
from tui.unanswered import BEFORE, answer

Make = Callable[..., ConsoleApp]
DASHBOARD = frozenset({"anywhere", "list"})
HOLDING = replace(states.RUNNING, operation=replace(states.OPERATION, state="HOLDING"))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("x", "x does nothing here; abort the operation: in view 3; no-go: at gate D"),
        ("c", "c does nothing here; go: in view 3; go: at gate D; cut over: C"),
        ("v", "v does nothing here; waive a criterion: at gate D; validate: V"),
        ("d", "d does nothing here; differences: in sheet R; decision point: go, no-go: D"),
        ("é", "é does nothing here; ? shows the keys"),
        ("f5", "F5 does nothing here; ? shows the keys"),
    ],
)
def test_it_says_where_a_key_counts(key: str, said: str) -> None:
    assert answer(key, DASHBOARD) == said
    assert len(said) < 79


async def test_every_key_is_answered_in_a_hold_too_and_the_answer_before_goes(make_app: Make) -> None:
    app = make_app(HOLDING)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CUTOVER HOLDING")
        await pilot.press("x")
        await shows(pilot, "x does nothing here; abort the operation: in view 3")
        await pilot.press("Z")
        await shows(pilot, "Z does nothing here")
        assert "x does nothing" not in screen_text(app)
        await pilot.press("2", "j")
        await pilot.pause(0.05)
        assert "does nothing" not in screen_text(app)


async def test_the_shortest_and_the_longest_window_say_so(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("[")
        await shows(pilot, "the newest values is the shortest window; ]: longer time window")
        await pilot.press("p", "[")
        await shows(pilot, "15 min is the shortest window; ]: longer time window")
        await pilot.press(*"]]]]]]")
        await shows(pilot, "28 d is the longest window; [: shorter time window")


def test_the_key_of_before_names_the_key_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BEFORE, "R", "rollback")
    monkeypatch.setattr(COMMANDS["rollback"], "keys", ("X", "ctrl+x"))
    assert answer("R", DASHBOARD) == "R does nothing here; roll back: X"
