"""The small forms of the watch, made from what is under the cursor. Each gives an Ask, or a sentence why not."""

from __future__ import annotations

from collections.abc import Callable

from engine.config.quantities import Duration
from engine.drills.faults import FAULTS
from engine.errors import Refused
from engine.monitoring.at_hand import cannot_be_confirmed
from engine.monitoring.model import ChecklistItem
from engine.operations.model import state_in_words
from engine.operations.prospects import Choice, WaysOn
from engine.state.alerts import attention
from engine.state.model import State
from tui.actions import Actions
from tui.calling import leading
from tui.commands.command import key_of
from tui.sheets.form import Ask

ALL = "--all"
"""Before the words of an acknowledgement: of every open alert, as on the command line."""


def item_of(state: State, key: str | None) -> ChecklistItem | None:
    """The checklist item with this key."""
    return next((item for item in state.checklist.items if item.key == key), None)


def _facts(item: ChecklistItem) -> tuple[tuple[str, str], ...]:
    measured = item.measured or "nothing: a person has to look"
    return (("Item", f"{item.slot}  {item.title}"), ("Measured", measured), ("State", item.state))


def _by_criteria() -> str:
    return f"decided by its criteria: {key_of('why')} shows them"


def tick(actions: Actions, state: State, key: str | None) -> Ask | str:
    """Confirm a checklist item."""
    item = item_of(state, key)
    if item is None:
        return f"no checklist item is under the cursor: {key_of('view.checklist')} shows them"
    if item.state == "closed":
        return f"{item.title} is {item.note}"
    if item.state in ("done", "overridden"):
        return f"{item.title} is {item.state} already, by {item.who}"
    if item.gate:
        return f"{item.title} is {_by_criteria()}"
    against = cannot_be_confirmed(item.state, item.measured, item.measured_ok)
    if against:
        return f"{item.title} {against}; {key_of('checklist.override')} overrides it with a reason"
    return Ask(
        title="CONFIRM",
        facts=_facts(item),
        label="Note",
        required=False,
        answer=lambda text: actions.tick(item.key, item.measured, text),
        done=f"confirmed: {item.slot} {item.title}",
    )


def override(actions: Actions, state: State, key: str | None) -> Ask | str:
    """Answer a checklist item against its measurement."""
    item = item_of(state, key)
    if item is None:
        return f"no checklist item is under the cursor: {key_of('view.checklist')} shows them"
    if item.gate or item.state == "closed":
        return f"{item.title} is {_by_criteria() if item.gate else item.note}"
    return Ask(
        title="OVERRIDE",
        facts=_facts(item),
        label="Reason",
        required=True,
        answer=lambda text: actions.override(item.key, text),
        done=f"overridden: {item.slot} {item.title}",
    )


def acknowledge(actions: Actions, state: State, condition: str | None) -> Ask | str:
    """Take the alert named, else the newest that nobody has taken."""
    untaken = [alert for alert in state.alerts if alert.acknowledged_by is None]
    chosen = next((alert for alert in untaken if alert.condition == condition), None) or next(iter(untaken), None)
    if chosen is None:
        return "no alert waits to be acknowledged"
    others = [alert.condition for alert in untaken if alert is not chosen]
    every = [chosen.condition, *others]
    return Ask(
        title="ACKNOWLEDGE",
        facts=(
            ("Alert", chosen.text),
            *((("Told", attention(chosen)),) if chosen.told else ()),
            *((("Also open", f"{', '.join(others)}; begin with {ALL} to take all {len(every)}"),) if others else ()),
            ("May begin with", "2h: it goes up again after that; @NAME: who does it, when it is not you"),
        ),
        label="What you do about it",
        required=False,
        answer=lambda text: _take_some(actions, chosen.condition, every, text),
        done=f"acknowledged: {chosen.condition}",
    )


def _take_some(actions: Actions, condition: str, every: list[str], text: str) -> str:
    """ALL first: every alert that nobody had taken when it was asked; else the one. What was done, where it is more."""
    if text.split()[:1] != [ALL]:
        _take(actions, condition, text)
        return ""
    words = text.split(maxsplit=1)[1:]
    if not words:
        raise Refused("to take all alerts at once needs a reason", f"{ALL} and what you do about it")
    for name in every:
        _take(actions, name, words[0])
    return f"acknowledged: {', '.join(every)}"


def _take(actions: Actions, condition: str, text: str) -> None:
    """``2h @K.Lee looking at the heap``: how long, who, why; each may be left out."""
    words, lasts, owner = text.split(), None, ""
    while words:
        if words[0].startswith("@") and not owner:
            owner = words.pop(0)[1:]
        elif words[0][0].isdigit() and lasts is None and (seconds := _lasting(words[0])) is not None:
            lasts = seconds
            words.pop(0)
        else:
            break
    actions.acknowledge(condition, " ".join(words), owner=owner, lasts=lasts)


def _lasting(word: str) -> float | None:
    try:
        return float(Duration.parse(word))
    except ValueError:
        return None


