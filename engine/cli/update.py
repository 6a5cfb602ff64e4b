"""``abaco-ops update``: a status update for the team, ready to be pasted, or sent."""

from __future__ import annotations

import argparse
import sys

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import CHECK_FAILED, DONE
from engine.records import whoami
from engine.state import StateReader
from engine.state.sending import record_sent, send_update
from engine.state.update import update_lines


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``update [--send [--channel NAME ...] | --sent]``."""
    parser.add_argument("--send", action="store_true", help="through updates.channels of config/monitoring.yml")
    parser.add_argument("--channel", metavar="NAME", action="append", default=[], help="with --send: this one instead")
    parser.add_argument("--sent", action="store_true", help="it was pasted by hand: record that it went out")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0; 1 when a channel did not take it."""
    deployment, clock = context.deployment(), SystemClock()
    if options.sent:
        context.require_write("abaco-ops update --sent", deployment)
        record_sent(deployment, [], actor=whoami(), clock=clock)
        print("recorded: the status update went out by hand")
        return DONE
    if not options.send:
        state = StateReader(deployment, clock).read()
        sys.stdout.write("\n".join(update_lines(state, state.at)) + "\n")
        return DONE
    context.require_write("abaco-ops update --send", deployment)
    channels = options.channel or deployment.monitoring.updates.channels
    results = send_update(deployment, channels, actor=whoami(), clock=clock)
    for name, (ok, detail) in results.items():
        print(f"{name:<12} {'ok' if ok else 'FAILED'}  {detail}")
    return DONE if all(ok for ok, _ in results.values()) else CHECK_FAILED
