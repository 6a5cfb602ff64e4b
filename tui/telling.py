"""Pages of text made from the state: the status update for the team, and everything a plan knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.state.model import State
from tui.commands.command import key_of
from tui.lines import Role
from tui.look import Look
from tui.words import amount, seconds, stamp

if TYPE_CHECKING:
    from engine.operations.plan import Plan, PlannedStep
    from engine.state.operation import OperationView, StepView

_HASH = 12
"""Digits of a hash that tell two builds apart on a screen."""


def update(state: State, look: Look) -> list[str]:
    """The status update: plain lines, ready to be pasted."""
    from engine.state.update import update_lines

    return update_lines(state, look.now)


def operation_news(before: State, after: State, own: str) -> tuple[str, Role] | None:
    """What to say when an operation began or ended between two states. ``own``: the one this console started."""
    from engine.operations.outcome import outcome_words, well

    was, now = before.operation, after.operation
    if now is not None and now.started is None:
        return None  # its worker may refuse it yet
    if now is not None and now.kind != "validate" and now.id != own and (was is None or was.id != now.id):
        return f"{now.id} runs, started by {now.actor}: {key_of('view.operation')} shows it", "info"
    if now is not None and was is not None and now.state == "HOLDING" != was.state:
        then = f"{key_of('view.operation')}, then {key_of('go.here')}"
        return f"{now.id} holds before the switch and waits for a go: {then}", "info"
    ended = after.last_operation
    if ended is None or was is None or was.id != ended.id or was.ended == ended.ended or ended.kind == "validate":
        return None
    live = f"{after.release.upper()} is live" if after.release else "no release is live"
    return f"{ended.id} {outcome_words(ended)}: {live}", "strong" if well(ended) else "crit"


def validation_news(before: State, after: State) -> tuple[str, Role] | None:
    """What to say when a validation ended between two states."""
    if before.checks.observed_at == after.checks.observed_at:
        return None
    passed = sum(check.status == "PASS" for check in after.checks.checks)
    words = f"validation {after.checks.status}: {passed} of {len(after.checks.checks)} checks PASS"
    return words, "text" if after.checks.status == "PASS" else "crit"


def step_facts(operation: OperationView, step: StepView) -> list[tuple[str, str]]:
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
