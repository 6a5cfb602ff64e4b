"""From what was seen at one tick to the evaluation that is written down. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.checklist import unanswered
from engine.monitoring.decision import Situation, decide
from engine.monitoring.evidence import Evidence
from engine.monitoring.facts import Facts, Validation
from engine.monitoring.gates import courses, open_gates
from engine.monitoring.gauges import gauges
from engine.monitoring.judgement import worsens
from engine.monitoring.kpi_watch import Against, set_against
from engine.monitoring.kpis import Published, kpi_readings
from engine.monitoring.model import (
    Alert,
    Baseline,
    ConditionReading,
    Evaluation,
    Gate,
    Hourly,
    KpiReading,
    Level,
    MatrixRow,
    ResourceReading,
    Verdict,
)
from engine.monitoring.named_causes import naming_causes
from engine.monitoring.process_source import MEMORY
from engine.monitoring.schedule import Calendar, hourly, hours_planned
from engine.monitoring.standing import Standing, published
from engine.monitoring.surroundings import Active
from engine.records.form import VERSION

AGAINST_A_GO = ("ROLL BACK", "INVESTIGATE")
"""Verdicts under which no gate is passed unless two people waive that."""


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
    standing: Standing
    """How the watch has gone since its cutover."""
    build: str
    """The new release's build as installed; empty when it cannot be told."""
    data_loss: bool = False
    unjudged: tuple[ResourceReading, ...] = ()
    memory_note: str = ""
    against: Against | None = None


def evaluation_of(deployment: Deployment, seen: Seen) -> Evaluation:
    """The evaluation of this tick."""
    old = deployment.console.releases.old
    seen = replace(seen, conditions=_with_causes(deployment, seen))
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
            judged=seen.release,
            of_runs=[name for name, one in deployment.monitoring.conditions.items() if one.per == "run"],
            worsens=lambda reading: worsens(deployment, reading, growth, seen.run_interval),
        ),
    )
    if seen.operation:
        verdict = msgspec.structs.replace(verdict, why=f"{seen.operation} runs; {verdict.why}")
    kpis = _kpis(deployment, seen)
    calendar = calendar_of(deployment, seen.facts, seen.now.wall)
    gates = _gates(deployment, seen, kpis, calendar, verdict, matrix)
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
        resources=gauges(
            deployment.monitoring, seen.conditions, seen.trends, free=seen.free, notes={MEMORY: seen.memory_note}
        ),
        next_gate=gates[0] if gates else None,
        hourly=_hourly(deployment, seen, calendar),
        alerts=_alerts(seen),
        baseline=seen.baseline,
        cutover_at=seen.facts.watching_since,
        paging=not seen.operation,
        validation_running=seen.validation_running,
        problems=seen.problems,
        operation=seen.operation,
        waiting=seen.waiting,
        judged=seen.release,
        run_interval=None if seen.run_interval is None else float(seen.run_interval),
        data_loss=seen.data_loss,
        unjudged=seen.unjudged,
        gates=gates,
        standing=published(seen.standing) if calendar is not None else None,
    )


def _with_causes(deployment: Deployment, seen: Seen) -> tuple[ConditionReading, ...]:
    old = deployment.console.releases.old
    return naming_causes(
        deployment.monitoring.conditions,
        seen.conditions,
        seen.facts.validations,
        nothing_live="" if seen.active.name or seen.operation else seen.active.reason,
        old=old,
        on_old=seen.release == old,
    )


def calendar_of(deployment: Deployment, facts: Facts, now: datetime) -> Calendar | None:
    """What slots are counted by; None while no cutover is watched."""
    since = facts.watching_since
    if since is None:
        return None
    return Calendar(deployment.checklist, since, float(deployment.console.time_scale), now, facts.gone)


def _kpis(deployment: Deployment, seen: Seen) -> tuple[KpiReading, ...]:
    patience = seen.run_interval * deployment.console.stale_after if seen.run_interval else None
    age = (seen.now.wall - seen.published.at).total_seconds() if seen.published else 0.0
    readings = kpi_readings(
        deployment.kpis,
        seen.published,
        seen.before,
        seen.before_name,
        decimals=deployment.releases[seen.release].decimals,
        stale=seen.published is None or (patience is not None and age > patience),
        reason=f"{seen.release} has not published anything yet",
    )
    return readings if seen.against is None else set_against(readings, seen.release, seen.against)


def _hourly(deployment: Deployment, seen: Seen, calendar: Calendar | None) -> Hourly:
    if calendar is None:
        return Hourly(0, 0, hours_planned(deployment.checklist.schedule), None)
    return hourly(calendar.hours(), seen.validations, deployment.console.releases.new, seen.now.wall)


def _gates(
    deployment: Deployment,
    seen: Seen,
    kpis: tuple[KpiReading, ...],
    calendar: Calendar | None,
    verdict: Verdict,
    matrix: Sequence[MatrixRow],
) -> tuple[Gate, ...]:
    if calendar is None:
        return ()
    unknown = next((row.evidence for row in matrix if row.verdict == "UNKNOWN"), verdict.why)
    against = f"{verdict.word}: {verdict.why}" if verdict.word in AGAINST_A_GO else ""
    evidence = Evidence(
        calendar=calendar,
        release=deployment.console.releases.new,
        build=seen.build,
        conditions={reading.id: reading for reading in seen.conditions},
        kpis=kpis,
        validations=seen.validations,
        standing=seen.standing,
        tested=seen.facts.tested,
        open_lines=lambda after, to: unanswered(calendar, seen.facts.answers, after, to),
        unknown=unknown if verdict.word == "UNKNOWN" else "",
        against=against,
        monitoring=deployment.monitoring,
        patience=float(deployment.console.cadence.sample * deployment.console.stale_after),
    )
    found = courses(calendar.config, calendar.since, calendar.now, calendar.scale, seen.facts.decisions)
    return open_gates(found, evidence)


def _alerts(seen: Seen) -> tuple[Alert, ...]:
    found = []
    for reading in seen.conditions:
        if reading.firing:
            level: Level = "W" if reading.firing == "warning" else "C"
            found.append(Alert(reading.id, level, reading.evidence, reading.since or seen.now.wall))
    return tuple(found)
