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
from engine.config.may_write import account_here, left_to_units
from engine.errors import CHECK_FAILED, DONE, Refused

if TYPE_CHECKING:
    from engine.config import Deployment
    from engine.validation.model import Part, Report
    from engine.validation.reading import Read

TITLES = {
    "kpi_calculations": "KPI calculations",
    "data_integrity": "data integrity",
    "performance": "performance",
    "error_handling": "error handling",
    "audit_trail": "audit trail",
}
_WIDTH = 79
_INDENT = 28
_PART = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("--tape", metavar="FILE", help="a trial on this tape; it leaves the live verdict alone")
    parser.add_argument("--json", action="store_true", help="the report as it is kept on disk")
    parser.add_argument("--parts", action="store_true", help="every question of each check, with its limit")
    parser.add_argument("--html", metavar="FILE", help="the report as one HTML file; - is standard output")
    parser.add_argument(
        "--detach", action="store_true", help="in the background: abort ID stops it, history ID shows it"
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Validate; exit 0 on PASS, and on WARN, which is said; 1 otherwise."""
    if options.json and options.html == "-":
        raise Refused("standard output takes one form", "--json or --html -")
    deployment = context.deployment()
    if options.detach:
        return _detached(deployment, options)
    if left_to_units(deployment, deployment.root):
        told = f"the report is written into {deployment.root}, and {account_here()} cannot write there"
        raise Refused(told, "abaco-ops validate --detach: its unit does it; abaco-ops validations shows it")
    if options.html and options.html != "-":
        from engine.reports.publish import check_place

        check_place(Path(options.html))  # before anything is done whose page then could not be put there
    from engine.services.leaving import in_order_when_asked
    from engine.validation.giving_way import give_way
    from engine.validation.model import passes
    from engine.validation.reading import silent as unheard
    from engine.validation.reports import report_json
    from engine.validation.run import run_validation, silent

    give_way()
    live = sys.stderr.isatty() and not options.json
    tape = Path(options.tape) if options.tape else None
    shown = _Progress() if live else None
    with in_order_when_asked():  # the release's KPI program, and what was copied for it, end with this one
        report = run_validation(
            deployment,
            tape=tape,
            progress=shown.begins if shown else silent,
            reading=shown.reads if shown else unheard,
        )
    if live:
        _clear_line()
    if options.json:
        sys.stdout.buffer.write(report_json(report))
    elif options.html != "-":
        sys.stdout.write("\n".join([*report_lines(report, parts=options.parts), *_where(report)]) + "\n")
    if options.html:
        write_page(deployment, report, options.html)
    return DONE if passes(report.status) else CHECK_FAILED


def _detached(deployment: Deployment, options: argparse.Namespace) -> int:
    """Start it in a process of its own, which does not notice this one's end."""
    from engine.operations.launch import launch_validation, origin_here
    from engine.records import whoami

    if options.tape or options.json or options.html or options.parts:
        raise Refused(
            "--detach validates the live tape and prints no report", "leave --tape, --json, --parts and --html out"
        )
    accepted = launch_validation(deployment, actor=whoami(), origin=origin_here())
    sys.stdout.write(f"ACCEPTED {accepted.id}, runs without you (worker pid {accepted.pid})\n")
    sys.stdout.write(f"see it: abaco-ops history {accepted.id}; stop it: abaco-ops abort {accepted.id}\n")
    return DONE


def write_page(deployment: Deployment, report: Report, where: str) -> None:
    """The report as one HTML file at ``where``, ``-`` for standard output. OSError when it cannot be written."""
    from engine.reports.validation_page import page
    from engine.validation.history import LOOKED_AT, read_history

    data = page(deployment, report, read_history(deployment.paths, LOOKED_AT).kept).encode("utf-8", "backslashreplace")
    if where == "-":
        sys.stdout.buffer.write(data)
        return
    from engine.records import write_file
    from engine.reports.publish import check_place

    check_place(Path(where))
    write_file(Path(where), data)


def report_lines(report: Report, *, parts: bool = False) -> list[str]:
    """A report for people; ``parts``: every question that was asked as well."""
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
        if parts:
            lines += [line for part in check.parts for line in _part_lines(part)]
    passed = sum(check.status == "PASS" for check in report.checks.values())
    verdict = painted(report.status, report.status)
    lines += ["", f" {verdict}   {passed} of {len(report.checks)} checks passed, {report.seconds:.1f} s"]
    return [*lines, *_told_beside(report)]


def _part_lines(part: Part) -> list[str]:
    counted = f"; {part.share}" if part.count else ""
    limit = f"; limit: {part.limit}" if part.limit else ""
    head = f"{' ' * 12}{painted(f'{part.status:<7}', part.status)} "
    lines = _hanging(head, f"{part.title}: {part.summary}{counted}{limit}", _PART)
    rows = [f"{'row ' + str(row.row) + ' ' if row.row else ''}{row.name}: {row.text}" for row in part.rows]
    return [*lines, *(line for row in rows for line in _hanging(f"{' ' * _PART}- ", row, _PART + 2))]


def _told_beside(report: Report) -> list[str]:
    """What changes no verdict and must not be silent: notes, and what was not run."""
    every = [part for check in report.checks.values() for part in check.parts]
    notes = [issue for part in every if part.severity == "note" and part.status == "WARN" for issue in part.issues]
    lines = [line for note in notes for line in _hanging(" Note: ", note, 7)]
    not_run = sum(part.status == "NOT RUN" for part in every)
    asked = f"{len(every) - not_run} of {len(every)} questions were asked"
    lines += [f" {asked}; --parts shows all, and why the others were not"] if not_run else []
    return lines


def _where(report: Report) -> list[str]:
    if report.live:
        return [" Kept in production_validation_report.json and logs/"]
    return [" This was a trial on another tape: kept in logs/, production is not judged by it"]


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


class _Progress:
    """One line on the terminal: the check at hand, and of a large tape how much was read."""

    def __init__(self) -> None:
        self._title = ""

    def begins(self, check: str, state: str) -> None:
        """A check begins, or has ended."""
        if state == "running":
            self._title = TITLES.get(check, check)
            self._show(self._title)

    def reads(self, read: Read) -> None:
        """So much was read."""
        self._show(f"{self._title}: {read}")

    def _show(self, words: str) -> None:
        sys.stderr.write(f"{own(CLEAR_LINE)} ...      {words}"[: _WIDTH + len(own(CLEAR_LINE))])
        sys.stderr.flush()


def _clear_line() -> None:
    sys.stderr.write(own(CLEAR_LINE))
    sys.stderr.flush()
