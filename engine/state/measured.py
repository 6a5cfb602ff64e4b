"""The monitor's newest evaluation as views: as fresh as it is, and where it is not, stale and never OK."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from engine.clock import Instant, boot_id, pretty_duration
from engine.config import Deployment
from engine.config.newer import NEWER
from engine.monitoring.answered import Answered
from engine.monitoring.disk import free_bytes
from engine.monitoring.model import ConditionReading, Evaluation, Gate, KpiReading, MatrixRow, ResourceReading
from engine.state import absent
from engine.state.alert_views import AlertView
from engine.state.alerts import alert_view
from engine.state.model import HANGS, MonitorView, VerdictView

NO_ROOM = 1 << 20
"""Free bytes below which no record can be relied on to be written."""
WITHOUT_MONITOR = 2.0
"""Sample cadences after which the last values of a monitor that has ended are no verdict any more."""

_THERE = "a console of that version"

V = TypeVar("V", bound=msgspec.Struct)


class Measured(msgspec.Struct, frozen=True):
    """What the monitor contributes to a State."""

    verdict: VerdictView
    next_gate: Gate | None
    kpis: tuple[KpiReading, ...]
    kpis_at: datetime | None
    resources: tuple[ResourceReading, ...]
    conditions: tuple[ConditionReading, ...]
    matrix: tuple[MatrixRow, ...]
    alerts: tuple[AlertView, ...]
    monitor: MonitorView
    validating: bool
    """Whether the monitor runs a scheduled validation now."""
    problems: tuple[str, ...]
    unjudged: tuple[ResourceReading, ...] = ()


def measured(
    deployment: Deployment,
    evaluation: Evaluation | None,
    now: Instant,
    *,
    runs: bool,
    answered: Answered,
    unreadable: str = "",
) -> Measured:
    """The views of ``evaluation``. ``runs``: whether a monitor holds its lock now. ``unreadable``: why there is none,
    where the monitor did write one.
    """
    full = _full_disk(deployment) if runs else ""
    if evaluation is None:
        return _with_disk(_nothing(deployment, runs, unreadable), full)
    age = age_of(evaluation, now)
    late = age is None or age > patience_with(deployment, evaluation, runs=runs)
    why = why_late(age, runs, full) if late else ""
    seen = as_seen(deployment, evaluation, answered, why, runs=runs, at=now.wall)
    return _with_disk(seen, full if late else "")


def _full_disk(deployment: Deployment) -> str:
    """That there is no room for a record; empty when there is, or when it cannot be told."""
    try:
        free = free_bytes(deployment.paths.logs)
    except OSError:
        return ""
    return f"the disk is full, {free // 1024} KiB are free below {deployment.paths.logs}" if free < NO_ROOM else ""


def _with_disk(seen: Measured, full: str) -> Measured:
    """A full disk is named, and that making room is what helps: whatever else is wrong may follow from it."""
    if not full:
        return seen
    problem = f"{full}: nothing can be recorded; people are told all the same, and it is recorded once there is room"
    verdict = msgspec.structs.replace(seen.verdict, clears="room on the disk")
    return replace(seen, verdict=verdict, problems=(problem, *seen.problems))


def as_seen(
    deployment: Deployment, evaluation: Evaluation, answered: Answered, late: str, *, runs: bool, at: datetime
) -> Measured:
    """The views of an evaluation; ``late``: why it says nothing about the moment any more, empty when it does."""
    reaches = deployment.monitoring.notify.reaches_people
    seen = _views(evaluation, answered, late, runs, at, reaches=reaches)
    return _late(seen, deployment, late, runs) if late else seen


def age_of(evaluation: Evaluation, now: Instant) -> float | None:
    """Seconds since it was made, by boot time; None when that was in another boot."""
    return max(now.boot - evaluation.boot, 0.0) if evaluation.boot_id == boot_id() else None


def _nothing(deployment: Deployment, runs: bool, unreadable: str) -> Measured:
    if unreadable.startswith(NEWER):
        return unmeasured(deployment, f"what the monitor judged cannot be read: {unreadable}", _THERE, runs=runs)
    if unreadable:
        clears = "the monitor's next sample, or " if runs else ""
        clears += f"abaco-ops {'doctor' if runs else 'monitor'}"
        return unmeasured(deployment, f"what the monitor judged cannot be read: {unreadable}", clears, runs=runs)
    why = "the monitor has measured nothing yet" if runs else "no monitor runs, and none has measured anything yet"
    return unmeasured(deployment, why, "its first sample" if runs else "abaco-ops monitor", runs=runs)


def unmeasured(deployment: Deployment, why: str, clears: str, *, runs: bool) -> Measured:
    """What stands where nothing was measured: UNKNOWN, with the reason and what clears it."""
    return Measured(
        verdict=absent.no_verdict(why, clears),
        next_gate=None,
        kpis=absent.no_kpis(deployment, why),
        kpis_at=None,
        resources=(),
        conditions=(),
        matrix=absent.matrix_of_unknown(deployment, why, None),
        alerts=(),
        monitor=MonitorView(runs, None, None, True, why),
        validating=False,
        problems=(),
    )


def patience_with(deployment: Deployment, evaluation: Evaluation, *, runs: bool) -> float:
    """Seconds for which an evaluation speaks; a monitor that is known to be gone is not waited for."""
    cadences = deployment.console.stale_after if runs else min(WITHOUT_MONITOR, deployment.console.stale_after)
    return float(cadences * evaluation.cadence)


def why_late(age: float | None, runs: bool, full: str = "") -> str:
    """Why an evaluation does not speak any more."""
    since = "since before the last start of this machine" if age is None else f"for {pretty_duration(age)}"
    return f"no fresh sample {since}: " + ((full or HANGS) if runs else "no monitor runs")


def _views(
    evaluation: Evaluation, answered: Answered, late: str, runs: bool, now: datetime, *, reaches: bool
) -> Measured:
    old, said = bool(late), evaluation.verdict
    return Measured(
        verdict=VerdictView(said.word, said.why, said.clears, said.worsens, evaluation.at, old),
        next_gate=evaluation.next_gate,
        kpis=_aged(evaluation.kpis, old),
        kpis_at=evaluation.kpis_at,
        resources=_aged(evaluation.resources, old),
        conditions=_aged(evaluation.conditions, old),
        matrix=evaluation.matrix,
        alerts=tuple(alert_view(alert, evaluation.at, answered, now, reaches=reaches) for alert in evaluation.alerts),
        monitor=MonitorView(runs, evaluation.pid, evaluation.at, old, late or ("" if runs else "no monitor runs")),
        validating=evaluation.validation_running and runs and not late,
        problems=evaluation.problems,
        unjudged=_aged(evaluation.unjudged, old),
    )


def _late(seen: Measured, deployment: Deployment, why: str, runs: bool) -> Measured:
    """The same values, marked; the verdict that rested on them rests on nothing now."""
    was = seen.verdict
    clears = "the monitor's next sample, or abaco-ops monitor --restart" if runs else "abaco-ops monitor"
    return replace(
        seen,
        verdict=VerdictView("UNKNOWN", f"{why}; it was {was.word}", clears, "", was.observed_at, True),
        matrix=absent.matrix_of_unknown(deployment, why, None),
    )


def _aged(items: tuple[V, ...], late: bool) -> tuple[V, ...]:
    """Marked stale when the whole evaluation is; what was missing stays missing."""
    return tuple(map(_stale, items)) if late else items


def _stale(item: V) -> V:
    changes: dict[str, Any] = {"stale": True}
    if getattr(item, "level", None) not in (None, "missing"):
        changes["level"] = "stale"
    return msgspec.structs.replace(item, **changes)
