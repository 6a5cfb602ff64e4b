"""``abaco-ops ready``: what stands against a GO, one line each, and what to do about it.

A cutover names these lines and goes on: the GO is a person's.
"""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import CHECK_FAILED, DONE
from engine.state import StateReader
from engine.state.readiness import blocking, readiness, ready_text


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``ready [--json]``."""
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0 when nothing blocks GO, else 1."""
    deployment = context.deployment()
    lines = readiness(deployment, StateReader(deployment, SystemClock()).read())
    blocks = blocking(lines)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode({"ready": not blocks, "lines": lines}) + b"\n")
    else:
        print("\n".join(ready_text(lines)))
    return CHECK_FAILED if blocks else DONE
