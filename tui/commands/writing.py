"""Commands that write into the records: the work of the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui.commands.command import Command

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class Tick(Command):
    """Confirm the checklist item under the cursor, with a note if you like."""

    id, keys, title, footer = "checklist.tick", ("space",), "tick", "tick"
    risk, scope = "write", "list"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None:
            app.ask(asking.tick(app.actions, state, app.frame.item_in_hand()))


class Override(Command):
    """Answer the checklist item under the cursor against its measurement; a reason is required."""

    id, keys, title = "checklist.override", ("o",), "override with a reason"
    risk, scope = "write", "list"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None:
            app.ask(asking.override(app.actions, state, app.frame.item_in_hand()))


class Note(Command):
    """Write a note into the audit trail."""

    id, keys, title, risk = "note", ("i",), "note", "write"
    also = "comment write down"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        app.ask(asking.note(app.actions))


class Acknowledge(Command):
    """Take the alert under the cursor, or the newest one that nobody has taken."""

    id, keys, title, footer, risk = "acknowledge", ("a",), "acknowledge", "ack", "write"
    also = "ack alert alarm take"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None:
            app.ask(asking.acknowledge(app.actions, state, app.frame.item_in_hand()))


class WriteReport(Command):
    """Write the report that is due now, Markdown and HTML, below logs/reports: sign-off, incident, or the present."""

    id, title, risk = "report", "write the report", "write"
    keys: ClassVar[tuple[str, ...]] = ()

    def run(self, app: ConsoleApp) -> None:
        app.say("the report is being written", "dim")
        app.background(app.actions.report, app.written, lambda why: app.say(why, "crit"))
