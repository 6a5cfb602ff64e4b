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


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("--json", action="store_true", help="everything, for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Print the state; exit 0 whatever the verdict is, since it could be read."""
    state = StateReader(context.deployment(), SystemClock()).read()
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(as_json(state)) + b"\n")
    else:
        sys.stdout.write("\n".join(lines(state)) + "\n")
    return DONE
