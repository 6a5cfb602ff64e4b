"""How an operation that has come to rest is told to a script."""

from __future__ import annotations

from engine.errors import DONE, FAILED_AND_BACK, NEEDS_HUMAN
from engine.operations.model import Operation, OperationState


def exit_code(state: OperationState) -> int:
    """0 done; 3 failed, or aborted, and everything is as before; 4 a person is needed."""
    if state == "SUCCEEDED":
        return DONE
    return FAILED_AND_BACK if state == "ABORTED" else NEEDS_HUMAN


def state_word(operation: Operation) -> str:
    """The state for people: one that was closed by hand has not simply succeeded or been aborted."""
    if operation.by_hand:
        return "BY HAND"
    return "NEEDS YOU" if operation.state == "NEEDS_HUMAN" else operation.state


def as_json(operation: Operation) -> dict[str, object]:
    """The form that ``cutover``, ``rollback`` and ``history`` print with ``--json``."""
    return {
        "operation": operation.id,
        "kind": operation.kind,
        "state": operation.state,
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
            }
            for step in operation.steps
        ],
    }
