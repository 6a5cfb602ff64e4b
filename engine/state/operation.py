"""One operation as console, ``status --json`` and reports show it: folded from its journal."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

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
StepState = Literal["waiting", "running", "done", "failed", "aborted", "undone", "skipped"]


class StepView(msgspec.Struct, frozen=True):
    """One step of an operation."""

    name: str
    title: str
    phase: str
    state: StepState
    seconds: float | None
    detail: str
    percent: float | None = None
    """How far it is, where it tells; None otherwise."""


class OperationView(msgspec.Struct, frozen=True):
    """One operation, folded from its journal."""

    id: str
    kind: str
    state: OperationState
    release_from: str
    release_to: str
    steps: tuple[StepView, ...]
    started: datetime | None
    ended: datetime | None
    seconds: float | None
    actor: str
    origin: str
    reason: str
    pid: int | None
    alive: bool
    failure: str
    past_no_return: bool
    offers: tuple[str, ...]
    """What a person can do now, in words; the first is the way back where it is open."""
    warnings: tuple[str, ...]
    output: tuple[str, ...]
    by_hand: str = ""
    """What was found when a person closed it; its state is then that person's word. Empty otherwise."""
