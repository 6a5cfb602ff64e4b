"""The report on disk, for people and for the record, and its event in the audit trail."""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from functools import partial
from pathlib import Path

import msgspec

from engine.clock import Clock, boot_id, compact
from engine.config import Deployment
from engine.errors import OpsError
from engine.records import append_event, harmless, make_directory, write_file
from engine.records.atomic import open_new
from engine.validation.history import keep, kept_of, prune
from engine.validation.model import Report, Status, all_issues, worst
from engine.validation.relied import relied_on

ISSUES_TOLD = 5
"""So many issues stand in the event, for the page that tells of them; all of them stand in the report."""


def publish_report(deployment: Deployment, report: Report, at: datetime, clock: Clock) -> Report:
    """Write the newest report and the kept one, then the event; returns the report as it stands on disk.

    A trial on another tape is only kept: it is not what production is judged by. An audit trail that takes
    no event fails its own check. Its line in the history is kept too. OSError when the report cannot be written.
    """
    kept = _reserve(deployment.paths.logs, at)
    try:
        _write(deployment, kept, report)
    except BaseException as error:
        kept.unlink(missing_ok=True)  # no line of the history names it: it would stay for ever
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(kept)
        raise
    try:
        append_event(
            deployment.paths.events,
            "validation.finished",
            {
                "status": report.status,
                "release": report.release,
                "checks": {name: check.status for name, check in report.checks.items()},
                "issues": [harmless(issue, 160) for issue in report.issues[:ISSUES_TOLD]],
                "report": kept.relative_to(deployment.root).as_posix(),
                "scheduled": report.scheduled,
                "occasion": report.occasion,
                "live": report.live,
                "tape_sha256": report.tape_sha256,
                "data_loss": _data_loss(report),
                "boot_id": boot_id(),
            },
            source="validation",
            clock=clock,
        )
    except (OpsError, OSError) as error:
        report = _unwritten(report, f"into the audit trail: {getattr(error, 'what', error)}", "FAIL")
        _write(deployment, kept, report)
    try:
        keep(deployment.paths, kept_of(report, kept.relative_to(deployment.root).as_posix()))
    except OSError as error:
        report = _unwritten(report, f"into the history of validations: {harmless(error)}", "WARN")
        _write(deployment, kept, report)
    else:
        _prune(deployment, at, clock)
    return report


def _prune(deployment: Deployment, at: datetime, clock: Clock) -> None:
    """Remove what is too old, and say so; what cannot be removed now the next validation removes."""
    with contextlib.suppress(OpsError, OSError):
        gone = prune(deployment.paths, deployment.kpis.checks.history, at, partial(relied_on, deployment))
        if gone:
            told = {"count": len(gone), "oldest": gone[0].timestamp, "newest": gone[-1].timestamp}
            append_event(deployment.paths.events, "validations.pruned", told, source="validation", clock=clock)


def report_json(report: Report) -> bytes:
    """The report as it is written and printed."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n"


def _write(deployment: Deployment, kept: Path, report: Report) -> None:
    data = report_json(report)
    write_file(kept, data)
    if report.live:
        write_file(deployment.paths.validation_report, data)


def _data_loss(report: Report) -> bool:
    """Whether rows or published files were found to be lost or altered, not merely a bad tape."""
    check = report.checks.get("data_integrity")
    return check is not None and check.figures.get("data_loss") is True


def _reserve(logs: Path, at: datetime) -> Path:
    """A name that no other validation has: ``validation_<time>.json``, with ``_2`` for a second one."""
    make_directory(logs)
    number = 1
    while True:
        path = logs / f"validation_{compact(at)}{'' if number == 1 else f'_{number}'}.json"
        try:
            os.close(open_new(path))
        except FileExistsError:
            number += 1
        else:
            return path


def _unwritten(report: Report, where: str, status: Status) -> Report:
    issue = f"this validation could not be written {where}"
    before = report.checks["audit_trail"]
    failed = msgspec.structs.replace(
        before, status=worst([before.status, status]), summary=issue, issues=(*before.issues, issue)
    )
    checks = {**report.checks, "audit_trail": failed}
    return msgspec.structs.replace(
        report,
        checks=checks,
        status=worst(check.status for check in checks.values()),
        issues=all_issues(checks),
    )
