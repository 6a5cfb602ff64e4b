"""Commands that only look: the nine views, help, the palette, and the way out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import Command
from tui.opening import (
    copy_line,
    open_contacts,
    open_help,
    open_palette,
    open_themes,
    open_update,
    open_wall,
)

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class ShowDashboard(Command):
    """The dashboard: everything that matters, at one glance."""

    id, keys, title = "view.dashboard", ("1",), "dashboard"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("dashboard")


class ShowConditions(Command):
    """Every condition with its level, its value, how long it has held, and its evidence."""

    id, keys, title = "view.conditions", ("2",), "conditions"
    also = "alerts alarms thresholds limits"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("conditions")


class ShowOperation(Command):
    """The running or the last operation: its steps with their seconds, its output, and what can be done now."""

    id, keys, title = "view.operation", ("3",), "operation"
    also = "steps progress"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("operation")


class ShowKpis(Command):
    """The KPIs with limits, change and trend."""

    id, keys, title = "view.kpis", ("4",), "KPIs"
    also = "metrics figures"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("kpis")


class ShowChecklist(Command):
    """The whole checklist around now; {checklist.tick} confirms, {checklist.override} overrides with a reason."""

    id, keys, title = "view.checklist", ("5",), "checklist"
    also = "todo tasks"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("checklist")


class ShowMatrix(Command):
    """The decision matrix: each row with its evidence, what to do, and who is told."""

    id, keys, title = "view.matrix", ("6",), "decision matrix"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("matrix")


class ShowLog(Command):
    """The monitoring log and the audit events; {search} searches."""

    id, keys, title = "view.log", ("7",), "log and events"
    also = "audit history trail"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("log")


class ShowValidation(Command):
    """The newest validation: five checks, and every issue with its rows."""

    id, keys, title = "view.validation", ("8",), "validation report"
    also = "checks tests errors"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("validation")


class ShowValidations(Command):
    """Earlier validations: their verdicts and the KPIs over time; {why} shows one report whole."""

    id, keys, title, scope, palette = "validations", ("h",), "earlier validations", "validation", False

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.validations import open_validations

        open_validations(app)


class ShowWayBack(Command):
    """The way back: is it ready, how long would it take, what was proven and when; the releases as installed."""

    id, keys, title = "view.way-back", ("9",), "way back and releases"
    also = "backup restore versions builds"

    def run(self, app: ConsoleApp) -> None:
        app.show_view("way-back")


class ShowWall(Command):
    """The wall: the state in large letters, to be read from three metres; Esc leads back."""

    id, keys, title = "wall", (), "wall"

    def run(self, app: ConsoleApp) -> None:
        open_wall(app)


class ChooseTheme(Command):
    """Another theme for this console, at once: dark, light, wall, high-contrast, or one of your own."""

    id, keys, title = "theme", (), "theme"
    also = "colours colors dark light contrast"

    def run(self, app: ConsoleApp) -> None:
        open_themes(app)


class ShowSnapshots(Command):
    """The snapshots: age, size, staged, verified or damaged; which one a rollback takes; which are refused and why."""

    id, keys, title = "snapshots", ("s",), "snapshots"
    also = "backup backups copies archive restore"

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.snapshots import open_snapshots

        open_snapshots(app)


class FilterLog(Command):
    """Show only some events of the whole audit trail: operations, alerts, people; or those that hold a text."""

    id, keys, title, scope, palette = "log.filter", ("f",), "filter events", "log", False

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.log import Log

        if isinstance(app.screen, Log):
            app.ask(app.screen.filter())


class NextKind(Command):
    """The next kind of events: everything, operations, alerts, people."""

    id, keys, title, scope, palette = "log.kind", ("F",), "next kind of events", "log", False

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.log import Log

        if isinstance(app.screen, Log):
            app.screen.next_kind()


class Why(Command):
    """Go deeper: the evidence behind the row under the cursor."""

    id, keys, title, footer, scope = "why", ("enter",), "why", "why", "list"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        app.frame.why()


class Samples(Command):
    """The samples behind the condition, row of the matrix or verdict in hand, and how its run was counted."""

    id, keys, title = "samples", ("e",), "samples behind it"

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.samples import show_samples

        show_samples(app, app.frame.item_in_hand())


class Help(Command):
    """Every key and what it does."""

    id, keys, title, footer = "help", ("?",), "help", "help"

    def run(self, app: ConsoleApp) -> None:
        open_help(app)


class Find(Command):
    """Find a command by a few letters of its name."""

    id, keys, title, footer = "find", (":", "ctrl+p"), "find a command", "find"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        open_palette(app)


class Search(Command):
    """Search in the rows of this view; {search.next} and {search.previous} go to the next and the previous one."""

    id, keys, title, scope = "search", ("/",), "search", "list"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        app.ask(asking.search(app.frame.search_for))


class SearchNext(Command):
    """The next row that holds what was searched for."""

    id, keys, title, scope = "search.next", ("n",), "search next", "list"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        app.frame.search(1)


class SearchPrevious(Command):
    """The previous row that holds what was searched for."""

    id, keys, title, scope = "search.previous", ("N",), "search previous", "list"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        app.frame.search(-1)


class Contacts(Command):
    """Who to call, for what, and how to reach them."""

    id, keys, title = "contacts", ("w",), "who to call"
    also = "phone telephone number call contacts mail escalate escalation people"

    def run(self, app: ConsoleApp) -> None:
        open_contacts(app)


class StatusUpdate(Command):
    """A status update for the team, ready to be copied and pasted."""

    id, keys, title = "update", ("u",), "status update text"
    also = "report slack message copy team"

    def run(self, app: ConsoleApp) -> None:
        open_update(app)


class CopyLine(Command):
    """Copy the line under the cursor: through tmux, to the terminal's clipboard (OSC 52), or into a file."""

    id, keys, title, scope = "copy", ("y",), "copy the line", "list"

    def run(self, app: ConsoleApp) -> None:
        copy_line(app)


class SaveEvidence(Command):
    """Save this screen as evidence: picture, text, and where the records stand. A read-only console saves it among your
    own files.
    """

    id, keys, title = "evidence", ("Y",), "save the evidence"
    also = "screenshot picture capture export"

    def run(self, app: ConsoleApp) -> None:
        from tui.evidence import save_evidence

        save_evidence(app)


class Repaint(Command):
    """Paint the whole screen again."""

    id, keys, title = "repaint", ("ctrl+l",), "repaint"

    def run(self, app: ConsoleApp) -> None:
        app.repaint()


class Back(Command):
    """Back to where you came from; it never leaves the console."""

    id, keys, title = "back", ("escape",), "back"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        app.back(leave=False)


class Quit(Command):
    """Back to where you came from; on the dashboard, and in a replay, leave the console. What runs, runs on."""

    id, keys, title = "quit", ("q",), "back, leave"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        if app.replay is not None:  # each footer of a replay says so
            app.leave()
        else:
            app.back(leave=True)


class Cancel(Command):
    """Close the sheet or form in front; it never leaves the console and never stops an operation."""

    id, keys, title = "cancel", ("ctrl+c",), "cancel"
    palette = False

    def run(self, app: ConsoleApp) -> None:
        app.back(leave=False)


class Leave(Command):
    """Leave the console. Pipeline, monitor and operations run on."""

    id, keys, title = "leave", (), "leave the console"
    also = "exit quit close"

    def run(self, app: ConsoleApp) -> None:
        app.leave()
