"""A decision point: every criterion with its evidence and age, and go, no-go, waivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.monitoring.criteria import words
from engine.monitoring.facts import Waiver
from engine.monitoring.model import Criterion
from engine.state.gate_standing import GateStanding
from engine.state.gates import summary_line, when
from engine.state.model import State
from tui.actions import Actions
from tui.commands.command import key_of
from tui.frame import spaced
from tui.lines import Line, Lines, Role, fit, heading, join, put, wrap
from tui.listing import Listing, Row
from tui.sheets.form import Ask
from tui.words import ago, stamp

if TYPE_CHECKING:
    from tui.app import ConsoleApp

PREFIX = "gate/"
"""Before the id of a gate, in the keys of rows and checklist lines."""
_ROLES: dict[str, Role] = {"met": "dim", "met so far": "dim", "not met": "crit", "unknown": "unknown", "waived": "info"}


class GateScreen(Listing):
    """One gate. Waivers are collected here and recorded with the go."""

    scopes = frozenset({"anywhere", "list", "gate"})

    def __init__(self, gate: str) -> None:
        super().__init__()
        self.gate = gate
        self.waivers: dict[str, Waiver] = {}

    def standing(self, state: State) -> GateStanding | None:
        """The gate as it stands now."""
        return next((one for one in state.gates if one.id == self.gate), None)

    def heading(self, state: State, width: int) -> Lines:
        """Which one, when, and how it was decided."""
        gate = self.standing(state)
        if gate is None:
            return [heading(self.look.glyphs.rule, "", "Decision point", [], width), ()]
        late: Role = "warn" if gate.state in ("due", "overdue") else "dim"
        lines = [heading(self.look.glyphs.rule, "", gate.title, [put(when(gate, self.look.now), late)], width)]
        if gate.decision and gate.at is not None:
            said = f" decided {gate.decision} by {gate.by}, {stamp(gate.at)}{': ' + gate.note if gate.note else ''}"
            lines += wrap(said, width - 1, "strong", indent=1)
        return [*lines, ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """Criteria, waivers that were recorded, then the other gates."""
        gate = self.standing(state)
        if gate is None:
            return [Row(put(" no cutover is watched: there is no gate to decide", "dim"))]
        made: list[Row] = []
        for one in gate.waivers:
            text = f"waived {words(one.criterion)}: {one.reason} ({one.names})"
            made += [Row(line) for line in wrap(text, width - 2, "info", indent=1)]
        if gate.state != "go":
            made += [row for one in gate.criteria for row in self._criterion(one, width)]
        made += [Row(()), Row(put(" Decision points", "title"))]
        others = [(one, summary_line(one, self.look.now)) for one in state.gates]
        return made + [
            Row(put(f" {text}", "text" if one.id == self.gate else "dim"), PREFIX + one.id) for one, text in others
        ]

    def _criterion(self, one: Criterion, width: int) -> list[Row]:
        waiver = self.waivers.get(one.id)
        status = "waived" if waiver else "met so far" if one.so_far and one.status == "met" else one.status
        head = join(" ", fit(put(status, _ROLES[status]), 11), put(one.title, "text"))
        seen = f"{one.evidence} ({ago(one.at, self.look.now)})" if one.at is not None else one.evidence
        rows = [Row(head, one.id), *(Row(line, one.id) for line in wrap(seen, width - 2, "dim", indent=12))]
        if waiver is not None:
            rows += [Row(line, one.id) for line in wrap(f"{waiver.second}: {waiver.reason}", width - 2, "info", 12)]
        return rows

    def why(self) -> None:
        """Another gate, when one is under the cursor."""
        item = self.item_in_hand() or ""
        if item.startswith(PREFIX):
            self.gate, self.waivers, self.cursor = item.removeprefix(PREFIX), {}, 0
            self.redraw()

    def footing(self, state: State, width: int) -> Lines:
        """What a no-go means."""
        gate = self.standing(state)
        return [(), put(f" otherwise: {gate.otherwise}", "dim")] if gate is not None and gate.state != "go" else []

    def waive(self, criterion: str, text: str) -> None:
        """Note a waiver for the go: ``NAME: reason``."""
        second, colon, reason = text.partition(":")
        if not colon or not second.strip() or not reason.strip():
            self.console_app.say("not noted: a name, a colon, a reason", "warn")
            return
        self.waivers[criterion] = Waiver(criterion, reason.strip(), "", second.strip())
        self.console_app.say(f"noted, to be recorded with the go: {words(criterion)} waived", "info")

    def hints(self) -> Line:
        """What the keys do here."""
        hint = [("gate.go", "go"), ("gate.no-go", "no-go"), ("gate.waive", "waive a criterion")]
        hint += [("back", "back"), ("rollback", "roll back")]
        return spaced(
            [join(put(key_of(command), "key"), put(f" {text}", "dim")) for command, text in hint if self.may(command)]
        )


def open_gate(app: ConsoleApp, gate: str | None = None) -> None:
    """The gate named, else the one that waits for a decision, else the next one ahead."""
    state = app.shown_state
    if state is None or not state.gates:
        app.say("no cutover is watched: there is no gate to decide", "warn")
        return
    wanted = gate or next((one.id for one in state.gates if one.state != "go"), state.gates[-1].id)
    if isinstance(app.screen, GateScreen):
        app.screen.gate, app.screen.waivers = wanted, {}
        app.screen.redraw()
    else:
        app.push_screen(GateScreen(wanted))


def decide(actions: Actions, state: State, screen: GateScreen, decision: str) -> Ask | str:
    """The form for go or no-go, or a sentence why there is none."""
    gate = screen.standing(state)
    if gate is None or gate.state == "go":
        return f"{gate.title} is decided already" if gate else "there is no gate to decide"
    if gate.state not in ("due", "overdue"):
        return f"{gate.title} is not due before {stamp(gate.due_at)}"
    waivers = tuple(screen.waivers.values()) if decision == "go" else ()
    against = [one.title for one in gate.against if one.id not in screen.waivers]
    if decision == "go" and against:
        otherwise = f"{key_of('gate.no-go')} is no-go, {key_of('gate.waive')} waives one with a second name"
        return f"cannot be passed: {', '.join(against)}; {otherwise}"
    met = sum(one.status == "met" for one in gate.criteria)
    facts = [("Gate", gate.title), ("Criteria", f"{met} of {len(gate.criteria)} met")]
    facts += [("Waived", f"{words(one.criterion)}, {one.second}: {one.reason}") for one in waivers]
    facts += [("Then", f"the watch goes on: {gate.otherwise}")] if decision == "no-go" else []
    return Ask(
        title=decision.upper(),
        facts=tuple(facts),
        label=f"Type  {decision}  to confirm; a note may follow it",
        required=True,
        answer=lambda text: actions.decide(gate.id, decision, text.partition(" ")[2].strip(), waivers),
        done=f"{gate.title}: {decision.upper()}",
        word=decision,
    )


def waive(state: State, screen: GateScreen) -> Ask | str:
    """The form for a waiver of the criterion under the cursor."""
    gate, item = screen.standing(state), screen.item_in_hand()
    one = next((one for one in gate.criteria if one.id == item), None) if gate is not None else None
    if gate is None or one is None or gate.state == "go":
        return "no criterion is under the cursor"
    if one.status == "met":
        return f"{one.title} is met: there is nothing to waive"
    return Ask(
        title="WAIVE",
        facts=(("Gate", gate.title), ("Criterion", f"{one.title}: {one.status}"), ("Evidence", one.evidence)),
        label=f"Name of the {gate.waiver_by}, who agrees to it, a colon, the reason",
        required=True,
        answer=lambda text: screen.waive(one.id, text),
        done="",
        local=True,
        enter="waives it when you decide",
    )
