"""``abaco-ops status``: the state, once."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import DONE
from engine.state import StateReader
from engine.state.exported import as_json
from engine.state.told import lines
from engine.state.update import update_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="everything, for scripts")
    form.add_argument("--update", action="store_true", help="a few lines for the team, ready to be pasted")


def run(context: Context, options: argparse.Namespace) -> int:
    """Print the state; exit 0 whatever the verdict is, since it could be read."""
    state = StateReader(context.deployment(), SystemClock()).read()
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(as_json(state)) + b"\n")
    elif options.update:
        sys.stdout.write("\n".join(update_lines(state, state.at)) + "\n")
    else:
        sys.stdout.write("\n".join(lines(state)) + "\n")
    return DONE
