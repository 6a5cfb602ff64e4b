"""Drills from the console: refused where this is no demo, by the engine too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import Command

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class Drill(Command):
    """Make the demo's pipeline misbehave for a while, to rehearse: latency, errors, leak, cpu, crash, hang and more."""

    id, keys, title, risk = "drill", (), "drill: break the demo", "write"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None:
            app.ask(asking.drill(app.actions, state))


class EndDrill(Command):
    """End the drill that runs, and put everything right that it changed."""

    id, keys, title, risk = "drill.end", (), "end the drill", "write"

    def run(self, app: ConsoleApp) -> None:
        app.background(app.actions.end_drill, app.written, lambda why: app.say(why, "crit"))
