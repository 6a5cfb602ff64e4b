"""Commands that open and close writing, where over SSH it has to be armed."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui.commands.command import Command

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class Arm(Command):
    """Arm this console for writing, for a while, where the configuration asks for it over SSH; rolling back needs no
    arming.
    """

    id, keys, title = "arm", ("A",), "arm for writing"

    def run(self, app: ConsoleApp) -> None:
        app.say("this console is read-only: it cannot be armed" if app.read_only else app.arming.arm(), "warn")


class Disarm(Command):
    """End the arming before its time."""

    id, title = "disarm", "disarm"
    keys: ClassVar[tuple[str, ...]] = ()

    def run(self, app: ConsoleApp) -> None:
        app.say(app.arming.disarm())
