"""``abaco-ops abort ID``: undo a cutover that runs or stopped before the new release's first start."""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path

from engine.cli.following import follow
from engine.cli.frame import Context
from engine.cli.unfinished import ID_HELP, which
from engine.config import Deployment
from engine.errors import DONE, FAILED_AND_BACK
from engine.operations.steering import abort, unanswered
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID", nargs="?", help=ID_HELP)
    parser.add_argument("--reason", metavar="TEXT", default="")
    parser.add_argument("--force", action="store_true", help="its worker hangs: end it (verified), then undo")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """Ask for it and follow; 0 when everything is as before the cutover."""
    context.require_write()
    deployment = context.deployment()
    operation = which(deployment, options.operation, "abort")
    asked = abort(deployment, operation, actor=whoami(), reason=options.reason, force=options.force)
    if isinstance(asked, Path):
        threading.Thread(target=_say_when_it_hangs, args=(deployment, operation, asked), daemon=True).start()
    code = follow(deployment, operation, as_json_at_end=options.json)
    return DONE if code == FAILED_AND_BACK else code


def _say_when_it_hangs(deployment: Deployment, operation: str, request: Path) -> None:
    """Beside the following, which has nothing to tell of a worker that does nothing."""
    told = unanswered(deployment, operation, request)
    if told:
        sys.stderr.write(f"{told}\n")
        sys.stderr.flush()
