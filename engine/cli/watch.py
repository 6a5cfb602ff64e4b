"""``abaco-ops watch take|show|handover``: who holds the watch, what happened since, and a summary to paste."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import DONE
from engine.records import whoami
from engine.state import StateReader
from engine.state.hand_over import hand_over_lines, take


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``watch take|show|handover``."""
    parser.add_argument(
        "action",
        choices=("take", "show", "handover"),
        nargs="?",
        default="show",
        help="take it and read what happened; show who has it; handover: a summary to paste",
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Take it, say who has it, or print the summary."""
    deployment = context.deployment()
    if options.action == "take":
        context.require_write("abaco-ops watch take", deployment)
        actor = whoami()
        lines = take(deployment, actor=actor)
        print("\n".join([f"{actor} has the watch", *lines]))
        return DONE
    state = StateReader(deployment, SystemClock()).read()
    if options.action == "handover":
        print("\n".join(hand_over_lines(state, state.at)))
    elif state.watch.holder is None or state.watch.since is None:
        print("nobody has the watch; abaco-ops watch take")
    else:
        print(f"{state.watch.holder} has the watch since {state.watch.since:%d %b %H:%M:%SZ}")
    return DONE
