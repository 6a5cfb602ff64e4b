"""How an operation that has come to rest is told to a script."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from engine.errors import DONE, FAILED_AND_BACK, NEEDS_HUMAN
from engine.operations.model import Operation, OperationState, state_in_words

VALIDATION_SAYS = "validation says"
"""How the failure text of a validation begins that has run to its end and found something."""

STOPPED_BY = "stopped by"
"""How the failure text of a validation begins that a person has stopped: it has judged nothing."""


class Rested(Protocol):
    """What tells how an operation came out: the operation itself, or the screen's view of it."""

    @property
    def kind(self) -> str:
        """Validate, cutover or rollback."""

    @property
    def state(self) -> OperationState:
        """As the journal has it."""

    @property
    def seconds(self) -> float | None:
        """From acceptance to its own end."""

    @property
    def ended(self) -> datetime | None:
        """When it ended, or was closed."""

    @property
    def failure(self) -> str:
        """Why it failed; empty when it did not."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What it warned of."""

    @property
    def by_hand(self) -> str:
        """What was found when a person closed it; empty otherwise."""


def exit_code(state: OperationState) -> int:
    """0 done; 3 failed, or aborted, and everything is as before; 4 a person is needed."""
    if state == "SUCCEEDED":
        return DONE
    return FAILED_AND_BACK if state == "ABORTED" else NEEDS_HUMAN


def state_word(operation: Rested) -> str:
    """How it came out, for people: one that a person closed has neither succeeded nor been aborted, and a validation
    that ran to its end is what it found.
    """
    if operation.by_hand:
        return "CLOSED BY HAND"
    if operation.kind == "validate" and operation.state == "SUCCEEDED":
        return _found(operation)
    if operation.kind == "validate" and operation.state == "ABORTED" and operation.failure.startswith(STOPPED_BY):
        return "STOPPED"
    return state_in_words(operation.state)


def well(operation: Rested) -> bool:
    """Whether it came out as it should, by its own doing."""
    return operation.state == "SUCCEEDED" and state_word(operation) in ("SUCCEEDED", "PASS", "WARN")


def closed_later(operation: Rested) -> bool:
    """Whether it stopped first, and somebody else closed it afterwards: a person, or a rollback."""
    return bool(operation.by_hand) or operation.state == "ROLLED_BACK"


def outcome_words(operation: Rested) -> str:
    """``SUCCEEDED after 4.1 s``; the two times of one that was closed later stand apart."""
    word = state_word(operation)
    spent = f" after {operation.seconds:.1f} s" if operation.seconds is not None else ""
    if not closed_later(operation):
        return f"{word}{spent}"
    at = f" at {operation.ended:%H:%M:%SZ}" if operation.ended is not None else ""
    return f"stopped{spent}, {word}{at}"


def _found(validation: Rested) -> str:
    if validation.failure.startswith(VALIDATION_SAYS):
        return validation.failure.removeprefix(VALIDATION_SAYS).partition(":")[0].strip()
    return "WARN" if validation.warnings else "PASS"


def as_json(operation: Operation) -> dict[str, object]:
    """The form that ``cutover``, ``rollback`` and ``history`` print with ``--json``."""
    return {
        "operation": operation.id,
        "kind": operation.kind,
        "state": operation.state,
        "outcome": state_word(operation),
        "seconds": operation.seconds,
        "from": operation.release_from,
        "to": operation.release_to,
        "started": operation.started,
        "ended": operation.ended,
        "actor": operation.actor,
        "origin": operation.origin,
        "reason": operation.reason,
        "snapshot": operation.snapshot,
        "failure": operation.failure or None,
        "closed_by_hand": operation.by_hand or None,
        "past_no_return": operation.past_no_return,
        "warnings": list(operation.warnings),
        "offers": list(operation.offers),
        "steps": [
            {
                "name": step.name,
                "title": step.title,
                "phase": step.phase,
                "state": step.state,
                "seconds": step.seconds,
                "detail": step.detail,
                **({"percent": step.percent} if step.percent is not None else {}),
            }
            for step in operation.steps
        ],
    }
