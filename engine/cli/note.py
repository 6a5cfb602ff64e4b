"""``abaco-ops note [--operation ID] TEXT``: a note in the audit trail, and the reason of an operation afterwards."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.errors import DONE
from engine.monitoring import answers
from engine.operations.steering import find
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``note [--operation ID] TEXT``."""
    parser.add_argument(
        "--operation", metavar="ID", help="of which operation it tells, such as why a rollback was begun"
    )
    parser.add_argument("text", metavar="TEXT", nargs="+", help="what to write down")


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it and say when."""
    deployment = context.deployment()
    operation = find(deployment, options.operation).id if options.operation else ""
    event = answers.note(deployment, " ".join(options.text), operation=operation, actor=whoami())
    print(f"noted at {event['at']}" + (f", on {operation}: its incident report says so" if operation else ""))
    return DONE