def silence(actions: Actions, state: State, condition: str | None) -> Ask | str:
    """Page nobody about the alert named, else the heaviest, for a while."""
    named = next((alert.condition for alert in state.alerts if alert.condition == condition), None)
    first = leading(state) or next(iter(state.alerts), None)
    chosen = named or (first.condition if first is not None else None)
    if chosen is None:
        return "no alert stands: abaco-ops silence CONDITION silences one beforehand"

    def write(text: str) -> None:
        word, _, reason = text.strip().partition(" ")
        seconds = _lasting(word)
        if seconds is None or not reason.strip():
            raise Refused("how long comes first, then why, such as: 30m the proxy is being replaced")
        actions.silence(chosen, seconds, reason)

    return Ask(
        title="SILENCE",
        facts=(
            ("Condition", chosen),
            ("Does", "pages nobody about it until then; verdict and records go on"),
            ("Such as", "30m the proxy is being replaced"),
        ),
        label="How long, and why",
        required=True,
        answer=write,
        done=f"silenced: {chosen}",
    )


def search(find: Callable[[str], None]) -> Ask:
    """What to search for in the view in front."""
    return Ask("SEARCH", (), "Text", False, find, "", local=True, enter="searches")


def pasted(actions: Actions) -> Ask:
    """That the status update was pasted by hand, where no channel carries it: nobody else can know."""
    return Ask(
        title="STATUS UPDATE",
        facts=(
            ("Channels", "none is configured for updates: nothing is sent from here"),
            (
                "Text",
                f"{key_of('back')}, then {key_of('update')} shows and copies it, for where the team reads",
            ),
            ("Does", "records that you have pasted it; when the next one is due is counted from now"),
        ),
        label="Type  pasted  when you have pasted it",
        required=True,
        answer=lambda _text: actions.send_update(),
        done="recorded as pasted by you",
        word="pasted",
    )


def send_update(actions: Actions, channels: tuple[str, ...], words: list[str]) -> Ask:
    """That the status update goes out, through these channels: people read it."""
    return Ask(
        title="STATUS UPDATE",
        facts=(
            ("Channels", ", ".join(channels)),
            *(("Text" if not number else "", line) for number, line in enumerate(words)),
        ),
        label="Type  send  to send it",
        required=True,
        answer=lambda _text: actions.send_update(),
        done="sent",
        word="send",
    )


def note(actions: Actions) -> Ask:
    """A note for the audit trail."""
    return Ask("NOTE", (), "Note", True, actions.note, "noted")


def go(actions: Actions, state: State) -> Ask | str:
    """Tell the cutover that holds to go on with the switch."""
    operation = state.operation
    if operation is None or operation.state != "HOLDING":
        return "no cutover holds: nothing waits for a go"
    identity = operation.id
    return Ask(
        title="GO",
        facts=(
            ("Operation", f"{identity} by {operation.actor}, holds before phase 3: {operation.reason}"),
            (
                "Does",
                f"looks that nothing has changed, then {operation.release_from} stops, {operation.release_to} starts",
            ),
            ("Way back", f"{key_of('rollback')}, {operation.release_from}, Enter; at any time"),
        ),
        label="Type  go  to confirm; a reason may follow it",
        required=True,
        answer=lambda text: actions.go(identity, text.partition(" ")[2].strip()),
        done=f"{identity} has taken the go",
        word="go",
    )


def abort(actions: Actions, state: State) -> Ask | str:
    """Stop the running operation, or take up one that stopped half-way, and undo it."""
    operation = state.operation
    if operation is None:
        return "no operation is running"
    identity = operation.id
    return Ask(
        title="ABORT",
        facts=(
            ("Operation", f"{identity}, {state_in_words(operation.state)}"),
            ("Does", "stops it and undoes what it did; after the point of no return: roll back instead"),
        ),
        label="Type  abort  to confirm",
        required=True,
        answer=lambda _text: actions.abort(identity),
        done=f"{identity} was asked to abort, and has taken it",
        word="abort",
    )


def resume(actions: Actions, operation: str, choice: Choice) -> Ask:
    """Go on with an operation that stopped half-way."""
    return Ask(
        title="RESUME",
        facts=(("Operation", operation), ("Does", choice.does)),
        label="Type  resume  to confirm",
        required=True,
        answer=lambda _text: actions.resume(operation),
        done=f"{operation} goes on",
        word="resume",
    )


def resolve(actions: Actions, operation: str, ways: WaysOn, choice: Choice) -> Ask:
    """Close an operation that was put right by hand, with a reason."""
    return Ask(
        title="RESOLVE",
        facts=(("Operation", operation), ("Found", ways.found), ("Does", choice.does)),
        label="Reason",
        required=True,
        answer=lambda text: actions.resolve(operation, text),
        done=f"{operation} is closed",
    )


def drill(actions: Actions, state: State) -> Ask | str:
    """Which fault the demo's pipeline is to have."""
    if not state.demo:
        return "this is no demo: a drill would break a real deployment"
    if state.drill is not None:
        return f"the drill {state.drill.drill} runs: end it first"
    facts = tuple((fault.name, f"{fault.does}: {fault.expects[-1].verdict}") for fault in FAULTS.values())
    return Ask("DRILL", facts, "Fault", True, actions.drill, "the drill has begun")
