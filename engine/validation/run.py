"""One validation, from the question which release runs to the report on disk and its event in the audit trail."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.clock import Clock, SystemClock, iso
from engine.config import Deployment
from engine.errors import OpsError, Refused
from engine.records import harmless
from engine.validation.edge_cases import write_edge_cases
from engine.validation.edge_tapes import place_of_tapes
from engine.validation.model import CHECKS, Check, CheckName, Progress, Report, all_issues, errored, worst
from engine.validation.program import ProgramFailed, ask
from engine.validation.reading import TellReading
from engine.validation.reading import silent as unheard
from engine.validation.reports import publish_report

if TYPE_CHECKING:
    from engine.validation.checks.error_handling import Questions
    from engine.validation.evidence import Evidence


_NEEDS_EVERY_RUN: frozenset[CheckName] = frozenset({"data_integrity", "performance", "audit_trail"})
"""What looks at more than the newest run: these cannot judge while a line of the run records is damaged."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The release that is judged, and why it is not the running one (empty when it is)."""

    release: str
    not_running: str


def silent(check: str, state: str) -> None:
    """Progress for nobody."""


def run_validation(
    deployment: Deployment,
    *,
    tape: Path | None = None,
    release: str | None = None,
    scheduled: bool = False,
    occasion: str = "",
    clock: Clock | None = None,
    progress: Progress = silent,
    reading: TellReading = unheard,
    judged: Callable[[Deployment, str | None], Judged] | None = None,
    wait: Callable[[float], None] = time.sleep,
    publishing: Callable[[], object] = lambda: None,
) -> Report:
    """Judge what the running release did, write the report and its event, and return it.

    ``tape``: instead of the live one; on another one it is a trial, kept but not the report of production.
    ``release``: must be the running one, or what needs it is NOT RUN. ``publishing`` is called when all is judged:
    who ends it from then on would leave a report behind of which others have not heard.
    Refused for an unknown release; OSError when the report cannot be written.
    """
    clock = clock or SystemClock()
    began = clock.now()
    who = (judged or running_release)(deployment, release)
    path = tape or deployment.tape
    with _questions(deployment, who.release) as questions:
        progress(CHECKS[0], "running")  # it begins with waiting for the run that has read the tape as it is now
        from engine.validation.evidence import gather  # here: it loads pyarrow while the release's program starts

        evidence = gather(deployment, who.release, who.not_running, path, clock, wait, reading)
        checks: dict[str, Check] = {}
        for name in CHECKS:
            if name != CHECKS[0]:
                progress(name, "running")
            checks[name] = _guarded(name, evidence, questions)
            progress(name, checks[name].status)
    run, kpis = evidence.run, evidence.kpis
    report = Report(
        timestamp=iso(began.wall),
        status=worst(check.status for check in checks.values()),
        release=who.release,
        build=run.build if run is not None else None,
        tape=_shown(deployment, path),
        tape_sha256=kpis.sha256 if kpis is not None else None,
        measurement_date=kpis.latest.measurement_date if kpis is not None else None,
        scheduled=scheduled,
        seconds=round(clock.now().boot - began.boot, 3),
        checks=checks,
        issues=all_issues(checks),
        live=path.resolve() == deployment.tape.resolve(),
        occasion=occasion,
    )
    publishing()
    return publish_report(deployment, report, began.wall, clock)


def running_release(deployment: Deployment, wanted: str | None) -> Judged:
    """The release that runs, or the wanted or configured one together with why it is not."""
    from engine.services.active import active_release

    if wanted is not None and wanted not in deployment.releases:
        raise Refused(f"there is no release {harmless(wanted, 40)!r}", f"one of: {', '.join(deployment.releases)}")
    active = active_release(deployment)
    if active.name is not None and wanted in (None, active.name):
        return Judged(active.name, "")
    if active.name is not None:
        return Judged(str(wanted), f"{wanted} does not run: {active.name} does")
    configured = active.configured if active.configured in deployment.releases else deployment.console.releases.old
    return Judged(wanted or configured, f"no release runs: {active.reason}")


@contextlib.contextmanager
def _questions(deployment: Deployment, release: str) -> Iterator[Questions | ProgramFailed]:
    """The release's KPI program at work on the edge cases, while this process still loads what it needs."""
    with place_of_tapes() as directory:
        cases = write_edge_cases(deployment.kpis, directory)
        try:
            program = ask(deployment, release, [case.path for case in cases])
        except ProgramFailed as error:
            yield error
            return
        try:
            from engine.validation.checks.error_handling import Questions

            yield Questions(release, cases, program)
        finally:
            program.stop()


def _guarded(
    name: CheckName,
    evidence: Evidence,
    questions: Questions | ProgramFailed,
) -> Check:
    """A check that itself breaks is ERROR: it has judged nothing."""
    try:
        return _check(name, evidence, questions)
    except OpsError as error:
        return errored(error.what)
    except Exception as error:  # a mistake of this program must not look like a finding, nor hide the other checks
        return errored(f"the check itself failed: {type(error).__name__}: {harmless(error)}")


def _check(
    name: CheckName,
    evidence: Evidence,
    questions: Questions | ProgramFailed,
) -> Check:
    from engine.validation.checks.audit_trail import check_audit
    from engine.validation.checks.data_integrity import check_integrity
    from engine.validation.checks.error_handling import check_errors
    from engine.validation.checks.kpi_calculations import check_kpis
    from engine.validation.checks.performance import check_performance

    if evidence.damage and (name in _NEEDS_EVERY_RUN or (name == "kpi_calculations" and evidence.newest_unsure)):
        return errored(evidence.damage)
    if name == "error_handling":
        return check_errors(evidence, questions)
    by_name = {
        "kpi_calculations": check_kpis,
        "data_integrity": check_integrity,
        "performance": check_performance,
        "audit_trail": check_audit,
    }
    return by_name[name](evidence)


def _shown(deployment: Deployment, path: Path) -> str:
    absolute = path.resolve()
    inside = absolute.is_relative_to(deployment.root)
    return harmless(absolute.relative_to(deployment.root).as_posix() if inside else path)  # a name may be no UTF-8
