"""Staging: a release's KPI program on production-like data, before it is activated."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.config import Deployment
from engine.records import harmless
from engine.validation.agree import Outcome
from engine.validation.edge_cases import EdgeCase, write_edge_cases
from engine.validation.edge_tapes import place_of_tapes
from engine.validation.model import Check, Findings, all_issues, worst
from engine.validation.program import Answer, KpiProgram, ProgramFailed, ask
from engine.validation.reference import not_documented, reference_tape


@dataclass(frozen=True, slots=True)
class _Staged:
    """The tapes in the order in which both programs were asked: live, reference, then the edge cases."""

    deployment: Deployment
    release: str
    against: str
    tapes: tuple[Path, Path]
    cases: Sequence[EdgeCase]
    answers: list[Answer]
    old_answers: list[Answer] | ProgramFailed


def stage(deployment: Deployment, release: str) -> Outcome:
    """Live tape, reference tape and edge cases, each recomputed; and the variance against the other release."""
    began = time.monotonic()
    pair = deployment.console.releases
    against = pair.old if release == pair.new else pair.new
    tapes = (deployment.tape, reference_tape(deployment))
    with place_of_tapes() as directory:
        cases = write_edge_cases(deployment.kpis, directory)
        wanted = [*tapes, *(case.path for case in cases)]
        programs: list[KpiProgram] = []
        try:
            programs.append(ask(deployment, release, wanted))
            programs.append(ask(deployment, against, list(tapes)))
            answers = programs[0].answers()
            staged = _Staged(deployment, release, against, tapes, cases, answers, _answers(programs[1]))
            checks = _checks(staged)
        except ProgramFailed as error:
            checks = {"kpi_program": _failed(error)}
        finally:
            for program in programs:
                program.stop()
    status = worst(check.status for check in checks.values())
    return Outcome(status, release, round(time.monotonic() - began, 3), checks, all_issues(checks))


def _answers(program: KpiProgram) -> list[Answer] | ProgramFailed:
    try:
        return program.answers()
    except ProgramFailed as error:
        return error


def _failed(error: ProgramFailed) -> Check:
    findings = Findings()
    findings.fail(error.what)
    return findings.check("")


def _checks(staged: _Staged) -> dict[str, Check]:
    return {
        "live_tape": _tape(staged, 0),
        "reference_tape": _tape(staged, 1, documented=True),
        "error_handling": _edge_cases(staged),
        "variance": _variance(staged),
    }


def _tape(staged: _Staged, index: int, *, documented: bool = False) -> Check:
    """One tape recomputed; where the configuration says what must come out, that too."""
    from engine.portfolio.streamed import compute_streamed
    from engine.portfolio.unreadable import TapeUnreadable
    from engine.validation.checks.tape_answers import judge_answer

    findings = Findings()
    deployment, path = staged.deployment, staged.tapes[index]
    try:
        recomputed = compute_streamed(path, deployment.kpis, hashed=False).latest
    except TapeUnreadable as error:
        findings.fail(error.what)
        return findings.check("")
    decimals = deployment.releases[staged.release].decimals
    agreement = judge_answer(staged.answers[index], recomputed, decimals, "", findings)
    findings.figures |= {"rows": recomputed.rows, "kpis": agreement.figures}
    for name, kpi in recomputed.kpis.items():
        if kpi.value is None:
            findings.fail(f"{name} is undefined: {kpi.reason}")
    for issue in not_documented(deployment, recomputed) if documented else ():
        findings.fail(issue)
    return findings.check(f"{agreement.agree} of {len(agreement.figures)} KPIs agree, {recomputed.rows:,} rows")


def _edge_cases(staged: _Staged) -> Check:
    from engine.validation.checks.error_handling import judge_cases

    findings = Findings()
    right = judge_cases(staged.deployment, staged.release, staged.cases, staged.answers[len(staged.tapes) :], findings)
    return findings.check(f"{right} edge cases answered as documented")


def _variance(staged: _Staged) -> Check:
    """Both releases on the same input; only what rounding does not explain counts."""
    from engine.validation.checks.variance import judge_variance

    findings = Findings()
    if isinstance(staged.old_answers, ProgramFailed):
        findings.warn(f"{staged.against} could not be asked: {staged.old_answers.what}")
        return findings.check("")
    pairs = zip(("live tape", "reference tape"), staged.old_answers, staged.answers, strict=False)
    for where, old, new in pairs:
        if "error" in old:
            findings.warn(f"{where}: {staged.against} refused it: {harmless(old['error'])}")
            continue
        judge_variance(staged.deployment, (staged.against, staged.release), (old, new), where, findings)
    largest = max(findings.figures.get("percent", {}).values(), default=0.0)
    return findings.check(f"{staged.release} agrees with {staged.against} but for rounding, at most {largest:.2f} %")
