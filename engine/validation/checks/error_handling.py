"""Does the release answer bad tapes as documented, and how many input rows did its runs fail on?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from engine.clock import iso
from engine.config import Deployment
from engine.portfolio.streamed import compute_streamed
from engine.records import harmless
from engine.records.counted import counted
from engine.validation.agreement import compare
from engine.validation.checks.performance import beyond, limits_in_words
from engine.validation.edge_cases import EdgeCase
from engine.validation.evidence import Evidence
from engine.validation.model import Check, Findings, Part, Sample, Status
from engine.validation.parts import complete
from engine.validation.program import Answer, KpiProgram, ProgramFailed


@dataclass(frozen=True, slots=True)
class Questions:
    """The edge cases, already being answered by the release's KPI program in one process."""

    release: str
    cases: Sequence[EdgeCase]
    program: KpiProgram


_TITLES = {"edge_cases": "odd tapes are answered as documented", "error_rate": "few input rows fail"}


def check_errors(evidence: Evidence, questions: Questions | ProgramFailed) -> Check:
    """Every edge case, and the error rate of the running release."""
    findings = Findings()
    answered = _judge_answers(evidence.deployment, questions, findings)
    if not evidence.not_running:
        _judge_rate(evidence, findings)
    complete(findings, _TITLES, evidence.not_running or "the release's KPI program gave no answer")
    return findings.check(f"{answered} edge cases right, {_rate_in_words(findings)}{evidence.since}")


def _judge_answers(deployment: Deployment, questions: Questions | ProgramFailed, findings: Findings) -> int:
    if isinstance(questions, ProgramFailed):
        findings.fail(questions.what)
        return 0
    try:
        answers = questions.program.answers()
    except ProgramFailed as error:
        findings.fail(error.what)
        return 0
    return judge_cases(deployment, questions.release, questions.cases, answers, findings)


def judge_cases(
    deployment: Deployment, release: str, cases: Sequence[EdgeCase], answers: Sequence[Answer], findings: Findings
) -> int:
    """Compare each answer with the documented one; returns how many are right."""
    right, wrong = 0, []
    for case, answer in zip(cases, answers, strict=True):
        issues = _wrong(deployment, release, case, answer)
        right += not issues
        wrong += [Sample(issues[0], name=case.name)] if issues else []
        for issue in issues:
            findings.fail(f"edge case {case.name}: {issue}")
    said = f"{right} of {len(cases)} answered as documented"
    status: Status = "FAIL" if wrong else "PASS"
    limit, most = "each as documented", deployment.kpis.checks.sample_rows
    findings.part(
        Part(
            "edge_cases",
            _TITLES["edge_cases"],
            status,
            said,
            limit=limit,
            count=len(wrong),
            of=len(cases),
            rows=tuple(wrong[:most]),
        )
    )
    findings.figures |= {"edge_cases": len(cases), "edge_cases_right": right}
    return right


def _wrong(deployment: Deployment, release: str, case: EdgeCase, answer: Answer) -> Sequence[str]:
    if not case.readable:
        values = [kpi.get("value") for kpi in answer["kpis"].values() if isinstance(kpi, dict)]
        told = isinstance(answer.get("error"), str) and answer["error"].strip()
        return () if told and not any(value is not None for value in values) else ("no error was told",)
    if "error" in answer:
        return (f"it was refused: {harmless(answer['error'])}",)
    documented = compute_streamed(case.path, deployment.kpis, hashed=False).latest
    return compare(answer, documented, deployment.releases[release].decimals).issues


def _judge_rate(evidence: Evidence, findings: Findings) -> None:
    """Errors over input rows of the runs within the configured window before the newest one, in the present stint."""
    config = evidence.deployment.monitoring
    own = evidence.own_runs
    if not own:
        reason = f"{evidence.release.release} has no run to count errors in{evidence.since}"
        findings.fail(reason)
        complete(findings, {"error_rate": _TITLES["error_rate"]}, reason)
        return
    # a rehearsal's window is as short as that of the condition ERR: else both answer differently for minutes
    window_seconds = float(config.errors.window) / float(evidence.deployment.console.time_scale)
    since = own[-1].ended - timedelta(seconds=window_seconds)
    window = [run for run in own if run.ended >= since]
    rows, errors = sum(run.rows for run in window), sum(run.errors for run in window)
    failed = sum(not run.ok for run in window)
    findings.figures |= {"rows": rows, "errors": errors, "runs": len(window), "failed_runs": failed}
    if evidence.stint is not None:
        findings.figures |= {"counted_since": iso(evidence.stint.at), "runs_before": evidence.before}
    if failed:
        findings.warn(f"{failed} of {counted(len(window), 'run')} failed{evidence.since}")
    if rows < config.errors.minimum_attempts:
        findings.figures["error_rate_percent"] = None
        complete(findings, {"error_rate": _TITLES["error_rate"]}, f"LOW VOLUME: {rows:,} rows say nothing about a rate")
        return
    rate = 100.0 * errors / rows
    findings.figures["error_rate_percent"] = rate
    condition = config.conditions.get("ERR")
    if condition is None:
        complete(findings, {"error_rate": _TITLES["error_rate"]}, "there is no condition ERR to judge by")
        return
    status: Status = "PASS"
    shown = f"error rate {rate:.2f} % ({errors:,} of {rows:,} rows{evidence.since})"
    if condition.critical is not None and beyond(condition, condition.critical, rate):
        status, shown = "FAIL", f"{shown}, beyond {condition.critical.enter:g} %"
        findings.fail(shown)
    elif condition.warning is not None and beyond(condition, condition.warning, rate):
        status, shown = "WARN", f"{shown}, beyond {condition.warning.enter:g} %"
        findings.warn(shown)
    limit = limits_in_words(condition)
    findings.part(Part("error_rate", _TITLES["error_rate"], status, shown, limit=limit, count=errors, of=rows))


def _rate_in_words(findings: Findings) -> str:
    rate = findings.figures.get("error_rate_percent")
    return "error rate not known" if rate is None else f"error rate {rate:.2f} %"
