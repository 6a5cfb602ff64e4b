"""``abaco-ops follow``: the state in plain lines, one for each thing that changes, until Ctrl-C."""

from __future__ import annotations

import argparse
import math
import sys
import time

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.config.quantities import LONGEST
from engine.errors import DONE
from engine.state.exported import as_json
from engine.state.patient import PatientReader
from engine.state.told import marks, news


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("--json", action="store_true", help="the whole state as one JSON line at each change")
    parser.add_argument("--for", dest="seconds", metavar="SECONDS", type=_seconds, help="end after this time")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds <= LONGEST:  # neither does nan lie in it
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds from 0 to {LONGEST:g}")
    return seconds


def run(context: Context, options: argparse.Namespace) -> int:
    """Follow until Ctrl-C, the end of ``--for``, or until the reader of the output leaves."""
    deployment = context.deployment()
    clock = SystemClock()
    reader = PatientReader(deployment, clock)
    until = None if options.seconds is None else clock.now().boot + options.seconds
    told: dict[str, str] = {}
    while True:
        state = reader.read()
        now = marks(state)
        fresh = news(told, now)
        if fresh and options.json:
            sys.stdout.write(msgspec.json.encode(as_json(state)).decode() + "\n")
        elif fresh:
            sys.stdout.write("".join(f"{state.at:%H:%M:%SZ}  {line}\n" for line in fresh))
        sys.stdout.flush()
        told = now
        if until is not None and clock.now().boot >= until:
            return DONE
        time.sleep(min(float(deployment.console.cadence.sample), 1.0))
