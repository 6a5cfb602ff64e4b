"""The report from the console: one palette command, off the event loop, which says where it is."""

from __future__ import annotations

from collections.abc import Callable

from behind_the_console import FakeActions
from test_tui_keys import shows

from tui.app import ConsoleApp

Make = Callable[..., ConsoleApp]


async def test_the_palette_writes_the_report_that_is_due_and_says_where(make_app: Make, actions: FakeActions) -> None:
    app = make_app()
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(":", *"write the rep", "enter")
        await shows(pilot, "Hour 8 report: logs/reports/report_8h_20260131_100004.md")
        assert actions.asked.count(("report",)) == 1


async def test_a_read_only_console_writes_no_report(make_app: Make, actions: FakeActions) -> None:
    app = make_app(read_only=True)
    async with app.run_test(size=(120, 36)) as pilot:
        await shows(pilot, "WATCH")
        await pilot.press(":", *"write the rep", "enter")
        await shows(pilot, "write the report is refused: this console is read-only")
        assert ("report",) not in actions.asked
