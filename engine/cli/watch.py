"""``abaco-ops watch take|show``: who holds the watch."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.errors import DONE
from engine.monitoring import answers
from engine.records import harmless, read_lines, whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``watch take|show``."""
    parser.add_argument("action", choices=("take", "show"), nargs="?", default="show")


def run(context: Context, options: argparse.Namespace) -> int:
    """Take it, or say who has it."""
    deployment = context.deployment()
    if options.action == "take":
        context.require_write("abaco-ops watch take", deployment)
        event = answers.take_watch(deployment, actor=whoami())
        print(f"{event['actor']} has the watch since {event['at']}")
        return DONE
    taken = [event for event in read_lines(deployment.paths.events) if event.get("kind") == "watch.taken"]
    if not taken:
        print("nobody has the watch; abaco-ops watch take")
        return DONE
    holder = (taken[-1].get("data") or {}).get("holder") or taken[-1].get("actor")
    print(f"{harmless(holder, 60)} has the watch since {harmless(taken[-1].get('at'), 30)}")
    return DONE
