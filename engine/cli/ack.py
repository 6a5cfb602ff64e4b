"""``abaco-ops ack CONDITION``: say that someone has taken it."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.errors import DONE
from engine.monitoring import answers
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``ack CONDITION [--reason TEXT]``."""
    parser.add_argument("condition", metavar="CONDITION", help="its id, for example MEM")
    parser.add_argument("--reason", metavar="TEXT", default="", help="what is being done about it")


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it and say when."""
    condition = options.condition.upper()
    event = answers.acknowledge(context.deployment(), condition, reason=options.reason, actor=whoami())
    print(f"{condition} acknowledged by {event['actor']} at {event['at']}")
    return DONE
