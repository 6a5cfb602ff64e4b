"""A step as data: what it does, how that is checked, how it is undone, and how to find out whether it happened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.config.console import PhaseBudgets
from engine.errors import OpsError
from engine.operations.work import Work


class StepFailed(OpsError):
    """A step could not do, or could not verify, what its name says."""


class Kept(str):
    """What an undo says that had nothing to put back: what the step did stays."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step reached: a line for people, and warnings by the name of their check."""

    detail: str
    warnings: tuple[tuple[str, str], ...] = ()
    skipped: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of an operation.

    ``do`` acts and may be called again after a crash; ``verify`` raises StepFailed unless the effect is there;
    ``probe`` answers "has my effect already happened?" without acting; ``undo`` puts back what ``do`` changed
    and may be called when ``do`` got nowhere. A step without ``undo`` changes nothing that matters.
    """

    name: str
    title: str
    phase: str
    do: Callable[[Work], Outcome]
    budget: Callable[[PhaseBudgets], float]
    """Longest time (s) of the phase it belongs to, from the configuration."""
    verify: Callable[[Work], None] | None = None
    probe: Callable[[Work], bool] | None = None
    undo: Callable[[Work], str] | None = None
    no_return: bool = False
    """From this step's intent on, the operation is not undone any more: a person decides."""
