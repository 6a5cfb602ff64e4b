"""Decision points: which are open, when each is due, what it would fail on if it were decided now. Pure.

A gate whose time has come stays open until somebody decides it. After a no-go the watch goes on, and the gate is asked
again at the next validation.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from engine.config.checklist import ChecklistConfig, DecisionPoint
from engine.monitoring.criteria import judged, words
from engine.monitoring.evidence import Asked, Evidence
from engine.monitoring.facts import Decided
from engine.monitoring.model import Criterion, Gate, GateState
from engine.monitoring.schedule import DAY


class Course(msgspec.Struct, frozen=True):
    """How a decision point stands in time."""

    point: DecisionPoint
    due: datetime
    """When it is asked; after a no-go, asked again."""
    state: GateState
    decided: Decided | None
    """The newest decision."""
    before: float
    """Offset of the gate before; 0 for the first."""

    @property
    def open(self) -> bool:
        """Whether its time has come and nobody decided it."""
        return self.state in ("due", "overdue")


def courses(
    config: ChecklistConfig, since: datetime, now: datetime, scale: float, decisions: Sequence[Decided]
) -> tuple[Course, ...]:
    """Every decision point in order of time. ``decisions``: those of this watch, oldest first."""
    found, before = [], 0.0
    for point in sorted(config.decisions, key=lambda point: point.at):
        made = [one for one in decisions if one.gate == point.id]
        last = made[-1] if made else None
        due = since + timedelta(seconds=point.at / scale)
        if last is not None and last.decision == "no-go":
            due = max(asked_again(config, point, since, last.at, scale), due)
        found.append(Course(point, due, _state(last, due, now, config.schedule.late_after / scale), last, before))
        before = float(point.at)
    return tuple(found)


def asked_again(
    config: ChecklistConfig, point: DecisionPoint, since: datetime, after: datetime, scale: float
) -> datetime:
    """When a gate that was decided no-go is due again: at the next hourly, later the next daily, validation."""
    schedule = config.schedule
    step = (schedule.validation_every if point.at <= schedule.validation_for else DAY) / scale
    passed = int((after - since).total_seconds() / step + 1e-9)
    return since + timedelta(seconds=(passed + 1) * step)


def _state(last: Decided | None, due: datetime, now: datetime, late: float) -> GateState:
    if last is not None and last.decision == "go":
        return "go"
    if now < due:
        return "ahead" if last is None else "extended"
    return "due" if (now - due).total_seconds() <= late else "overdue"


def open_gates(found: Sequence[Course], evidence: Evidence) -> tuple[Gate, ...]:
    """Every gate whose time has come and that nobody decided, those that were extended, and the next one ahead."""
    ahead = next((course for course in found if course.state == "ahead"), None)
    wanted = [course for course in found if course.open or course.state == "extended" or course is ahead]
    return tuple(gate_of(course, evidence) for course in sorted(wanted, key=lambda course: course.due))


def gate_of(course: Course, evidence: Evidence) -> Gate:
    """One gate with every criterion as it is now."""
    asked = Asked(course.point, course.due, course.before)
    names = list(course.point.go_if)
    if evidence.unknown and "nothing_unknown" not in names:
        names.append("nothing_unknown")  # no gate passes while the verdict is UNKNOWN
    if evidence.against and "verdict" not in names:
        names.append("verdict")  # nor while the console itself recommends to go back or to investigate
    criteria = tuple(judged(name, evidence, asked) for name in names)
    assert course.state != "go"
    return Gate(
        course.point.id,
        course.point.title,
        course.due,
        tuple(words(one.id) for one in criteria if one.status == "not met"),
        tuple(words(one.id) for one in criteria if one.status == "unknown"),
        criteria,
        course.state,
    )


def not_met(gate: Gate) -> tuple[Criterion, ...]:
    """The criteria that stand against a go."""
    return tuple(one for one in gate.criteria if one.status != "met")
