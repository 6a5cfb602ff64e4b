"""What a person can do about an operation that stopped half-way, and what each of it would do; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from engine.operations.model import Operation

ChoiceKey = Literal["resume", "rollback", "abort", "resolve", "leave"]
_NAMED = 3


class Choice(msgspec.Struct, frozen=True):
    """One way on."""

    key: ChoiceKey
    name: str
    command: str
    does: str
    """In plain sentences: what it finds done, what it does, the metrics, which release runs at the end."""
    ends: str
    """The release that runs at the end; empty where it stays as it is."""


class WaysOn(msgspec.Struct, frozen=True):
    """What was found, and every way on."""

    found: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found when somebody looked; nothing was changed for it."""

    found: str
    """What is live, in one line."""
    agree: bool
    """Whether configuration and metrics are of one release."""
    running: tuple[str, ...]
    """The releases whose service runs."""
    new_started: bool
    """Whether the new release may have started since the old one was last in charge."""
    undoing: bool = False
    """Whether it stopped while it was undoing what it had done."""
    gone: frozenset[str] = frozenset()
    """Steps that were done, and whose effect is not there any more."""
    there: frozenset[str] = frozenset()
    """Steps that had begun, left no word, and whose effect is there."""
    unsure: frozenset[str] = frozenset()
    """Steps that could not be looked at in time."""
    undoes: tuple[str, ...] = ()
    """Titles of the steps that an abort undoes, in that order."""


def prospects(operation: Operation, seen: Seen) -> tuple[Choice, ...]:
    """The ways on, the way back first as in its offers, leaving it last; none unless it stopped half-way."""
    if not operation.open:
        return ()
    last = (_resolve(operation, seen), _leave(operation, seen))
    if operation.kind == "rollback":
        return (_rollback_goes_on(operation, seen), *last)
    back = _rollback(operation, seen) if operation.past_no_return or seen.new_started else _abort(operation, seen)
    return (back, _resume(operation, seen), *last)


def lines(choices: Sequence[Choice]) -> list[str]:
    """The ways on for a plain terminal."""
    told = ["  what you can do now:"]
    for choice in choices:
        told += [f"    {choice.name:<10} {choice.command or '(nothing to type)'}", f"    {'':<10}   {choice.does}"]
    return told


def _resume(operation: Operation, seen: Seen) -> Choice:
    if seen.undoing:
        name, ends = "undo on", operation.release_from
        does = f"{_undone(operation, seen)} It was undoing itself already, and goes on with that."
    else:
        name, ends = "resume", operation.release_to
        metrics = f"{ends} goes on publishing." if seen.new_started else f"No metric changes before {ends} publishes."
        does = f"{ends} runs at the end. {_steps(operation, seen)} {metrics}"
    return Choice("resume", name, f"abaco-ops resume {operation.id}", does, ends)


def _abort(operation: Operation, seen: Seen) -> Choice:
    return Choice("abort", "abort", f"abaco-ops abort {operation.id}", _undone(operation, seen), operation.release_from)


def _rollback(operation: Operation, seen: Seen) -> Choice:
    old, new = operation.release_from, operation.release_to
    if not seen.new_started:
        does = f"{old} runs at the end, with its configuration. Metrics are not touched, nothing is lost."
    else:
        which = f" of snapshot {operation.snapshot}" if operation.snapshot else " of the newest good snapshot"
        does = (
            f"{old} runs at the end, with configuration and metrics{which}. {new} is stopped first; what it "
            f"published is set aside, nothing is lost."
        )
    return Choice("rollback", "roll back", "abaco-ops rollback", does, old)


def _rollback_goes_on(operation: Operation, seen: Seen) -> Choice:
    old, new = operation.release_to, operation.release_from
    if seen.new_started:
        metrics = f"Metrics are those of the snapshot then; what {new} published is set aside, nothing is lost."
    else:
        metrics = "Metrics are not touched."
    does = f"{old} runs at the end: this rollback goes on. {_steps(operation, seen)} {metrics}"
    return Choice("rollback", "roll back", "abaco-ops rollback", does, old)


def _resolve(operation: Operation, seen: Seen) -> Choice:
    if seen.agree:
        does = "Closes the record of what you have put right by hand, with what is found, and changes nothing else."
    else:
        does = "Refused now, unless forced: configuration and metrics differ. It puts nothing right by itself."
    return Choice("resolve", "resolve", f"abaco-ops resolve {operation.id} --reason TEXT", does, "")


def _leave(operation: Operation, seen: Seen) -> Choice:
    stays = f"{' and '.join(seen.running)} runs" if seen.running else "no release runs"
    does = f"Nothing happens: it stays open, no cutover may begin, services stay as they are ({stays})."
    return Choice("leave", "leave it", "", does, "")


def _steps(operation: Operation, seen: Seen) -> str:
    """``Finds 9 of 17 steps done; then: a, b, c and 5 more.``"""
    found = [step for step in operation.steps if _found(step.name, step.state, seen)]
    names = {step.name for step in found}
    ahead = [step.title for step in operation.steps if step.name not in names]
    again = [step.title for step in operation.steps if step.name in seen.gone]
    unsure = [step.title for step in operation.steps if step.name in seen.unsure]
    told = f"Finds {len(found)} of {len(operation.steps)} steps done"
    told += f"; then: {_named(ahead)}." if ahead else "; nothing is left to do but to say so."
    if again:
        told += f" Done again, as it stands no longer: {_named(again)}."
    if unsure:
        told += f" Looked at once more first: {_named(unsure)}."
    return told


def _found(name: str, state: str, seen: Seen) -> bool:
    """As the worker will judge it: what was done counts while it still is, what was begun if it is there."""
    if state in ("done", "skipped"):
        return name not in seen.gone
    return state in ("running", "failed", "aborted") and name in seen.there


def _undone(operation: Operation, seen: Seen) -> str:
    old = operation.release_from
    undoes = f"Undoes: {_named(seen.undoes)}." if seen.undoes else "Nothing has to be undone."
    return f"{old} runs at the end, with its configuration. {undoes} Metrics are not touched, nothing is lost."


def _named(titles: Sequence[str]) -> str:
    more = f" and {len(titles) - _NAMED} more" if len(titles) > _NAMED else ""
    return "; ".join(titles[:_NAMED]) + more
