"""``abaco-ops resolve ID --reason TEXT``: close an operation that a person has put right by hand."""

from __future__ import annotations

import argparse
import sys

from engine.cli.frame import Context
from engine.cli.unfinished import ID_HELP, which
from engine.errors import DONE
from engine.operations.model import CLOSED_BY_HAND
from engine.operations.steering import resolve
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID", nargs="?", help=ID_HELP)
    parser.add_argument("--reason", metavar="TEXT", required=True)
    parser.add_argument(
        "--force",
        action="store_true",
        help="close it though configuration and metrics differ, and end the verified worker of whoever holds the lock",
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it into the records; changes nothing else."""
    context.require_write()
    deployment = context.deployment()
    operation = which(deployment, options.operation, "resolve")
    closed = resolve(deployment, operation, reason=options.reason, actor=whoami(), force=options.force)
    if closed.forced:
        sys.stderr.write(f"{closed.forced}\n")
    live = f"{closed.found.live.upper()} is live" if closed.found.live else "no release is live"
    sys.stdout.write(f"{operation} is {CLOSED_BY_HAND.upper()}: {live}; found: {closed.found.says}\n")
    return DONE
