"""Commands of a replay: they move the moment that is shown, and touch nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import Command
from tui.replaying import go_to, jump, seek

if TYPE_CHECKING:
    from tui.app import ConsoleApp

SHORT, LONG = 60.0, 3600.0
"""Seconds that one key goes forth or back."""


class Pause(Command):
    """Stand still at this moment, or go on."""

    id, keys, title, footer, scope = "replay.pause", ("p",), "pause, go on", "pause", "replay"

    def run(self, app: ConsoleApp) -> None:
        if app.replay is not None:
            app.replay.playback.toggle()
            app.look_again()


class Slower(Command):
    """Let the past go by more slowly."""

    id, keys, title, footer, scope = "replay.slower", ("<",), "slower", "slower", "replay"

    def run(self, app: ConsoleApp) -> None:
        if app.replay is not None:
            app.replay.playback.faster(-1)
            app.look_again()


class Faster(Command):
    """Let the past go by faster, up to an hour in a second."""

    id, keys, title, footer, scope = "replay.faster", (">",), "faster", "faster", "replay"

    def run(self, app: ConsoleApp) -> None:
        if app.replay is not None:
            app.replay.playback.faster(1)
            app.look_again()


class Back(Command):
    """One minute back."""

    id, keys, title, footer, scope = "replay.back", (",", "left"), "a minute back", "-1m", "replay"

    def run(self, app: ConsoleApp) -> None:
        seek(app, -SHORT)


class Forth(Command):
    """One minute forth."""

    id, keys, title, footer, scope = "replay.forth", (".", "right"), "a minute forth", "+1m", "replay"

    def run(self, app: ConsoleApp) -> None:
        seek(app, SHORT)


class HourBack(Command):
    """One hour back."""

    id, keys, title, scope = "replay.hour-back", ("(",), "an hour back", "replay"

    def run(self, app: ConsoleApp) -> None:
        seek(app, -LONG)


class HourForth(Command):
    """One hour forth."""

    id, keys, title, scope = "replay.hour-forth", (")",), "an hour forth", "replay"

    def run(self, app: ConsoleApp) -> None:
        seek(app, LONG)


class PreviousEvent(Command):
    """Back to what happened last before this moment: an event, or another verdict."""

    id, keys, title, scope = "replay.previous", ("{",), "previous event", "replay"

    def run(self, app: ConsoleApp) -> None:
        jump(app, later=False)


class NextEvent(Command):
    """Forth to what happened next: an event, or another verdict. It stands still there."""

    id, keys, title, footer, scope = "replay.next", ("}",), "next event", "event", "replay"

    def run(self, app: ConsoleApp) -> None:
        jump(app, later=True)


class GoTo(Command):
    """Go to a moment: 2026-01-31T02:00Z, or T+7h after the cutover."""

    id, keys, title, scope = "replay.go-to", ("@",), "go to a moment", "replay"

    def run(self, app: ConsoleApp) -> None:
        go_to(app)
