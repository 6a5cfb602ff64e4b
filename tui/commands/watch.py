"""Commands of the watch: its gates, who holds it, and what a cutover waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.commands.command import Command
from tui.copying import copy_from
from tui.lines import put

if TYPE_CHECKING:
    from tui.app import ConsoleApp


class ShowGate(Command):
    """The decision point that waits, or the next one, every criterion with its evidence; there {gate.go} is go,
    {gate.no-go} no-go.
    """

    id, keys, title = "gate", ("D",), "decision point: go, no-go"

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.gate import open_gate

        open_gate(app)


class GateGo(Command):
    """Decide go at the gate in front. Refused while a criterion is not met or unknown, unless it is waived."""

    id, keys, title, risk, scope, palette = "gate.go", ("c",), "go", "write", "gate", False

    def run(self, app: ConsoleApp) -> None:
        _decide(app, "go")


class GateNoGo(Command):
    """Decide no-go at the gate in front: the watch is extended, and the gate is asked again."""

    id, keys, title, risk, scope, palette = "gate.no-go", ("x",), "no-go", "write", "gate", False

    def run(self, app: ConsoleApp) -> None:
        _decide(app, "no-go")


class GateWaive(Command):
    """Waive the criterion under the cursor, with a reason and a second name; recorded with the go."""

    id, keys, title, risk, scope, palette = "gate.waive", ("v",), "waive a criterion", "write", "gate", False

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.gate import GateScreen, waive

        if isinstance(app.screen, GateScreen) and app.shown_state is not None:
            app.ask(waive(app.shown_state, app.screen))


class TakeWatch(Command):
    """Take the watch: your name stands in row 3 from now on, and what happened since is shown."""

    id, keys, title, risk = "watch.take", ("t",), "take the watch", "write"

    def run(self, app: ConsoleApp) -> None:
        app.background(app.actions.take_watch, lambda told: _taken(app, told), lambda why: app.say(why, "crit"))


class HandOver(Command):
    """A hand-over summary of the watch: verdict, what is open, the next gate, the way back, notes; ready to paste."""

    id, keys, title = "watch.hand-over", ("H",), "hand-over summary"

    def run(self, app: ConsoleApp) -> None:
        from engine.state.hand_over import hand_over_lines

        state = app.shown_state
        if state is not None:
            lines = hand_over_lines(state, app.look.now)
            _page(app, "Hand-over", lines)
            copy_from(app, "\n".join(lines))


class ShowReadiness(Command):
    """Before a cutover: what blocks GO, one line each, with what to do about it."""

    id, keys, title = "ready", ("B",), "ready to cut over?"

    def run(self, app: ConsoleApp) -> None:
        from tui.screens.readiness import open_readiness

        open_readiness(app)


def _decide(app: ConsoleApp, decision: str) -> None:
    from tui.screens.gate import GateScreen, decide

    if isinstance(app.screen, GateScreen) and app.shown_state is not None:
        app.ask(decide(app.actions, app.shown_state, app.screen, decision))


def _taken(app: ConsoleApp, told: list[str]) -> None:
    app.written("the watch is yours")
    if told:
        _page(app, "You have the watch", told)


def _page(app: ConsoleApp, title: str, texts: list[str]) -> None:
    from tui.lines import wrap
    from tui.screens.over import Text

    rows = [line for text in texts for line in wrap(text, app.size.width - 2, "text", 1 + _indent(text)) or [put("")]]
    app.push_screen(Text(title, rows))


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())
