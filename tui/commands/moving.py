"""Commands that move the cursor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import Command

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_FAR = 1_000_000
_PAGE = 10


class Down(Command):
    """One row down."""

    id, keys, title, scope, palette = "down", ("j", "down"), "down", "list", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.move(1)


class Up(Command):
    """One row up."""

    id, keys, title, scope, palette = "up", ("k", "up"), "up", "list", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.move(-1)


class PageDown(Command):
    """Ten rows down."""

    id, keys, title, scope, palette = "page-down", ("pagedown", "ctrl+d"), "page down", "list", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.move(_PAGE)


class PageUp(Command):
    """Ten rows up."""

    id, keys, title, scope, palette = "page-up", ("pageup", "ctrl+u"), "page up", "list", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.move(-_PAGE)


class Top(Command):
    """The first row."""

    id, keys, title, scope, palette = "top", ("g", "home"), "first row", "list", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.move(-_FAR)


class Bottom(Command):
    """The last row."""

    id, keys, title, scope, palette = "bottom", ("G", "end"), "last row", "list", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.move(_FAR)


class NextPanel(Command):
    """The next panel of the dashboard; in a sheet, the next thing to fill in."""

    id, keys, title, palette = "panel.next", ("tab",), "next panel", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.turn(1)


class PreviousPanel(Command):
    """The panel before; in a sheet, the thing before."""

    id, keys, title, palette = "panel.previous", ("shift+tab",), "previous panel", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.turn(-1)


class Zoom(Command):
    """The panel in hand over the whole screen, and back."""

    id, keys, title, scope = "zoom", ("z",), "zoom", "list"

    def run(self, app: ConsoleApp) -> None:
        app.frame.zoom()
