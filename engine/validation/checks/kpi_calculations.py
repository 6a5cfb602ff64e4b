"""Did the running release publish what the tape gives? Recomputed independently, value by value, in every format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.portfolio.results import Group, TapeKpis, in_range
from engine.records import harmless
from engine.validation.agreement import Agreement, compare, variance
from engine.validation.checks.kpi_sources import judge_sources
from engine.validation.checks.published_tables import (
    compare_tables,
    compare_trend,
    demand_formats,
    publishes_trend,
    read_tables,
)
from engine.validation.evidence import Evidence
from engine.validation.formats import Table
from engine.validation.model import Check, Findings
from engine.validation.program import ProgramFailed, ask
from engine.validation.runs import NotPublished, Run, published


def check_kpis(evidence: Evidence) -> Check:
    """Compare what the newest run published with the tape it read; ranges and the change since the run before.

    Then the questions about what stands beside it: the last tape, the baseline, the old release.
    """
    findings = Findings()
    if evidence.not_running:
        findings.not_run(evidence.not_running)
    passed = "" if evidence.not_running else _judge(evidence, findings)
    judge_sources(evidence, findings)
    return findings.check(passed)


def _judge(evidence: Evidence, findings: Findings) -> str:
    """The sentence of a check that found nothing."""
    if evidence.kpis is None:
        findings.fail(evidence.tape_problem)
    if evidence.overdue:
        findings.fail(evidence.overdue)
    document = _document(evidence, findings)
    tables = _tables(evidence, findings)
    if evidence.kpis is None:
        return ""
    _judge_values(evidence, evidence.kpis.latest, findings)
    trend = "by" in (document or {}) or any(publishes_trend(table) for table in tables)
    if tables:
        compare_tables(evidence.kpis, tables, trend, evidence.release.decimals, findings)
    if document is None:
        return ""
    agreement = _compare_published(evidence, evidence.kpis, document, trend, findings)
    where = f"in {len(tables) + 1} formats" if tables else "with the tape"
    apart = f"{_largest_difference(findings):.{evidence.release.decimals + 2}f}"
    return f"{agreement.agree} of {len(agreement.figures)} agree {where}, at most {apart} apart"


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


def _tables(evidence: Evidence, findings: Findings) -> Sequence[Table]:
    """The other files of the newest run, when they can be compared; formats that it should have written and did not."""
    run = evidence.run
    if run is None or not run.ok:
        return ()
    demand_formats(evidence, run, findings)
    return read_tables(evidence, run, findings) if evidence.comparable else ()


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
    evidence: Evidence, kpis: TapeKpis, document: Mapping[str, Any], trend: bool, findings: Findings
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
    if trend and kpis.by and "by" in document:
        compare_trend(document["by"], kpis, decimals, findings)
    elif trend and kpis.by:
        findings.fail("JSON has no trend, though another format of the release publishes it")
    _judge_change(evidence, document, findings)
    return agreement


def _largest_difference(findings: Findings) -> float:
    """Of all formats."""
    formats = findings.figures.get("formats", {}).values()
    return float(max(figures["largest_difference"] for figures in (findings.figures, *formats)))


def _judge_values(evidence: Evidence, now: Group, findings: Findings) -> None:
    for name, definition in evidence.deployment.kpis.kpis.items():
        value = now.kpis[name].value
        if value is None:
            findings.fail(f"{name} is undefined: {now.kpis[name].reason}")
        elif not in_range(definition, value):
            low, high = definition.range
            findings.fail(f"{name} is {value:.{definition.decimals}f}, outside its range {low:g} to {high:g}")


def _judge_change(evidence: Evidence, document: Mapping[str, Any], findings: Findings) -> None:
    """Run-to-run change beyond the anomaly limit; rounding of either release does not count.

    On the same tape it is the release's doing, and a warning. Where the tape is another one it is the portfolio's: it
    stands among the figures, and the monitor tells it to the KPI's owner.
    """
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
            said = f"{name} changed from {old:g} to {new:g} since the run before, more than {limit:g} %"
            if evidence.run is not None and evidence.run.tape_sha256 == previous.tape_sha256:
                findings.warn(said)
            else:
                findings.figures.setdefault("anomalies", []).append(said)


def _number(kpis: Any, name: str) -> float | None:
    kpi = kpis.get(name) if isinstance(kpis, Mapping) else None
    value = kpi.get("value") if isinstance(kpi, Mapping) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
