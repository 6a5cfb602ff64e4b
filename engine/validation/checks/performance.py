"""Is the running release fast enough? Its own run records against the limits of LAT, E2E and THR."""

from __future__ import annotations

import statistics
from collections.abc import Iterable

from engine.config.monitoring import Condition, Tier
from engine.records.counted import counted
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings, Part, Status
from engine.validation.parts import complete
from engine.validation.runs import Run, of_release

_TITLES = {
    "E2E": "a whole run is fast enough",
    "LAT": "each thousand rows are fast enough",
    "THR": "as many rows a second as the old release had",
}


def check_performance(evidence: Evidence) -> Check:
    """Medians of the newest runs, so that one busy moment decides nothing."""
    findings = Findings()
    if evidence.not_running:
        findings.not_run(evidence.not_running)
        complete(findings, _TITLES, evidence.not_running)
        return findings.check("")
    passed = _judge_runs(evidence, findings)
    runs_old = evidence.release.release == evidence.deployment.console.releases.old
    complete(findings, {"THR": _TITLES["THR"]}, "the old release runs" if runs_old else "there is nothing to compare")
    return findings.check(passed)


def _judge_runs(evidence: Evidence, findings: Findings) -> str:
    """The sentence of a check that found nothing."""
    config = evidence.deployment.monitoring
    recent = [run for run in evidence.own_runs if run.ok][-config.baseline.least :]
    if not recent:
        reason = f"{evidence.release.release} has no finished run to measure{evidence.since}"
        findings.fail(reason)
        complete(findings, _TITLES, reason)
        return ""
    findings.figures |= {"runs": len(recent), "rows": recent[-1].rows}
    seconds = statistics.median((run.ended - run.started).total_seconds() for run in recent)
    findings.figures["run_seconds"] = seconds
    _judge(config.conditions.get("E2E"), "E2E", seconds, findings)
    latency = _latency(recent, config.errors.minimum_attempts, findings)
    if latency is None:
        complete(findings, {"LAT": _TITLES["LAT"], "THR": _TITLES["THR"]}, "latency is not known")
    else:
        findings.figures["latency_ms_per_1000_rows"] = latency
        _judge(config.conditions.get("LAT"), "LAT", latency, findings)
        _judge_throughput(evidence, recent, findings)
    shown = f"{latency:.2f}" if latency is not None else "-"
    return f"{shown} ms per 1,000 rows, run {seconds:.2f} s, median of {len(recent)}"


def _latency(runs: list[Run], minimum_rows: int, findings: Findings) -> float | None:
    measured = [run for run in runs if run.latency_ms is not None]
    if len(measured) < len(runs):
        findings.fail(f"{len(runs) - len(measured)} of {counted(len(runs), 'run')} recorded no latency")
        return None
    large = [run for run in measured if run.rows >= minimum_rows]
    if not large:
        findings.warn(f"LOW VOLUME: {runs[-1].rows} rows say nothing about speed, {minimum_rows} are needed")
        return None
    return statistics.median(1000.0 * (run.latency_ms or 0.0) / run.rows for run in large)


def _judge_throughput(evidence: Evidence, recent: list[Run], findings: Findings) -> None:
    """Rows per second, in % of what the old release did before; on the old release there is nothing to compare."""
    baseline = evidence.deployment.monitoring.baseline
    throughput = _throughput(recent)
    findings.figures["rows_per_second"] = throughput
    if evidence.release.release != evidence.deployment.console.releases.new or len(recent) < baseline.least:
        return
    old = [run for run in of_release(evidence.runs, evidence.deployment.console.releases.old) if run.ok]
    before = _throughput(old[-baseline.runs :]) if len(old) >= baseline.least else None
    findings.figures["baseline_rows_per_second"] = before
    if throughput is not None and before:
        percent = 100 * throughput / before
        findings.figures["percent_of_baseline"] = percent
        _judge(evidence.deployment.monitoring.conditions.get("THR"), "THR", percent, findings)


def _throughput(runs: Iterable[Run]) -> float | None:
    speeds = [1000.0 * run.rows / run.latency_ms for run in runs if run.latency_ms]
    return statistics.median(speeds) if speeds else None


def _judge(condition: Condition | None, name: str, value: float, findings: Findings) -> None:
    """A value beyond the critical or roll-back tier FAILs, beyond the warning it WARNs."""
    if condition is None:
        complete(findings, {name: _TITLES[name]}, f"there is no condition {name} to judge by")
        return
    shown = f"{name} {condition.title} is {value:,.{condition.decimals}f} {condition.unit}"
    hard = [tier for tier in (condition.critical, condition.rollback) if tier is not None]
    broken = [tier for tier in hard if beyond(condition, tier, value)]
    status: Status = "PASS"
    if broken:
        status, shown = "FAIL", f"{shown}, beyond {broken[0].enter:g}"
        findings.fail(shown)
    elif condition.warning is not None and beyond(condition, condition.warning, value):
        status, shown = "WARN", f"{shown}, beyond {condition.warning.enter:g}"
        findings.warn(shown)
    findings.part(Part(name, _TITLES[name], status, shown, limit=limits_in_words(condition)))


def limits_in_words(condition: Condition) -> str:
    """``WARN beyond 100, FAIL beyond 500 ms``."""
    hard = condition.critical or condition.rollback
    said = [f"WARN beyond {condition.warning.enter:g}"] if condition.warning is not None else []
    said += [f"FAIL beyond {hard.enter:g}"] if hard is not None else []
    return f"{', '.join(said)} {condition.unit}".strip()


def beyond(condition: Condition, tier: Tier, value: float) -> bool:
    """Whether ``value`` is on the bad side of the tier's limit; how long does not matter here."""
    if condition.inclusive and value == tier.enter:
        return True
    return value > tier.enter if condition.worse_when == "higher" else value < tier.enter
