"""``abaco-ops ack CONDITION``: say that someone has taken it."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.cli.lasting import seconds
from engine.errors import DONE
from engine.monitoring import answers
from engine.records import harmless, whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``ack CONDITION [--reason TEXT] [--owner NAME] [--for 2h]``."""
    parser.add_argument("condition", metavar="CONDITION", help="its id, for example MEM")
    parser.add_argument("--reason", metavar="TEXT", default="", help="what is being done about it")
    parser.add_argument("--owner", metavar="NAME", default="", help="who does it, when it is not you")
    parser.add_argument(
        "--for",
        dest="lasts",
        metavar="TIME",
        type=seconds,
        help="how long, such as 2h: then it goes up again from the level where it is; without: until it clears",
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it and say when."""
    condition = options.condition.upper()
    event = answers.acknowledge(
        context.deployment(),
        condition,
        reason=options.reason,
        owner=options.owner,
        lasts=options.lasts,
        actor=whoami(),
    )
    until = f" until {event['data']['until']}" if event["data"]["until"] else ""
    owner = event["data"]["owner"]
    owned = f", owner {harmless(owner, 60)}" if owner != event["actor"] else ""
    print(f"{condition} acknowledged by {event['actor']} at {event['at']}{until}{owned}")
    return DONE
