"""``abaco-ops resume ID``: go on with an operation that stopped half-way; every step is probed first."""

from __future__ import annotations

import argparse

from engine.cli.following import follow
from engine.cli.frame import Context
from engine.cli.unfinished import ID_HELP, which
from engine.operations.steering import resume
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID", nargs="?", help=ID_HELP)
    parser.add_argument(
        "--force", action="store_true", help="end the verified worker of whoever holds the lock, then go on"
    )
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """Start a worker that goes on, and follow it; exit codes as of the operation itself."""
    context.require_write()
    deployment = context.deployment()
    operation = which(deployment, options.operation, "resume")
    resume(deployment, operation, actor=whoami(), force=options.force)
    return follow(deployment, operation, as_json_at_end=options.json)
