"""Commands of plots and trends: what is plotted, over which window, from when."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import COMMANDS, Command, key_of

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_HALF = 0.5
"""Of a window, that one key goes back or forth."""


class ShowPlots(Command):
    """Plots of gauges and KPIs over time, with alerts and operations on the axis; begins with the row in hand."""

    id, keys, title = "plots", ("p", "P"), "plots over time"

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.plots import open_plots

        open_plots(app, app.frame.item_in_hand())


class Shorter(Command):
    """A shorter time window for plots and trends: 28 d, 7 d, 24 h, 6 h, 1 h, 15 min."""

    id, keys, title = "window.shorter", ("[",), "shorter time window"

    def run(self, app: ConsoleApp) -> None:
        _move(app, -1)


class Longer(Command):
    """A longer time window for plots and trends: 15 min, 1 h, 6 h, 24 h, 7 d, 28 d."""

    id, keys, title = "window.longer", ("]",), "longer time window"

    def run(self, app: ConsoleApp) -> None:
        _move(app, 1)


class Earlier(Command):
    """Half a window back in time."""

    id, keys, title, scope, palette = "plot.earlier", ("left", "h"), "earlier", "plot", False

    def run(self, app: ConsoleApp) -> None:
        _scroll(app, -_HALF)


class Later(Command):
    """Half a window forth in time, up to now."""

    id, keys, title, scope, palette = "plot.later", ("right", "l"), "later", "plot", False

    def run(self, app: ConsoleApp) -> None:
        _scroll(app, _HALF)


def _move(app: ConsoleApp, steps: int) -> None:
    from tui.screens.plots import Plots
    from tui.windows import NEWEST

    plot = isinstance(app.screen, Plots)
    before = app.windows.name if plot else app.windows.of_trends or NEWEST
    now = app.windows.move(steps, plot=plot)
    app.redraw()
    if now == before:
        least, other = ("shortest", "window.longer") if steps < 0 else ("longest", "window.shorter")
        app.say(f"{now} is the {least} window; {key_of(other)}: {COMMANDS[other].title}", "dim")
    elif not plot:
        app.say(f"trends show {now}; {key_of('plots')} plots", "dim")


def _scroll(app: ConsoleApp, windows: float) -> None:
    from tui.screens.plots import Plots

    if isinstance(app.screen, Plots):
        app.screen.scroll(windows)
