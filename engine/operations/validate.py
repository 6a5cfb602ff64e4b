"""A validation as an operation: the five checks run in a process of their own, each a step in the journal."""

from __future__ import annotations

import json
import sys

from engine.operations.commands import finish
from engine.operations.model import OperationState
from engine.operations.outcome import VALIDATION_SAYS
from engine.operations.plan import PlannedStep
from engine.operations.work import Work
from engine.records import harmless

_TITLES = {
    "kpi_calculations": "published KPIs against the tape",
    "data_integrity": "the tape itself",
    "performance": "latency and throughput of the runs",
    "error_handling": "odd tapes, answered as documented",
    "audit_trail": "the audit trail is whole",
}
PLANNED = tuple(PlannedStep(name, title, "validation") for name, title in _TITLES.items())


def run_validation_steps(work: Work) -> tuple[OperationState, str]:
    """Run the validator to its end: SUCCEEDED whatever it says, for then it has done its job.

    What is not PASS is the failure text, or a warning. ABORTED when it gave no report.
    """
    command = [sys.executable, "-m", "engine.validation", "run", "--root", str(work.deployment.root)]
    command += ["--json", "--give-way"]
    if work.orders.scheduled:
        command.append("--scheduled")
    running = work.start(command)

    def look() -> None:
        for line in running.new_errors():
            _begun(work, line)
        work.pause()

    result = finish([running], look)[0]
    try:
        report = json.loads(result.out)
        checks = {name: check for name, check in report["checks"].items() if name in _TITLES}
        status = str(report["status"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return "ABORTED", f"the validator gave no report: {result.said}"
    for name in _TITLES:
        check = checks.get(name, {"status": "NOT RUN"})
        _record_check(work, name, check)
    if status in ("PASS", "WARN") and result.code == 0:
        if status == "WARN":
            work.warn("WARN: " + harmless("; ".join(str(issue) for issue in report.get("issues", ()))))
        return "SUCCEEDED", ""
    issues = "; ".join(str(issue) for issue in report.get("issues", ()))
    return "SUCCEEDED", harmless(f"{VALIDATION_SAYS} {status}: {issues}")


def _begun(work: Work, line: str) -> None:
    """A progress line of the validator; one that is none is ignored, for the report decides."""
    try:
        told = json.loads(line)
        check, state = told["check"], told["state"]
    except (ValueError, KeyError, TypeError):
        return
    if check in _TITLES and state == "running":
        work.record("intent", step=check, title=_TITLES[check])


def _record_check(work: Work, name: str, check: dict[str, object]) -> None:
    status = str(check.get("status"))
    issues = check.get("issues")
    first = str(issues[0]) if isinstance(issues, list) and issues else ""
    kind = "done" if status in ("PASS", "WARN") else "failed"
    work.record(kind, step=name, title=_TITLES[name], detail=f"{status} {first}".strip())
