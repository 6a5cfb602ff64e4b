"""Decision points: what the next one would fail on if it were now. Pure; unknown is no pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.config.checklist import DecisionPoint
from engine.monitoring.facts import Validation
from engine.monitoring.model import ConditionReading, Gate, Hourly, KpiReading

Answer = bool | None
"""Met, not met, or None: cannot be said."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a gate is judged on."""

    conditions: Mapping[str, ConditionReading]
    kpis: Sequence[KpiReading]
    validations: Sequence[Validation]
    hourly: Hourly
    critical_since: bool
    """Whether a critical or roll-back tier fired since the cutover."""
    open_lines: int | None
    """Checklist lines overdue or missed; None: not counted."""


def next_gate(
    points: Sequence[DecisionPoint], since: datetime, now: datetime, scale: float, evidence: Evidence
) -> Gate | None:
    """The first decision point that is not past; None after the last."""
    for point in sorted(points, key=lambda point: point.at):
        due = since + timedelta(seconds=point.at / scale)
        if due < now:
            continue
        answers = {name: CRITERIA.get(name, _nobody_knows)(evidence) for name in point.go_if}
        return Gate(
            point.id,
            point.title,
            due,
            tuple(_words(name) for name, answer in answers.items() if answer is False),
            tuple(_words(name) for name, answer in answers.items() if answer is None),
        )
    return None


def _words(name: str) -> str:
    return name.replace("_", " ")


def _nobody_knows(evidence: Evidence) -> Answer:
    return None


def _on_target(*names: str) -> Callable[[Evidence], Answer]:
    """The newest value lies on the good side of the warning limit, and none of the tiers fires or is pending."""

    def answer(evidence: Evidence) -> Answer:
        found = [evidence.conditions.get(name) for name in names]
        if any(reading is None or reading.reason is not None for reading in found):
            return None
        return all(reading is not None and not reading.firing and not reading.pending for reading in found)

    return answer


def _validated(evidence: Evidence) -> Answer:
    reading = evidence.conditions.get("VAL")
    if not evidence.validations or (reading is not None and reading.reason is not None):
        return None  # none, or of another process or tape
    return evidence.validations[-1].status == "PASS"


def _kpis_in_range(evidence: Evidence) -> Answer:
    if not evidence.kpis or any(kpi.in_range is None or kpi.stale for kpi in evidence.kpis):
        return None
    return all(kpi.in_range for kpi in evidence.kpis)


def _every_hour_passed(evidence: Evidence) -> Answer:
    return evidence.hourly.passed == evidence.hourly.due if evidence.hourly.due else None


def _no_critical(evidence: Evidence) -> Answer:
    return not evidence.critical_since


def _checklist_done(evidence: Evidence) -> Answer:
    return None if evidence.open_lines is None else evidence.open_lines == 0


CRITERIA: dict[str, Callable[[Evidence], Answer]] = {
    "validation_5_of_5": _validated,
    "kpis_in_range": _kpis_in_range,
    "logs_clean": _on_target("RUN", "AUD"),
    "latency_below_100": _on_target("LAT"),
    "memory_below_200": _on_target("MEM"),
    "errors_below_0_1": _on_target("ERR"),
    "hourly_8_of_8": _every_hour_passed,
    "hourly_24_of_24": _every_hour_passed,
    "no_memory_growth": _on_target("MEMG"),
    "memory_within_10_percent": _on_target("MEMG"),
    "audit_continuous": _on_target("AUD"),
    "no_critical_event": _no_critical,
    "checklist_done": _checklist_done,
    "stable": _no_critical,
}
"""Criteria of ``config/checklist.yml`` by id; one that is not here cannot be said, and so is not met."""
