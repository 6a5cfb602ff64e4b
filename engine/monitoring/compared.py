"""Measurements of checklist lines that compare: with hour 1, with the baseline, with the log and KPIs of before."""

from __future__ import annotations

from datetime import datetime

from engine.config.checklist import CompareSection
from engine.monitoring.grounds import Measurement
from engine.monitoring.hour_one import NOT_COUNTED, Measure, differs, forgiven, measures
from engine.monitoring.model import Baseline, Evaluation, KpiReading
from engine.monitoring.standing import Hour, Standing

COMPARED = ("hour_1", "against_baseline", "log_scan", "anomalies")
_LATENCY = "kpi_latency_ms_per_1000_rows"


def compared(
    name: str, evaluation: Evaluation | None, since: datetime | None, compare: CompareSection, change_percent: float
) -> Measurement:
    """One of COMPARED. ``since``: the slot before; ``change_percent``: of a KPI, an anomaly above it."""
    if evaluation is None:
        return "missing: no fresh sample", False
    if name == "against_baseline":
        return _against_baseline(evaluation, compare)
    standing = evaluation.standing
    if standing is None:
        return "missing: no watch is counted", False
    if name == "hour_1":
        return _hour_1(standing, compare)
    if name == "log_scan":
        return _log_scan(standing, since)
    return _anomalies(evaluation, standing, since, change_percent)


def _hour_1(standing: Standing, compare: CompareSection) -> Measurement:
    first, last = standing.first, standing.last_hour
    if first is None or last is None:
        return "samples: hour 2 is not over", None
    found = [differs(measure, first, last, compare.percent) for measure in measures(compare)]
    worse = [said for answer, said in found if answer is not False]
    if worse:
        return f"samples: {'; '.join(worse)}", False
    asked = zip(measures(compare), found, strict=True)
    near = [said if NOT_COUNTED in said else _brief(measure, first, last) for measure, (_, said) in asked]
    return f"samples: {'; '.join(near)}", True


def _brief(measure: Measure, first: Hour, last: Hour) -> str:
    return f"{measure.name} {measure.of(first):.4g} -> {measure.of(last):.4g} {measure.unit}"


def _against_baseline(evaluation: Evaluation, compare: CompareSection) -> Measurement:
    baseline: Baseline | None = evaluation.baseline
    latency = next((one for one in evaluation.conditions if one.id == "LAT"), None)
    usual = baseline.values.get(_LATENCY) if baseline is not None else None
    if baseline is None or not usual:
        return "monitor: no baseline yet", False
    if latency is None or latency.value is None or latency.reason is not None:
        return f"latency missing: {latency.reason if latency else 'not watched'}", False
    change = (latency.value - usual) / usual * 100
    at = f" at {latency.observed_at:%H:%M:%S}Z" if latency.observed_at else ""
    said = f"latency {latency.value:.3g} ms, {change:+.0f} % of {baseline.release}'s {usual:.3g}{at}"
    apart, within = latency.value - usual, change <= compare.baseline_percent
    if not within and apart < compare.ignore_latency_ms:
        return f"{said} ({forgiven(measures(compare)[0], apart)})", True
    return said, within


def _log_scan(standing: Standing, since: datetime | None) -> Measurement:
    """Error lines in the service's log since the slot before."""
    if standing.log_problem or standing.log_from is None:
        return f"log cannot be read: {standing.log_problem or 'not yet'}", False
    begin = since if since is not None and since >= standing.log_from else standing.log_from
    to = f"{begin:%H:%M:%S}Z to {standing.at:%H:%M:%S}Z" if standing.at else f"since {begin:%H:%M:%S}Z"
    new = [one for one in standing.log_errors if one.at >= begin]
    if new:
        return f"log {to}: {len(new)} error line{'' if len(new) == 1 else 's'}, newest: {new[-1].text}", False
    return f"log {to}: no error line", True


def _anomalies(
    evaluation: Evaluation, standing: Standing, since: datetime | None, change_percent: float
) -> Measurement:
    """KPIs that changed too much, and what was critical since the slot before."""
    changes = {f"{kpi.id} %+.0f %% from {kpi.change_from}": _changed(kpi) for kpi in evaluation.kpis}
    found = [words % change for words, change in changes.items() if change is not None and abs(change) > change_percent]
    stale = [kpi.id for kpi in evaluation.kpis if kpi.stale or kpi.value is None]
    found += [f"{one.at:%H:%M}Z {one.text}" for one in standing.criticals if since is None or one.at >= since]
    found += [f"{alert.condition} fires" for alert in evaluation.alerts]
    found += [f"{', '.join(stale)} missing or stale"] if stale else []
    at = f" at {evaluation.at:%H:%M:%S}Z"
    return (f"{'; '.join(found[:4])}{at}", False) if found else (f"none{at}", True)


def _changed(kpi: KpiReading) -> float | None:
    """Change in % of the value before; None where it cannot be said."""
    if kpi.value is None or kpi.change is None:
        return None
    before = kpi.value - kpi.change
    return kpi.change / abs(before) * 100 if before else None
