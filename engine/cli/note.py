"""``abaco-ops note TEXT``: a note in the audit trail."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.errors import DONE
from engine.monitoring import answers
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``note TEXT``."""
    parser.add_argument("text", metavar="TEXT", nargs="+", help="what to write down")


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it and say when."""
    event = answers.note(context.deployment(), " ".join(options.text), actor=whoami())
    print(f"noted at {event['at']}")
    return DONE
