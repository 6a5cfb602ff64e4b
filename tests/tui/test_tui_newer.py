"""A newer abaco-ops begins to work in the deployment that a console shows: from then on it only looks, and says why."""

from __future__ import annotations

from collections.abc import Callable

import states
from behind_the_console import FakeActions
from msgspec.structs import replace
from test_tui_keys import screen_text, shows

from tui.app import ConsoleApp

Make = Callable[..., ConsoleApp]
SAID = "a newer abaco-ops works here: its records are of version 2, 0.1.0 knows 1"


async def test_a_console_says_that_it_is_older_and_writes_nothing(make_app: Make, actions: FakeActions) -> None:
    app = make_app(replace(states.NORMAL, newer=SAID))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "READ-ONLY")
        assert f"but {SAID}"[:50] in screen_text(app)
        await pilot.press("R")
        await shows(pilot, "refused: a newer abaco-ops works here; sh .rollback/RETURN.sh")
        await pilot.press("V")
        await shows(pilot, "is refused: this console is read-only")
        assert not [asked for asked in actions.asked if asked[0] in ("launch", "validate")]


async def test_where_nothing_is_known_the_second_row_says_which_version_knows(make_app: Make) -> None:
    unknown = replace(states.NORMAL.verdict, word="UNKNOWN", why="what the monitor judged cannot be read")
    app = make_app(replace(states.NORMAL, newer=SAID, verdict=unknown))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "READ-ONLY")
        assert SAID in screen_text(app)


async def test_what_needs_a_person_stands_above_it(make_app: Make) -> None:
    app = make_app(replace(states.NEEDS_HUMAN, newer=SAID))
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "READ-ONLY")
        assert SAID not in screen_text(app).splitlines()[1]
