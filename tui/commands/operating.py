"""Commands that operate: validate starts at once; cutover and rollback only open their sheets."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from tui.commands.command import Command

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class Validate(Command):
    """Run the five checks on what the running release published. Starts at once; changes nothing."""

    id, keys, title, footer, risk = "validate", ("V",), "validate", "validate", "write"
    also = "check test"

    def run(self, app: ConsoleApp) -> None:
        app.launching.validate()


class Cutover(Command):
    """Open the cutover sheet. Nothing happens before it is confirmed there, with a reason."""

    id, keys, title, risk = "cutover", ("C",), "cut over", "irreversible"
    also = "deploy switch release migrate"

    def run(self, app: ConsoleApp) -> None:
        app.launching.open_cutover()


class Rollback(Command):
    """Open the rollback sheet, from anywhere: type the release's name, Enter. During a cutover: abort and go back."""

    id, keys, title, footer, risk = "rollback", ("R", "ctrl+r"), "roll back", "roll back", "irreversible"
    also = "undo revert restore return go back"

    def run(self, app: ConsoleApp) -> None:
        app.launching.open_rollback()


class Go(Command):
    """Tell the held cutover to go on with the switch: type go, Enter. Its worker looks first that nothing changed."""

    id, title, risk = "go", "go: begin the held switch", "irreversible"
    keys: ClassVar[tuple[str, ...]] = ()

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None:
            app.ask(asking.go(app.actions, state))


class GoHere(Go):
    """Tell the held cutover to go, from the operation view."""

    id, keys, title, risk, scope = "go.here", ("c",), "go", "irreversible", "operation"
    footer, palette = "go", False


class Rehearse(Command):
    """Rehearse the rollback: everything but the swap, on the live deployment, timed. Row 3 remembers it."""

    id, keys, title, risk = "rehearse", (), "rehearse the rollback", "write"
    also = "drill practise practice test the rollback"

    def run(self, app: ConsoleApp) -> None:
        app.launching.rehearse()


class StartMonitor(Command):
    """Start the monitor, when none runs, or another in the place of one that hangs: without one nothing is sampled,
    nothing judged, and nobody told.
    """

    id, keys, title, risk = "monitor", (), "start the monitor", "write"

    def run(self, app: ConsoleApp) -> None:
        state = app.shown_state
        hangs = state is not None and state.monitor.running and state.monitor.stale

        def started(pid: int | None) -> None:
            words = "another monitor runs, the one that hung was ended" if hangs else "the monitor runs"
            app.say("a monitor runs already" if pid is None else f"{words}, pid {pid}", "info")

        start = app.actions.restart_monitor if hangs else app.actions.ensure_monitor
        app.background(start, started, lambda why: app.say(why, "crit"))


class AbortOperation(Command):
    """Ask the running operation to stop and undo what it did; after the point of no return, roll back instead.
    A validation is stopped at once: it changes nothing.
    """

    id, keys, title, risk, scope = "abort", ("x",), "abort the operation", "irreversible", "operation"
    footer = "abort"
    also = "stop cancel"

    def run(self, app: ConsoleApp) -> None:
        from tui import asking

        state = app.shown_state
        if state is not None and state.operation is not None and state.operation.kind == "validate":
            app.launching.stop_validation(state.operation.id)
        elif state is not None:
            app.ask(asking.abort(app.actions, state))


class WaysOn(Command):
    """What can be done about an operation that stopped half-way: resume, abort or roll back, resolve, leave it."""

    id, keys, title, footer = "ways-on", ("r",), "what now: resume, abort, leave", "what now"

    def run(self, app: ConsoleApp) -> None:
        app.open_offer()


class Differences(Command):
    """Everything the plan knows: keys that differ, what no snapshot covers, each step."""

    id, keys, title, scope, palette = "plan.differences", ("d",), "differences", "rollback", False

    def run(self, app: ConsoleApp) -> None:
        app.frame.differences()
