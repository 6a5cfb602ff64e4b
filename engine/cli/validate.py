"""``abaco-ops validate``: the five checks of what production did, as a report for people and for scripts."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from engine.cli.frame import Context
from engine.cli.outlet import CLEAR_LINE, own
from engine.cli.paint import painted
from engine.errors import CHECK_FAILED, DONE

if TYPE_CHECKING:
    from engine.validation.model import Report

TITLES = {
    "kpi_calculations": "KPI calculations",
    "data_integrity": "data integrity",
    "performance": "performance",
    "error_handling": "error handling",
    "audit_trail": "audit trail",
}
_WIDTH = 79
_INDENT = 28


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("--tape", metavar="FILE", help="a trial on this tape; it leaves the live verdict alone")
    parser.add_argument("--json", action="store_true", help="the report as it is kept on disk")


def run(context: Context, options: argparse.Namespace) -> int:
    """Validate; exit 0 on PASS, and on WARN, which is said; 1 otherwise."""
    deployment = context.deployment()
    from engine.validation.giving_way import give_way
    from engine.validation.model import passes
    from engine.validation.reports import report_json
    from engine.validation.run import run_validation, silent

    give_way()
    live = sys.stderr.isatty() and not options.json
    tape = Path(options.tape) if options.tape else None
    report = run_validation(deployment, tape=tape, progress=_show_progress if live else silent)
    if live:
        _clear_line()
    if options.json:
        sys.stdout.buffer.write(report_json(report))
    else:
        sys.stdout.write("\n".join(_text(report)) + "\n")
    return DONE if passes(report.status) else CHECK_FAILED


def _text(report: Report) -> list[str]:
    build = f" {report.build[:6]}" if report.build else ""
    date = f", {report.measurement_date}" if report.measurement_date else ""
    lines = [*_hanging(" ", f"Validation of {report.release or 'no release'}{build} on {report.tape}{date}", 1), ""]
    for name, check in report.checks.items():
        head = f"   {painted(f'{check.status:<7}', check.status)} {TITLES.get(name, name):<16} "
        if len(check.issues) <= 1:
            lines += _hanging(head, check.summary)
        else:
            count = len(check.issues)
            lines.append(f"{head}{count} issues")
            lines += [line for issue in check.issues for line in _hanging(f"{' ' * _INDENT}- ", issue, _INDENT + 2)]
    passed = sum(check.status == "PASS" for check in report.checks.values())
    verdict = painted(report.status, report.status)
    lines += ["", f" {verdict}   {passed} of {len(report.checks)} checks passed, {report.seconds:.1f} s"]
    if report.live:
        lines.append(" Kept in production_validation_report.json and logs/")
    else:
        lines.append(" This was a trial on another tape: kept in logs/, production is not judged by it")
    return lines


def _hanging(head: str, text: str, indent: int = _INDENT) -> list[str]:
    width = _WIDTH - indent
    words = " ".join(piece for word in text.split() for piece in _pieces(word, width))
    wrapped = textwrap.wrap(words, width, break_on_hyphens=False) or [""]
    return [f"{head}{wrapped[0]}", *(f"{' ' * indent}{line}" for line in wrapped[1:])]


def _pieces(word: str, width: int) -> Iterator[str]:
    """A word that fits no line, in pieces; each but the last ends in a backslash, and behind a slash where it can."""
    while len(word) > width:
        cut = word.rfind("/", 0, width - 1) + 1 or width - 1
        yield f"{word[:cut]}\\"
        word = word[cut:]
    yield word


def _show_progress(check: str, state: str) -> None:
    if state == "running":
        sys.stderr.write(f"{own(CLEAR_LINE)} ...      {TITLES.get(check, check)}")
        sys.stderr.flush()


def _clear_line() -> None:
    sys.stderr.write(own(CLEAR_LINE))
    sys.stderr.flush()
