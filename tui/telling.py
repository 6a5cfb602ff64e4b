"""Pages of text made from the state: the status update for the team, and everything a plan knows."""

from __future__ import annotations

from engine.operations.plan import Plan
from engine.state.model import State
from tui.look import Look
from tui.words import ago, amount, clock, due_in, number, seconds, since_cutover, stamp


def update(state: State, look: Look) -> list[str]:
    """The status update: plain lines, ready to be pasted."""
    release = state.release.upper() if state.release else "no release"
    when = f", {since_cutover(state.cutover_at, look.now)}" if state.cutover_at else f", {state.phase}"
    lines = [f"{state.title} {state.environment}, {clock(look.now)}: {state.verdict.word}. {release} live{when}."]
    lines.append(f"Why: {state.verdict.why}" + (f"; {state.verdict.clears}" if state.verdict.clears else ""))
    shown = [f"{kpi.title} {number(kpi.value, kpi.decimals)}" for kpi in state.kpis if kpi.value is not None]
    lines.append("KPIs: " + (", ".join(shown) or "none"))
    lines.append("Resources: " + ", ".join(f"{gauge.label} {gauge.text}" for gauge in state.resources if gauge.text))
    lines.append(f"Validation: {state.checks.status}, {ago(state.checks.observed_at, look.now)}")
    way = state.way_back
    lines.append(f"Way back: {way.release}, {'ready, ' + seconds(way.seconds) if way.ready else way.reason}")
    if state.next_gate is not None:
        fails = ", ".join(state.next_gate.would_fail_on) or "nothing"
        lines.append(f"Next: {state.next_gate.title} {due_in(state.next_gate.due_at, look.now)}, would fail on {fails}")
    if state.operation is not None:
        lines.append(f"Operation: {state.operation.id} {state.operation.state}")
    return lines


def plan_facts(plan: Plan) -> list[tuple[str, str]]:
    """Every fact of a plan, with its label."""
    facts = [
        ("from", f"{plan.release_from}, build {plan.build_from}"),
        ("to", f"{plan.release_to}, build {plan.build_to}"),
        ("configuration", f"{plan.config_now} to {plan.config_then}"),
    ]
    facts += [("key", f"{change.key}: {change.now} becomes {change.then}") for change in plan.changes]
    if plan.snapshot is not None:
        size = f"{plan.snapshot_files} files, {amount(plan.snapshot_bytes)}"
        facts.append(("snapshot", f"{plan.snapshot}, taken {stamp(plan.snapshot_at)}, {size}"))
    facts += [("not covered", path) for path in plan.not_covered]
    facts += [(item.mark, f"{item.name}: {item.text}") for item in plan.evidence]
    facts += [
        (f"step {number}", f"{step.title}{'   POINT OF NO RETURN' if step.no_return else ''}")
        for number, step in enumerate(plan.steps, 1)
    ]
    return facts
