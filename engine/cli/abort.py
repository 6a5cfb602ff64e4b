"""``abaco-ops abort ID``: undo a cutover that runs or stopped before the new release's first start."""

from __future__ import annotations

import argparse

from engine.cli.following import follow
from engine.cli.frame import Context
from engine.errors import DONE, FAILED_AND_BACK
from engine.operations.steering import abort, find
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID")
    parser.add_argument("--reason", metavar="TEXT", default="")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """Ask for it and follow; 0 when everything is as before the cutover."""
    context.require_write()
    deployment = context.deployment()
    operation = find(deployment, options.operation).id
    abort(deployment, operation, actor=whoami(), reason=options.reason)
    code = follow(deployment, operation, as_json_at_end=options.json)
    return DONE if code == FAILED_AND_BACK else code
