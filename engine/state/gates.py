"""The decision points as they stand: judged by the monitor, decided by people; as views and as plain lines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from engine.clock import pretty_duration
from engine.config import Deployment
from engine.monitoring.criteria import words
from engine.monitoring.facts import Decided
from engine.monitoring.gates import Course, courses
from engine.monitoring.model import Criterion, Evaluation
from engine.state.gate_standing import GateStanding


def gates_of(
    deployment: Deployment,
    since: datetime | None,
    now: datetime,
    decisions: Sequence[Decided],
    evaluation: Evaluation | None,
    *,
    stale: bool,
    unjudged: str = "",
) -> tuple[GateStanding, ...]:
    """Every decision point of the watch; none while no cutover is watched. ``unjudged``: why nothing is judged now."""
    if since is None:
        return ()
    scale = float(deployment.console.time_scale)
    judged = {gate.id: gate.criteria for gate in evaluation.gates} if evaluation else {}
    at = evaluation.at if evaluation else None
    found = courses(deployment.checklist, since, now, scale, decisions)
    role = deployment.checklist.waiver_by
    made = [_standing(course, judged, at, stale=stale, unjudged=unjudged if stale else "") for course in found]
    return tuple(msgspec.structs.replace(one, waiver_by=role) for one in made)


def _standing(
    course: Course, judged: Mapping[str, tuple[Criterion, ...]], at: datetime | None, *, stale: bool, unjudged: str
) -> GateStanding:
    point, decided = course.point, course.decided
    criteria = judged.get(point.id)
    if criteria is None or course.state == "go":
        why = "decided" if course.state == "go" else unjudged or "judged when its turn comes"
        criteria = tuple(Criterion(name, words(name), "unknown", why, None) for name in point.go_if)
    elif stale:
        criteria = tuple(
            msgspec.structs.replace(
                one, status="unknown", evidence=f"{unjudged or 'no fresh sample'}; it was {one.status}: {one.evidence}"
            )
            for one in criteria
        )
    base = GateStanding(point.id, point.title, course.due, course.state, criteria, at, stale, point.otherwise)
    if decided is None:
        return base
    return msgspec.structs.replace(
        base, decision=decided.decision, by=decided.by, at=decided.at, note=decided.note, waivers=decided.waivers
    )


def summary_line(gate: GateStanding, now: datetime) -> str:
    """One line: where it stands, and what it would fail on."""
    return f"{gate.id:<8} {gate.title:<12} {when(gate, now):<34} {_short(gate)}".rstrip()


def when(gate: GateStanding, now: datetime) -> str:
    """``due in 48m``, ``OVERDUE by 20m``, ``GO by A. Moreno 31 Jan 10:04:11Z``."""
    left = (gate.due_at - now).total_seconds()
    if gate.state == "go" and gate.at is not None:
        return f"GO by {gate.by} {gate.at:%d %b %H:%M:%SZ}"
    if gate.state == "extended":
        return f"NO-GO by {gate.by}; asked again in {pretty_duration(left)}"
    if gate.state == "ahead":
        return f"due in {pretty_duration(left)}"
    return f"{'OVERDUE by' if gate.state == 'overdue' else 'DUE since'} {pretty_duration(-left)}"


def _short(gate: GateStanding) -> str:
    if gate.state == "go":
        return "waived: " + ", ".join(words(one.criterion) for one in gate.waivers) if gate.waivers else ""
    if all(one.at is None and one.status == "unknown" for one in gate.criteria) and gate.state == "ahead":
        return ""
    failing = ", ".join(f"{one.title}{'' if one.status == 'not met' else ' unknown'}" for one in gate.against)
    return f"would fail on: {failing}" if failing else "all criteria met"


def gate_lines(gate: GateStanding, now: datetime) -> list[str]:
    """Everything about one gate, in plain lines."""
    lines = [f"{gate.title}   {when(gate, now)}", f"   otherwise: {gate.otherwise}"]
    if gate.decision:
        lines.append(
            f"   decided {gate.decision} by {gate.by} at {gate.at:%d %b %H:%M:%SZ}"
            + (f": {gate.note}" if gate.note else "")
        )
    lines += [f"   waived {words(one.criterion)}: {one.reason} ({one.names})" for one in gate.waivers]
    if gate.state == "go":
        return lines
    for one in gate.criteria:
        age = f", {pretty_duration((now - one.at).total_seconds())} ago" if one.at is not None else ""
        status = "met so far" if one.so_far and one.status == "met" else one.status
        to_type = f" [{one.id}]" if one.id != one.title else ""
        lines.append(f"   {status:<10} {one.title}{to_type}: {one.evidence}{age}")
    return lines
