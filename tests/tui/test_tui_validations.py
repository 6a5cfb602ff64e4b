"""Earlier validations: two keys from anywhere, verdicts and trends, and each report whole."""

from __future__ import annotations

from collections.abc import Callable

import states
from fake_looks import FakeLooks
from test_tui_keys import screen_text, shows

from tui.app import ConsoleApp

Make = Callable[..., ConsoleApp]


async def test_two_keys_show_verdicts_and_figures_of_earlier_validations(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("8", "h")
        await shows(pilot, "4 on record")
        said = screen_text(app)
        assert "kpi  data perf err  aud" in said
        assert "FAIL     ok   F    ok   ok   ok   v2   2" in said
        assert "-  trial" in said
        assert "2 to 2.30, median 2.20" in said  # of the live ones


async def test_enter_shows_one_report_whole(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("8", "h")
        await shows(pilot, "4 on record")
        await pilot.press("j", "j", "enter")
        await shows(pilot, "logs/validation_2.json")


async def test_the_newest_validation_names_the_key(make_app: Make) -> None:
    app = make_app(states.NORMAL)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("8", "G")
        await shows(pilot, "h shows earlier ones")


async def test_a_history_that_cannot_be_read_is_said(make_app: Make, looks: FakeLooks) -> None:
    def refuse() -> None:
        from engine.errors import Refused

        raise Refused("logs/validations.jsonl cannot be read: no", "")

    looks.validations = refuse  # type: ignore[assignment]
    app = make_app(states.NORMAL)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(pilot, "CONTINUE")
        await pilot.press("8", "h")
        await shows(pilot, "cannot be read: no")
