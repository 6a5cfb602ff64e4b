"""From what was seen at one tick to the evaluation that is written down. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.checklist import Moment, items
from engine.monitoring.decision import Situation, decide
from engine.monitoring.facts import Facts, Validation
from engine.monitoring.gates import Evidence, next_gate
from engine.monitoring.gauges import gauges
from engine.monitoring.judgement import worsens
from engine.monitoring.kpis import Published, kpi_readings
from engine.monitoring.model import (
    VERSION,
    Alert,
    Baseline,
    ConditionReading,
    Evaluation,
    Gate,
    Hourly,
    KpiReading,
    Level,
)
from engine.monitoring.schedule import hourly, validation_slots
from engine.monitoring.surroundings import Active

COUNTS_LINES = "checklist_done"
"""The criterion that rests on the number of open lines."""


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that one tick found."""

    now: Instant
    boot_id: str
    active: Active
    release: str
    conditions: tuple[ConditionReading, ...]
    published: Published | None
    before: Published | None
    before_name: str
    run_interval: float | None
    trends: Mapping[str, Sequence[float]]
    free: int | None
    facts: Facts
    validations: tuple[Validation, ...]
    baseline: Baseline | None
    critical_at: datetime | None
    operation: str
    waiting: str
    validation_running: bool
    problems: tuple[str, ...]


def evaluation_of(deployment: Deployment, seen: Seen) -> Evaluation:
    """The evaluation of this tick."""
    old = deployment.console.releases.old
    growth = next((c.value for c in seen.conditions if c.id == "MEMG"), None)
    verdict, matrix = decide(
        deployment.monitoring.matrix,
        Situation(
            conditions=seen.conditions,
            release=seen.active.name,
            release_reason=seen.active.reason,
            on_old=seen.release == old,
            old=old,
            at=seen.now.wall,
            worsens=lambda reading: worsens(deployment, reading, growth, seen.run_interval),
        ),
    )
    if seen.operation:
        verdict = msgspec.structs.replace(verdict, why=f"{seen.operation} runs; {verdict.why}")
    kpis = _kpis(deployment, seen)
    due = _hourly(deployment, seen)
    return Evaluation(
        v=VERSION,
        at=seen.now.wall,
        boot=seen.now.boot,
        boot_id=seen.boot_id,
        pid=os.getpid(),
        cadence=float(deployment.console.cadence.sample),
        release=seen.active.name,
        release_reason=seen.active.reason,
        verdict=verdict,
        conditions=seen.conditions,
        matrix=matrix,
        kpis=kpis,
        kpis_at=seen.published.at if seen.published else None,
        measurement_date=seen.published.measurement_date if seen.published else None,
        resources=gauges(deployment.monitoring, seen.conditions, seen.trends, free=seen.free),
        next_gate=_gate(deployment, seen, kpis, due),
        hourly=due,
        alerts=_alerts(seen),
        baseline=seen.baseline,
        cutover_at=seen.facts.watching_since,
        paging=not seen.operation,
        validation_running=seen.validation_running,
        problems=seen.problems,
        operation=seen.operation,
        waiting=seen.waiting,
    )


def _kpis(deployment: Deployment, seen: Seen) -> tuple[KpiReading, ...]:
    patience = seen.run_interval * deployment.console.stale_after if seen.run_interval else None
    age = (seen.now.wall - seen.published.at).total_seconds() if seen.published else 0.0
    return kpi_readings(
        deployment.kpis,
        seen.published,
        seen.before,
        seen.before_name,
        decimals=deployment.releases[seen.release].decimals,
        stale=seen.published is None or (patience is not None and age > patience),
        reason=f"{seen.release} has not published anything yet",
    )


def _hourly(deployment: Deployment, seen: Seen) -> Hourly:
    schedule, since = deployment.checklist.schedule, seen.facts.watching_since
    if since is None:
        return Hourly(0, 0, int(schedule.validation_for / schedule.validation_every), None)
    slots = validation_slots(schedule, since, deployment.console.time_scale)
    return hourly(slots, seen.validations, deployment.console.releases.new, seen.now.wall)


def _gate(deployment: Deployment, seen: Seen, kpis: tuple[KpiReading, ...], due: Hourly) -> Gate | None:
    since = seen.facts.watching_since
    if since is None:
        return None
    scale, points = deployment.console.time_scale, deployment.checklist.decisions
    ahead = [point for point in points if since + timedelta(seconds=point.at / scale) >= seen.now.wall]
    # a list of hundreds of lines: folded for the gate that asks for it, not at each tick of the weeks before
    counted = bool(ahead) and COUNTS_LINES in min(ahead, key=lambda point: point.at).go_if
    evidence = Evidence(
        conditions={reading.id: reading for reading in seen.conditions},
        kpis=kpis,
        validations=seen.validations,
        hourly=due,
        critical_since=seen.critical_at is not None and seen.critical_at >= since,
        open_lines=_open_lines(deployment, seen) if counted else None,
    )
    return next_gate(points, since, seen.now.wall, scale, evidence)


def _open_lines(deployment: Deployment, seen: Seen) -> int:
    moment = Moment(
        now=seen.now.wall,
        since=seen.facts.watching_since,
        rolled_back_at=seen.facts.rolled_back_at,
        answers=seen.facts.answers,
        evaluation=None,
        validations=seen.validations,
        release=deployment.console.releases.new,
        time_scale=deployment.console.time_scale,
    )
    return sum(1 for item in items(deployment.checklist, moment) if item.state in ("overdue", "missed"))


def _alerts(seen: Seen) -> tuple[Alert, ...]:
    found = []
    for reading in seen.conditions:
        if reading.firing:
            level: Level = "W" if reading.firing == "warning" else "C"
            found.append(Alert(reading.id, level, reading.evidence, reading.since or seen.now.wall))
    return tuple(found)
