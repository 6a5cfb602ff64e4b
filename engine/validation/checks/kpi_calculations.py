"""Did the running release publish what the tape gives? Recomputed independently, value by value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.portfolio.results import Group, TapeKpis, in_range
from engine.records import harmless
from engine.validation.agreement import Agreement, compare, variance
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings
from engine.validation.program import ProgramFailed, ask
from engine.validation.runs import NotPublished, Run, published


def check_kpis(evidence: Evidence) -> Check:
    """Compare what the newest run published with the tape it read; ranges and the change since the run before."""
    findings = Findings()
    if evidence.not_running:
        findings.not_run(evidence.not_running)
        return findings.check("")
    if evidence.kpis is None:
        findings.fail(evidence.tape_problem)
    if evidence.overdue:
        findings.fail(evidence.overdue)
    document = _document(evidence, findings)
    if evidence.kpis is None:
        return findings.check("")
    _judge_values(evidence, evidence.kpis.latest, findings)
    if document is None:
        return findings.check("")
    agreement = _compare_published(evidence, evidence.kpis, document, findings)
    return findings.check(
        f"{agreement.agree} of {len(agreement.figures)} agree with the tape, "
        f"at most {agreement.largest_difference:.{evidence.release.decimals + 2}f} apart"
    )


def _document(evidence: Evidence, findings: Findings) -> Mapping[str, Any] | None:
    """What the newest run published, when it can be compared; otherwise what stands in the way."""
    run, name = evidence.run, evidence.release.release
    if run is None:
        findings.fail(f"{name} has not published anything yet")
        return None
    findings.figures["run_id"] = run.run_id
    if not run.ok:
        findings.fail(f"the last run of {name} failed: {harmless(run.error)}")
        return None
    if not evidence.comparable:
        _tell_other_tape(evidence, run, findings)
        return None if evidence.kpis is None else _asked(evidence, findings)
    try:
        return published(evidence.deployment, run)
    except NotPublished as error:
        findings.fail(error.what)
        return None


def _tell_other_tape(evidence: Evidence, run: Run, findings: Findings) -> None:
    """The published values are of other data: never PASS, and FAIL where the release had the time to catch up."""
    name = evidence.release.release
    if evidence.foreign:
        findings.warn(f"what {name} published is of another tape: its KPI program was asked about this one instead")
    elif evidence.deployment.console.cadence.pipeline_run is None:
        findings.warn(f"the tape has changed since the last run of {name} ({run.ended:%H:%M:%S}Z): not comparable yet")
    else:
        findings.fail(f"the tape has changed, and {name} has not published from it in time")


def _asked(evidence: Evidence, findings: Findings) -> Mapping[str, Any] | None:
    """What the release's KPI program says about the tape, where its published values are of another one."""
    assert evidence.tape is not None
    findings.figures["asked"] = True
    try:
        answer = ask(evidence.deployment, evidence.release.release, [evidence.tape.path]).answers()[0]
    except ProgramFailed as error:
        findings.fail(error.what)
        return None
    if "error" in answer:
        findings.fail(f"{evidence.release.release} cannot read the tape: {harmless(answer['error'])}")
        return None
    return answer


def _compare_published(
    evidence: Evidence, kpis: TapeKpis, document: Mapping[str, Any], findings: Findings
) -> Agreement:
    decimals = evidence.release.decimals
    agreement = compare(document, kpis.latest, decimals)
    findings.figures |= {
        "agree": agreement.agree,
        "of": len(agreement.figures),
        "largest_difference": agreement.largest_difference,
        "kpis": agreement.figures,
    }
    for issue in agreement.issues:
        findings.fail(issue)
    _compare_trend(kpis, document, decimals, findings)
    _judge_change(evidence, document, findings)
    return agreement


def _compare_trend(kpis: TapeKpis, document: Mapping[str, Any], decimals: int, findings: Findings) -> None:
    """The published trend, where there is one: every date, each as exact as the KPIs of now."""
    trend = document.get("by")
    if not isinstance(trend, list) or not kpis.by:
        return
    if len(trend) != len(kpis.by):
        findings.fail(f"the trend has {len(trend)} dates, the tape {len(kpis.by)}")
        return
    for answer, group in zip(trend[:-1], kpis.by[:-1], strict=True):
        agreement = compare(answer if isinstance(answer, Mapping) else {}, group, decimals)
        for issue in agreement.issues:
            findings.fail(f"trend, {group.measurement_date}: {issue}")
    findings.figures["trend_dates"] = len(kpis.by)


def _judge_values(evidence: Evidence, now: Group, findings: Findings) -> None:
    for name, definition in evidence.deployment.kpis.kpis.items():
        value = now.kpis[name].value
        if value is None:
            findings.fail(f"{name} is undefined: {now.kpis[name].reason}")
        elif not in_range(definition, value):
            low, high = definition.range
            findings.fail(f"{name} is {value:.{definition.decimals}f}, outside its range {low:g} to {high:g}")


def _judge_change(evidence: Evidence, document: Mapping[str, Any], findings: Findings) -> None:
    """Run-to-run change beyond the anomaly limit; rounding of either release does not count."""
    earlier = evidence.runs[: evidence.runs.index(evidence.run)] if evidence.run in evidence.runs else ()
    previous = next((run for run in reversed(earlier) if run.ok), None)
    if previous is None or not evidence.comparable:
        return
    try:
        before = published(evidence.deployment, previous).get("kpis", {})
    except NotPublished:
        return  # older outputs are removed in time: there is nothing to compare with
    limit = evidence.deployment.kpis.anomaly.change_percent
    releases = evidence.deployment.releases
    known = releases.get(previous.release, evidence.release)
    for name in evidence.deployment.kpis.kpis:
        old, new = _number(before, name), _number(document.get("kpis", {}), name)
        if old is None or new is None:
            continue
        change = variance(
            old, new, (known.decimals, evidence.release.decimals), evidence.deployment.monitoring.variance.absolute
        )
        if change.beyond(limit):
            findings.warn(f"{name} changed from {old:g} to {new:g} since the run before, more than {limit:g} %")


def _number(kpis: Any, name: str) -> float | None:
    kpi = kpis.get(name) if isinstance(kpis, Mapping) else None
    value = kpi.get("value") if isinstance(kpi, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
