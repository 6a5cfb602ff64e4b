"""``abaco-ops report``: the sign-off or incident report, as Markdown and as one HTML file."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import DONE, Refused
from engine.reports.span import AT


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``report [--at WHEN [ID]] [-o FILE] [--format FORM]``."""
    parser.add_argument(
        "--at",
        choices=AT,
        help="whose moment it tells of: an hour or day after the cutover, a rollback, or this moment "
        "(default: the newest of these that has come)",
    )
    parser.add_argument(
        "id", metavar="ID", nargs="?", default="", help="with --at incident: which rollback; default the last"
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="where to; - is standard output; default logs/reports/")
    parser.add_argument("--format", choices=("md", "html", "both"), help="default both, or what FILE ends in")


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it and say where. Exit 0: it was made, whatever it has to say."""
    from engine.reports.publish import FORMS, rendered, write_report

    deployment, clock = context.deployment(), SystemClock()
    forms = FORMS[options.format or _form(options.output)]
    if options.output == "-":
        if len(forms) != 1:
            raise Refused("standard output takes one form", "--format md or --format html")
        from engine.reports.found import look

        text = rendered(look(deployment, clock, options.at, options.id), forms)[forms[0]]
        sys.stdout.buffer.write(text.encode("utf-8", "backslashreplace"))
        return DONE
    context.require_write("abaco-ops report", deployment)
    place = Path(options.output) if options.output else None
    done = write_report(deployment, clock, options.at, incident=options.id, forms=forms, place=place)
    for path in done.paths:
        print(path)
    for text in (*done.warnings, *done.found.problems):
        sys.stderr.write(f"abaco-ops: {text}\n")
    return DONE


def _form(output: str | None) -> str:
    if output == "-":
        return "md"
    ending = Path(output).suffix.lower() if output else ""
    return {".html": "html", ".htm": "html", ".md": "md"}.get(ending, "both")
