"""Opens what lies over the views: lists and pages that are made for the moment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.records import harmless
from tui import calling, telling
from tui.copying import copy_from
from tui.lines import put

if TYPE_CHECKING:
    from engine.operations.plan import Plan
    from tui.app import ConsoleApp


def open_wall(app: ConsoleApp) -> None:
    """The state in large letters."""
    from tui.screens.wall import Wall

    if not isinstance(app.frame, Wall):
        app.push_screen(Wall())


def open_themes(app: ConsoleApp) -> None:
    """The themes, to choose one."""
    from tui.screens.themes import Themes

    app.push_screen(Themes())


def open_contacts(app: ConsoleApp) -> None:
    """Who to call."""
    from tui.screens.over import Text, paragraphs

    facts = calling.who_to_call(app.shown_state, app.contacts)
    app.push_screen(Text("Who to call", paragraphs(facts, app.size.width)))


def open_update(app: ConsoleApp) -> None:
    """The status update as text, on its way to the clipboard too."""
    from tui.screens.over import Text

    state = app.shown_state
    if state is not None:
        lines = telling.update(state, app.look)
        app.push_screen(Text("Status update", [put(f" {line}") for line in lines]))
        copy_from(app, "\n".join(harmless(line, 2000) for line in lines))


def open_plan(app: ConsoleApp, plan: Plan) -> None:
    """Everything a plan knows."""
    from tui.screens.over import Text, paragraphs

    app.push_screen(Text("The plan", paragraphs(telling.plan_facts(plan), app.size.width)))


def open_help(app: ConsoleApp) -> None:
    """Every key."""
    from tui.screens.over import Help

    if not isinstance(app.frame, Help):
        app.push_screen(Help())


def open_palette(app: ConsoleApp) -> None:
    """Find a command."""
    from tui.screens.over import Palette

    app.push_screen(Palette(app.frame.scopes))


def copy_line(app: ConsoleApp) -> None:
    """Copy the line under the cursor."""
    line = app.frame.line_in_hand()
    if line:
        copy_from(app, line)
    else:
        app.say("no line to copy here", "dim")
