"""The order of an operation's steps: those of abaco-ops, one's own at their places, and the hold of a cutover."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from engine.operations import own_steps
from engine.operations.holding import hold_step
from engine.operations.plan import OwnStep, Plan, PlannedStep
from engine.operations.step import Step

_HOLD_AFTER = 2
_UNDO_AFTER = 4
"""The phase of a rollback in which the old release starts: undone own steps find it running."""


def arranged(built_in: Sequence[Step], plan: Plan) -> tuple[Step, ...]:
    """The steps of ``plan.kind``, of which ``built_in`` are those of abaco-ops; a pure function."""
    mine = [own for own in plan.own_steps if own.operation == plan.kind]
    steps: list[Step] = []
    for phase, group in groupby(built_in, key=lambda step: step.phase):
        number = number_of(phase)
        steps += [own_steps.as_step(own, phase) for own in mine if own.before == number]
        steps += group
        steps += _added(plan, phase, number)
        steps += [own_steps.as_step(own, phase) for own in mine if own.after == number]
        if plan.hold and number == _HOLD_AFTER:
            steps.append(hold_step(phase))
    return tuple(steps)


def planned(steps: Iterable[Step], own: Sequence[OwnStep] = ()) -> tuple[PlannedStep, ...]:
    """The steps as plan, sheet and journal name them."""
    runs = {step.name: " ".join(step.do) for step in own}
    return tuple(
        PlannedStep(step.name, step.title, step.phase, step.no_return, runs.get(step.name, "")) for step in steps
    )


def number_of(phase: str) -> int:
    """``3 shutdown`` is 3."""
    return int(phase.partition(" ")[0])


def _added(plan: Plan, phase: str, number: int) -> list[Step]:
    if plan.kind == "cutover" and number == 0 and plan.own_steps:
        return [own_steps.check_step(plan.own_steps, phase)]
    if plan.kind == "rollback" and number == _UNDO_AFTER and plan.undoes:
        return [own_steps.undo_step(phase)]
    return []
