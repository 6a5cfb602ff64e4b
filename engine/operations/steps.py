"""What the worker of an operation runs, by the kind of its plan."""

from __future__ import annotations

from engine.operations import cutover, rollback
from engine.operations.order import arranged
from engine.operations.plan import Plan
from engine.operations.step import Step


def steps_of(plan: Plan) -> tuple[Step, ...]:
    """A pure function of the sealed plan, so every worker of an operation runs the same; none for a validation."""
    return arranged({"cutover": cutover.STEPS, "rollback": rollback.STEPS}.get(plan.kind, ()), plan)
