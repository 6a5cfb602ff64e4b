"""Does a release's KPI program agree with the tape? Asked before anyone relies on that release again."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.records import harmless
from engine.validation.model import Check, Findings, Status, all_issues
from engine.validation.program import KpiProgram, ProgramFailed, ask


class Outcome(msgspec.Struct, frozen=True):
    """What ``agree`` and ``stage`` found; same words and exit codes as a validation."""

    status: Status
    release: str
    seconds: float
    checks: dict[str, Check]
    issues: tuple[str, ...]


def agree(deployment: Deployment, release: str, tape: Path) -> Outcome:
    """PASS: all KPIs agree. WARN: they agree, some are undefined. FAIL: not. NOT RUN: the tape cannot be computed."""
    began = time.monotonic()
    try:
        program = ask(deployment, release, [tape])  # it works while this process loads what it needs itself
    except ProgramFailed as error:
        checks = {"kpi_calculations": _failed(error)}
    else:
        try:
            checks = {"kpi_calculations": _check(deployment, release, tape, program)}
        finally:
            program.stop()
    status = checks["kpi_calculations"].status
    return Outcome(status, release, round(time.monotonic() - began, 3), checks, all_issues(checks))


def _failed(error: ProgramFailed) -> Check:
    findings = Findings()
    findings.fail(error.what)
    return findings.check("")


def _check(deployment: Deployment, release: str, tape: Path, program: KpiProgram) -> Check:
    from engine.portfolio.streamed import compute_streamed
    from engine.portfolio.unreadable import TapeUnreadable
    from engine.validation.checks.tape_answers import judge_answer

    findings = Findings()
    try:
        recomputed = compute_streamed(tape, deployment.kpis, hashed=False).latest
    except TapeUnreadable as error:
        findings.not_run(f"the tape cannot be computed: {error.what}")
        return findings.check("")
    undefined = [f"{name}: {kpi.reason}" for name, kpi in recomputed.kpis.items() if kpi.value is None]
    if len(undefined) == len(recomputed.kpis):
        findings.not_run(f"the tape cannot be computed: {undefined[0]}")
        return findings.check("")
    try:
        answer = program.answers()[0]
    except ProgramFailed as error:
        return _failed(error)
    for reason in undefined:
        findings.warn(f"undefined on this tape, {harmless(reason)}")
    agreement = judge_answer(answer, recomputed, deployment.releases[release].decimals, "", findings)
    findings.figures |= {"tape": str(tape), "kpis": agreement.figures}
    return findings.check(f"{agreement.agree} of {len(agreement.figures)} KPIs agree with the tape")
