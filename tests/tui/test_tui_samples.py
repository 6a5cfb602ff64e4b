"""One key from any verdict or condition to its samples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import states
from behind_the_console import FakeActions
from msgspec.structs import replace
from test_tui_keys import screen_text, shows

from engine.monitoring.trace import Sampled, TierTrace, Trace
from tui.app import ConsoleApp

Make = Callable[..., ConsoleApp]
FACES = {"WATCH": ("MEM",), "CONTINUE": ("LAT", "MEM")}
STATE = replace(
    states.WARNING,
    matrix=tuple(replace(row, conditions=FACES.get(row.verdict, ())) for row in states.WARNING.matrix),
)


def a_trace(name: str = "MEM", **more: object) -> Trace:
    samples = tuple(
        Sampled(
            states.NOW - timedelta(seconds=5 * (30 - k)),
            204.0,
            "warning",
            False,
            5.0,
            "another process: pid 12 -> 14" if k == 25 else "",
            "v2:boot:14:9",
            "204 MB",
            "pid 14",
        )
        for k in range(30)
    )
    tier = TierTrace(
        "warning",
        200,
        190,
        600,
        84,
        17.5,
        True,
        720,
        144,
        states.NOW - timedelta(minutes=12),
        120,
        17,
        0,
        0,
        True,
        False,
    )
    fields = {
        "id": name,
        "title": "memory",
        "metric": "memory_mb",
        "unit": "MB",
        "at": states.NOW,
        "release": "v2",
        "said": "warning fires: memory 204 MB, above 200 for 12m (144 values)",
        "firing": "warning",
        "pending": "",
        "held": 720.0,
        "agrees": True,
        "note": "",
        "reason": None,
        "tiers": (tier,),
        "samples": samples,
        "counted": 300,
    }
    return Trace(**{**fields, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize("view", ["1", "2", "6"])
async def test_one_key_leads_to_the_samples(make_app: Make, actions: FakeActions, view: str) -> None:
    """From the verdict as such, from a condition, and from the conditions behind a row of the matrix."""
    actions.traces["MEM"] = a_trace()
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(view)
        wanted = {"2": "MEM", "6": "WATCH"}.get(view)
        while wanted is not None and app.frame.item_in_hand() != wanted:
            await pilot.press("j")
        await pilot.press(*(["enter", "e"] if view == "6" else ["e"]))
        await shows(pilot, "recomputed from 300 samples: the same")
        for words in (
            "12m of 10m, 144 samples (84 needed)",
            "204 MB",
            "beyond warning",
            "pid 14",
            "another process: pid 12",
        ):
            assert words in screen_text(app), words


async def test_enter_on_the_evidence_leads_to_the_samples(make_app: Make, actions: FakeActions) -> None:
    actions.traces["LAT"] = a_trace("LAT")
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("2", "enter", "enter")
        await shows(pilot, "LAT  samples")
        await shows(pilot, "recomputed from 300 samples: the same")


async def test_samples_that_disagree_are_said_to(make_app: Make, actions: FakeActions) -> None:
    actions.traces["MEM"] = a_trace(agrees=False, note="the kept samples give: nothing fires")
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("e")
        await shows(pilot, "IT DISAGREES; the kept samples give: nothing")


async def test_what_was_not_judged_says_so(make_app: Make) -> None:
    app = make_app(STATE)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press("e")
        await shows(pilot, "MEM has not been judged yet")
