"""An operation as folded from its journal, its states and which may follow which."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from engine.errors import Refused

Kind = Literal["validate", "cutover", "rollback"]
OperationState = Literal[
    "PLANNED",
    "RUNNING",
    "HOLDING",
    "ABORTING",
    "SUCCEEDED",
    "ABORTED",
    "ROLLED_BACK",
    "INTERRUPTED",
    "NEEDS_HUMAN",
]
HOLD_STEP = "wait_for_go"
HOLDS = "holds before phase 3, waits for go"
"""What a held cutover does: title of its step, and word of the lock's holder."""
CLOSED_BY_HAND = "closed by hand"
"""How the failure text of an operation begins that a person has closed."""
StepState = Literal["waiting", "running", "done", "failed", "aborted", "undone", "skipped"]
"""``aborted``: a person's word ended the operation in it; it may have acted."""

ENDED: frozenset[OperationState] = frozenset({"SUCCEEDED", "ABORTED", "ROLLED_BACK"})
"""Nothing more is to be done about it."""
OPEN: frozenset[OperationState] = frozenset({"INTERRUPTED", "NEEDS_HUMAN"})
"""Stopped half-way: resume it, roll back, or resolve it, before another cutover may begin."""

TRANSITIONS: dict[OperationState, frozenset[OperationState]] = {
    "PLANNED": frozenset({"RUNNING", "ABORTED", "INTERRUPTED"}),
    "RUNNING": frozenset({"HOLDING", "ABORTING", "SUCCEEDED", "ABORTED", "INTERRUPTED", "NEEDS_HUMAN"}),
    "HOLDING": frozenset({"RUNNING", "ABORTING", "INTERRUPTED"}),
    "ABORTING": frozenset({"ABORTED", "INTERRUPTED", "NEEDS_HUMAN"}),
    "INTERRUPTED": frozenset({"RUNNING", "ABORTING", "SUCCEEDED", "ABORTED", "ROLLED_BACK", "NEEDS_HUMAN"}),
    "NEEDS_HUMAN": frozenset({"RUNNING", "ABORTING", "SUCCEEDED", "ABORTED", "ROLLED_BACK", "INTERRUPTED"}),
    "SUCCEEDED": frozenset(),
    "ABORTED": frozenset(),
    "ROLLED_BACK": frozenset(),
}


class OperationStep(msgspec.Struct, frozen=True):
    """One step: ``seconds`` is how long it took, or None while it has not ended."""

    name: str
    title: str
    phase: str
    state: StepState
    seconds: float | None
    detail: str
    percent: float | None = None
    """How far it is, where it tells; None otherwise."""


class Operation(msgspec.Struct, frozen=True):
    """One operation at the moment its journal was read."""

    id: str
    kind: str
    state: OperationState
    release_from: str
    release_to: str
    steps: tuple[OperationStep, ...]
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    """From acceptance to the end, or to the newest record while it runs."""
    actor: str
    origin: str
    reason: str
    pid: int | None
    alive: bool
    failure: str
    past_no_return: bool
    """True once the new release may have been started."""
    offers: tuple[str, ...]
    """What a person can do now, in words; the first is the way back where it is open."""
    warnings: tuple[str, ...]
    output: tuple[str, ...]
    snapshot: str | None
    """The snapshot it took last (cutover) or restores (rollback)."""
    lock_lost_to: str
    """Who held the lock when this one was turned away; empty otherwise."""
    by_hand: str = ""
    """What was found when a person closed it by hand; empty otherwise. Its state is then that person's word."""
    version: int = 1
    """The newest version of a record in its journal."""
    unattended: float = 0.0
    """Of ``seconds``: from the death of a worker to the next one that went on with it."""

    @property
    def open(self) -> bool:
        """Whether a person has to decide about it before another cutover."""
        return self.kind != "validate" and self.state in OPEN

    @property
    def running(self) -> bool:
        """Whether a worker is at it now."""
        return self.alive and self.state in ("PLANNED", "RUNNING", "HOLDING", "ABORTING")


def state_in_words(state: str) -> str:
    """A state for people; in JSON and journals it stays as it is."""
    return "NEEDS YOU" if state == "NEEDS_HUMAN" else state.replace("_", " ")


def must_be_open(operation: Operation, mode: str) -> None:
    """Refused unless the operation stopped half-way and may be gone on with (``resume``) or undone (``abort``)."""
    if operation.kind == "validate":
        how = f"abaco-ops history {operation.id}" if mode == "abort" else "start another: abaco-ops validate"
        raise Refused(f"{operation.id} is a validation and changes nothing: nothing to {mode}", how)
    if not operation.open:
        raise Refused(
            f"{operation.id} is {state_in_words(operation.state)}: nothing to {mode}",
            f"abaco-ops history {operation.id}",
        )
    if mode == "abort" and operation.kind == "rollback":
        raise Refused(
            f"{operation.id} cannot be aborted: half a rollback helps nobody",
            "let it end, or resume it; if its worker hangs: abaco-ops rollback --force",
        )
    if mode == "abort" and operation.past_no_return:
        raise Refused(f"{operation.id} cannot be aborted: {operation.release_to} may have run", "abaco-ops rollback")
