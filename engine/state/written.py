"""Files that the screen shows as they are: the monitoring log, the validation report, the newest shadow run."""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import parse_iso
from engine.config import Deployment
from engine.errors import Refused
from engine.monitoring.shadow import Shadow, shadow_of, tape_stamp
from engine.records import harmless, records_from_end
from engine.records.atomic import open_to_read
from engine.records.unchanged import ReadOnce
from engine.records.undecodable import UNDECODABLE
from engine.state.absent import no_validation
from engine.state.model import CheckStatus, CheckView, ShadowView, ValidationView

LOG_BYTES = 32_768
LOG_ROWS = 200
ISSUES = 50


class LastRows:
    """The last rows of a growing text file, read again only when it changed."""

    def __init__(self, path: Path) -> None:
        self._file = ReadOnce(path, _last_rows)
        self._rows: tuple[str, ...] = ()

    def read(self, problems: list[str]) -> tuple[str, ...]:
        """The rows, made harmless; none when the file is absent."""
        try:
            self._rows = self._file.read()
        except FileNotFoundError:
            self._rows = ()
        except OSError as error:
            problems.append(harmless(f"monitoring log: {error}"))
        return self._rows


def _last_rows(path: Path) -> tuple[str, ...]:
    with open_to_read(path) as stream:
        stream.seek(max(os.fstat(stream.fileno()).st_size - LOG_BYTES, 0))
        lines = stream.read().decode("utf-8", "replace").splitlines()
    return tuple(harmless(line) for line in lines[-LOG_ROWS:])


class Report(msgspec.Struct, frozen=True):
    """The newest validation report, as far as the screen needs it."""

    status: CheckStatus
    release: str | None
    at: datetime
    checks: tuple[CheckView, ...]
    issues: tuple[str, ...]


class NewestReport:
    """The validation report, read again only when it was replaced or written to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = ReadOnce(path, _report)
        self._report: Report | None = None

    def read(self, problems: list[str]) -> Report | None:
        """The report; None when there is none, or none that can be read (then ``problems`` says so)."""
        try:
            self._report = self._file.read()
        except FileNotFoundError:
            self._report = None
        except (OSError, ValueError, *UNDECODABLE) as error:
            self._report = self._report if isinstance(error, OSError) else None
            problems.append(harmless(f"{self._path.name}: {error}"))
        return self._report


def _report(path: Path) -> Report:
    with open_to_read(path) as stream:
        return parse_report(stream.read())


class NewestShadow:
    """The old release's newest shadow run, read again only when another one was kept."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._file = ReadOnce(deployment.paths.shadow, _newest_shadow)
        self._newest: Shadow | None = None

    def read(self, problems: list[str]) -> ShadowView | None:
        """The view; None when there was none. A damaged line is passed over, and said."""
        try:
            self._newest = self._file.read()
        except (OSError, ValueError) as error:
            problems.append(harmless(f"{self._deployment.paths.shadow.name}: {error}"))
        found = self._newest
        if found is None:
            return None
        current = found.stamp == tape_stamp(self._deployment.tape)
        return ShadowView(found.release, found.at, found.values, found.reason, current)


def _newest_shadow(path: Path) -> Shadow | None:
    record = next(records_from_end(path), {})
    if record is None:
        raise ValueError("its last line is no record")
    return shadow_of(record) if record else None


class _Check(msgspec.Struct):
    status: CheckStatus
    figures: dict[str, Any] = {}
    issues: list[Any] = []
    summary: str = ""


class _Report(msgspec.Struct):
    timestamp: str
    status: CheckStatus
    checks: dict[str, _Check]
    issues: list[Any]
    release: str | None = None


def parse_report(data: bytes) -> Report:
    """The report's JSON; ValueError or msgspec.DecodeError when it has not the documented form."""
    report = msgspec.json.decode(data, type=_Report)
    checks = tuple(CheckView(harmless(name, 40), check.status, _said(check)) for name, check in report.checks.items())
    issues = tuple(_issue(issue) for issue in report.issues[:ISSUES])
    return Report(report.status, report.release, parse_iso(report.timestamp), checks, issues)


def validation_view(
    report: Report | None, path: Path, now: datetime, *, release: str | None, good_for: float, running: bool
) -> ValidationView:
    """The view. Stale: older than ``good_for`` seconds, or about a release that does not run now."""
    if report is None:
        return msgspec.structs.replace(no_validation(), running=running)
    old = now - report.at > timedelta(seconds=good_for)
    return ValidationView(
        status=report.status,
        observed_at=report.at,
        stale=old or release is None or report.release != release,
        checks=report.checks,
        issues=report.issues,
        report=str(path),
        running=running,
        release=report.release or "",
    )


def _said(check: _Check) -> str:
    """The check's own sentence, else the first thing that is wrong, else a few figures."""
    if check.summary:
        return harmless(check.summary, 200)
    if check.issues:
        return _issue(check.issues[0])
    shown = [
        f"{name} {value:.6g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in check.figures.items()
        if isinstance(value, str | int | float) and not isinstance(value, bool)
    ]
    return harmless(", ".join(shown[:4]), 200)


def _issue(issue: Any, most: int = 300) -> str:
    if isinstance(issue, dict):
        issue = issue.get("message") or issue.get("what") or issue.get("reason") or issue
    return harmless(issue, most)


OUTPUT_BYTES = 4 << 20
"""Of an operation's output, that are shown: the newest."""


def whole_output(path: Path) -> tuple[str, ...]:
    """Every line that an operation has left, made harmless; none when it has left none. OSError."""
    try:
        with open_to_read(path) as stream:
            size = os.fstat(stream.fileno()).st_size
            stream.seek(max(size - OUTPUT_BYTES, 0))
            lines = stream.read().decode("utf-8", "replace").splitlines()
    except FileNotFoundError:
        return ()
    left = (f"the first {size - OUTPUT_BYTES:,} bytes are in {path.name}",) if size > OUTPUT_BYTES else ()
    return (*left, *(harmless(line, 1000) for line in lines))


def whole_check(path: Path, name: str) -> tuple[tuple[str, str], ...]:
    """One check of the report on disk, as facts: status, every issue, every figure with its rows. Refused."""
    try:
        with open_to_read(path) as stream:
            report = msgspec.json.decode(stream.read(), type=_Report)
    except (OSError, *UNDECODABLE) as error:
        raise Refused(f"{path.name}: {harmless(error)}", "V validates again") from error
    check = report.checks.get(name)
    if check is None:
        raise Refused(f"the newest report has no check {harmless(name, 40)}", "V validates again")
    facts = [("status", check.status), ("of", f"{report.release or '?'}, {report.timestamp}"), ("said", check.summary)]
    facts += [(f"issue {number}", _issue(issue, 2000)) for number, issue in enumerate(check.issues, start=1)]
    return tuple((label, harmless(text, 2000)) for label, text in [*facts, *_figures(check.figures, ())])


def _figures(value: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    """Nested figures flat, each with its path; an empty one is left out."""
    if isinstance(value, dict):
        return [fact for key, inner in value.items() for fact in _figures(inner, (*path, harmless(key, 60)))]
    if isinstance(value, list) and any(isinstance(one, dict | list) for one in value):
        return [fact for number, inner in enumerate(value, 1) for fact in _figures(inner, (*path, str(number)))]
    text = ", ".join(str(one) for one in value) if isinstance(value, list) else "" if value is None else str(value)
    return [(" ".join(path), text)] if text else []
