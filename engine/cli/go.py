"""``abaco-ops go [ID]``: tell a held cutover to go on with the switch; its worker checks first that nothing changed."""

from __future__ import annotations

import argparse
import json
import sys

from engine.cli.following import follow
from engine.cli.frame import Context
from engine.cli.operating import json_ready
from engine.errors import DONE
from engine.operations.journal import read_operation
from engine.operations.launch import origin_here
from engine.operations.outcome import as_json
from engine.operations.steering import go
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID", nargs="?", help="the held cutover; needed only to be sure of it")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why now; stands in every record")
    parser.add_argument("--detach", action="store_true", help="give the go and do not follow")
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def run(context: Context, options: argparse.Namespace) -> int:
    """Give it and follow; exit codes as of the cutover: 0 done, 3 expired or failed and as before, 4 a person."""
    context.require_write()
    deployment = context.deployment()
    operation = go(deployment, options.operation, actor=whoami(), reason=options.reason, origin=origin_here())
    told = f"GO {operation}, its worker has taken it and runs without you"
    (sys.stderr if options.json else sys.stdout).write(told + "\n")
    if not options.detach:
        return follow(deployment, operation, as_json_at_end=options.json)
    if options.json:
        now = read_operation(deployment.paths.operation(operation))
        sys.stdout.write(json.dumps(json_ready(as_json(now))) + "\n")
    else:
        sys.stdout.write(f"follow it: abaco-ops history {operation}\n")
    return DONE
