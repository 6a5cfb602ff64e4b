"""A validation as an operation: the five checks run in a process of their own, each a step in the journal.

While it reads the tape, its journal tells how far it is. It can be stopped: then it has judged nothing.
"""

from __future__ import annotations

import json
import math
import sys
import time
from typing import Any

from engine.operations.commands import Command, finish
from engine.operations.model import OperationState
from engine.operations.outcome import STOPPED_BY, VALIDATION_SAYS
from engine.operations.plan import PlannedStep
from engine.operations.work import AbortRequested, Work
from engine.records import harmless
from engine.validation.reading import Read

_TITLES = {
    "kpi_calculations": "published KPIs against the tape",
    "data_integrity": "the tape itself",
    "performance": "latency and throughput of the runs",
    "error_handling": "odd tapes, answered as documented",
    "audit_trail": "the audit trail is whole",
}
PLANNED = tuple(PlannedStep(name, title, "validation") for name, title in _TITLES.items())
_RECORDED_EVERY = 2.0
"""Seconds between two records of how far the reading is."""
_ENDS_WITHIN = 3.0
"""Seconds that a validator has to end when it is stopped; then it is killed."""


def run_validation_steps(work: Work) -> tuple[OperationState, str]:
    """Run the validator to its end: SUCCEEDED whatever it says, for then it has done its job.

    What is not PASS is the failure text, or a warning. ABORTED when it gave no report, or was stopped.
    """
    command = [sys.executable, "-m", "engine.validation", "run", "--root", str(work.deployment.root)]
    command += ["--json", "--give-way"]
    if work.orders.scheduled:
        command.append("--scheduled")
    validator = _Validator(work, work.start(command, deadline=math.inf))
    result = finish([validator.running], validator.look)[0]
    try:
        report = json.loads(result.out)
        checks = {name: check for name, check in report["checks"].items() if name in _TITLES}
        status = str(report["status"])
    except (ValueError, KeyError, TypeError, AttributeError):
        if validator.stopped is not None:
            return _stopped(work, validator.at, validator.stopped)
        return "ABORTED", f"the validator gave no report: {validator.silent or result.said}"
    for name in _TITLES:
        check = checks.get(name, {"status": "NOT RUN"})
        _record_check(work, name, check)
    if status in ("PASS", "WARN") and result.code == 0:
        if status == "WARN":
            work.warn("WARN: " + harmless("; ".join(str(issue) for issue in report.get("issues", ()))))
        return "SUCCEEDED", ""
    issues = "; ".join(str(issue) for issue in report.get("issues", ()))
    return "SUCCEEDED", harmless(f"{VALIDATION_SAYS} {status}: {issues}")


class _Validator:
    """The validator at work: what it tells goes into the journal; it ends when asked, or when it says nothing more.

    How long a tape takes nobody knows beforehand: so it has no deadline, but must not be silent.
    """

    def __init__(self, work: Work, running: Command) -> None:
        self.running = running
        self.at = next(iter(_TITLES))
        """The check at hand."""
        self.stopped: AbortRequested | None = None
        self.silent = ""
        """Why it was ended without being asked; empty when it was not."""
        self._work = work
        self._patience = _patience(work)
        self._said = self._recorded = time.monotonic()
        self._kill_at = math.inf

    def look(self) -> None:
        """Called often."""
        for line in self.running.new_errors():
            self._said = time.monotonic()
            self._hear(line)
        now = time.monotonic()
        if now - self._said > self._patience and not self.silent:
            self.silent = f"it said nothing for {self._patience:.0f} s and was killed"
            self._kill_at = now
        if now >= self._kill_at:
            self.running.kill()
        try:
            self._work.pause()
        except AbortRequested as asked:
            self.stopped = asked
            self._kill_at = min(self._kill_at, now + _ENDS_WITHIN)
            self.running.ask_to_end()

    def _hear(self, line: str) -> None:
        """A line of the validator; one that is none of its own is ignored, for the report decides."""
        try:
            told: dict[str, Any] = json.loads(line)
            if "percent" in told:
                self._record_reading(Read(int(told["rows"]), float(told["percent"]), told["left"]))
            elif told["check"] in _TITLES and told["state"] == "running":
                self.at = told["check"]
                self._work.record("intent", step=self.at, title=_TITLES[self.at])
        except (ValueError, KeyError, TypeError):
            return

    def _record_reading(self, read: Read) -> None:
        now = time.monotonic()
        if now - self._recorded < _RECORDED_EVERY:
            return
        self._recorded = now
        self._work.record("progress", step=self.at, detail=str(read), percent=round(read.percent, 1))


def _patience(work: Work) -> float:
    """Seconds that a validator may say nothing: it asks the release's program, and waits for its next two runs."""
    cadence = work.deployment.console.cadence
    return 2 * float(cadence.command_deadline) + 3 * float(cadence.pipeline_run or 0)


def _stopped(work: Work, at: str, asked: AbortRequested) -> tuple[OperationState, str]:
    """No check has judged anything; the report of before stands."""
    for step in work.operation().steps:
        if step.name == at:
            work.record("failed", step=at, title=step.title, detail="NOT RUN, stopped", aborted=True)
        elif step.state == "waiting":
            work.record("skipped", step=step.name, title=step.title, detail="NOT RUN")
    return "ABORTED", harmless(f"{STOPPED_BY} {asked.by}; nothing was judged, the report of before stands")


def _record_check(work: Work, name: str, check: dict[str, object]) -> None:
    status = str(check.get("status"))
    issues = check.get("issues")
    first = str(issues[0]) if isinstance(issues, list) and issues else ""
    kind = "done" if status in ("PASS", "WARN") else "failed"
    work.record(kind, step=name, title=_TITLES[name], detail=f"{status} {first}".strip())
