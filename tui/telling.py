"""Pages of text made from the state: the status update for the team, and everything a plan knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.look import Look
from tui.words import amount, seconds, stamp

if TYPE_CHECKING:
    from engine.operations.model import Operation, OperationStep
    from engine.operations.plan import Plan, PlannedStep
    from engine.state.model import State

_HASH = 12
"""Digits of a hash that tell two builds apart on a screen."""


def update(state: State, look: Look) -> list[str]:
    """The status update: plain lines, ready to be pasted."""
    from engine.state.update import update_lines

    return update_lines(state, look.now)


def step_facts(operation: Operation, step: OperationStep) -> list[tuple[str, str]]:
    """Every fact of a step, and what it left in the output."""
    facts = [
        ("operation", f"{operation.id}, {operation.release_from} to {operation.release_to}"),
        ("phase", step.phase),
        ("step", f"{step.title} ({step.name})"),
        ("state", step.state + (f", {seconds(step.seconds)}" if step.seconds is not None else "")),
        ("found", step.detail or "nothing yet"),
    ]
    return facts + [("output", line) for line in operation.output if step.title in line]


def plan_facts(plan: Plan) -> list[tuple[str, str]]:
    """Every fact of a plan, with its label."""
    facts = [
        ("from", f"{plan.release_from}, build {plan.build_from[:_HASH]}"),
        ("to", f"{plan.release_to}, build {plan.build_to[:_HASH]}"),
        ("configuration", f"{plan.config_now[:_HASH]} to {plan.config_then[:_HASH]}"),
    ]
    facts += [("key", f"{change.key}: {change.now} becomes {change.then}") for change in plan.changes]
    if plan.snapshot is not None:
        size = f"{plan.snapshot_files} files, {amount(plan.snapshot_bytes)}"
        facts.append(("snapshot", f"{plan.snapshot}, taken {stamp(plan.snapshot_at)}, {size}"))
    facts += [("not covered", path) for path in plan.not_covered]
    facts += [(item.mark, f"{item.name}: {item.text}") for item in plan.evidence]
    facts += [(f"step {number}", f"{step.title}{_mark(step)}") for number, step in enumerate(plan.steps, 1)]
    return facts


def _mark(step: PlannedStep) -> str:
    if step.own:
        return f"   your own: {step.own}"
    return "   POINT OF NO RETURN" if step.no_return else ""
