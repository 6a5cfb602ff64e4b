"""What a plan rests on, as far as the state shows it: when that changes, the facts of an open sheet are of the past."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from engine.operations.model import Operation, state_in_words
from engine.operations.plan import Evidence
from engine.state.model import State
from tui.commands.command import key_of
from tui.lines import Line, Lines, fit, join, put
from tui.words import age, clock

_RUNS = ("RUNNING", "HOLDING", "ABORTING")


@dataclass(frozen=True, slots=True)
class Grounds:
    """Of two that differ, the plan made on the first says nothing about the second."""

    release: str | None
    configurations: tuple[str, ...]
    active: str
    """The active configuration, by its hash."""
    operation: tuple[str, str, bool] | None
    """The one that runs or waits: id, state, whether it is past the point of no return."""
    ended: tuple[str, str] | None
    holder: str


def grounds_of(state: State) -> Grounds:
    """The grounds of a plan that would be made now; a validation changes none of them."""
    now, last = acting(state), state.last_operation
    return Grounds(
        state.release,
        tuple(release.config_hash for release in state.releases),
        state.active_hash,
        (now.id, now.state, now.past_no_return) if now is not None else None,
        (last.id, last.state) if last is not None else None,
        state.holder.operation if state.holder is not None else "",
    )


def acting(state: State) -> Operation | None:
    """The cutover or rollback that runs or waits for a person."""
    now = state.operation
    return now if now is not None and now.kind != "validate" and now.started is not None else None


def what_changed(before: Grounds, after: Grounds) -> str:
    """In words, what matters most of it."""
    was, now = before.operation, after.operation
    if after.ended is not None and after.ended != before.ended:
        return f"{after.ended[0]} ended: {state_in_words(after.ended[1])}"
    if now is not None and (was is None or now[0] != was[0]):
        return f"{now[0]} began"
    if now is not None and was is not None and now != was:
        passed = now[2] and not was[2] and now[1] == was[1]
        return f"{now[0]} is {'past the point of no return' if passed else state_in_words(now[1])}"
    if after.release != before.release:
        return f"{after.release.upper()} is live" if after.release else "no release is live"
    if after.configurations != before.configurations:
        return "a staged configuration is another one"
    if after.active != before.active:
        return "the active configuration is another one"
    return f"{after.holder} operates" if after.holder else "nobody operates any more"


def busy(state: State) -> Operation | None:
    """An operation that a worker is at: nothing else can be confirmed beside it, but what takes it over."""
    now = acting(state)
    return now if now is not None and now.alive and now.state in _RUNS else None


def doing(operation: Operation, now: datetime) -> str:
    """Who does what, for how long, how far: ``0005-rollback by K. Lee for 3s, 7/10: old release starts``."""
    over = sum(step.state in ("done", "skipped") for step in operation.steps)
    at = next((step.title for step in operation.steps if step.state == "running"), "")
    where = "holds before the switch" if operation.state == "HOLDING" else at or state_in_words(operation.state)
    spent = f" for {age((now - operation.started).total_seconds())}" if operation.started is not None else ""
    return f"{operation.id} by {operation.actor}{spent}, {over}/{len(operation.steps)}: {where}"


def lines(state: State, changed: str, now: datetime, width: int, *, looking: bool) -> Lines:
    """What stands over the facts of a sheet: who operates at this moment, and what changed since it was opened.

    ``looking``: the facts below are of before it.
    """
    runs = busy(state)
    told: Lines = [_row("Now", doing(runs, now), width)] if runs is not None else []
    label, words = ("Looking again", f"the facts are of before: {changed}") if looking else ("New facts", changed)
    return [*told, *([_row(label, words, width)] if changed else [])]


def not_said_live(evidence: tuple[Evidence, ...], state: State) -> tuple[Evidence, ...]:
    """The plan's evidence without who operates, where that stands over it as it is now."""
    return tuple(item for item in evidence if item.name != "operates" or busy(state) is None)


def seen(what: str, at: datetime) -> str:
    """A change with the time at which it was seen."""
    return f"{clock(at)} {what}"


def watch_it() -> str:
    """Where a running operation is seen."""
    return f"{key_of('back')}, then {key_of('view.operation')} shows it; this sheet follows its end"


def _row(label: str, text: str, width: int) -> Line:
    return fit(join(fit(put(f" {label}", "warn"), 15), put(text, "warn")), width)
