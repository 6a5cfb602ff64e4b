"""``abaco-ops ack CONDITION | --all``: say that someone has taken it, or all that is open."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.cli.lasting import seconds
from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import DONE, Refused
from engine.monitoring import answers
from engine.monitoring.board import newest_fresh
from engine.records import harmless, whoami
from engine.state import StateReader


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``ack CONDITION | --all [--reason TEXT] [--owner NAME] [--for 2h]``."""
    parser.add_argument("condition", metavar="CONDITION", nargs="?", help="its id, for example MEM")
    parser.add_argument("--all", action="store_true", help="every open alert that nobody has taken; needs a reason")
    parser.add_argument("--reason", metavar="TEXT", default="", help="what is being done about it")
    parser.add_argument("--owner", metavar="NAME", default="", help="who does it, when it is not you")
    parser.add_argument(
        "--for",
        dest="lasts",
        metavar="TIME",
        type=seconds,
        help="how long, such as 2h: then it goes up again from the level where it is; without: until it clears",
    )
    parser.add_argument(
        "--early",
        action="store_true",
        help="although it does not fire: if it does within the time of --for, you have it already",
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Write it and say when. Refused where there is nothing to take, unless ``--early``."""
    deployment = context.deployment()
    if bool(options.condition) == options.all:
        raise Refused("ack takes one CONDITION, or --all", "abaco-ops ack MEM --reason TEXT")
    if options.condition and not options.early:
        _waits(deployment, options.condition.upper())
    for condition in _untaken(deployment, options.reason) if options.all else [options.condition.upper()]:
        _take(deployment, condition, options)
    return DONE


def _untaken(deployment: Deployment, reason: str) -> list[str]:
    if not reason.strip():
        raise Refused("to take all alerts at once needs a reason", "abaco-ops ack --all --reason TEXT")
    state = StateReader(deployment, SystemClock()).read()
    found = [alert.condition for alert in state.alerts if alert.acknowledged_by is None]
    if not found:
        raise Refused("no open alert waits for anybody", "abaco-ops status shows what stands")
    return found


def _take(deployment: Deployment, condition: str, options: argparse.Namespace) -> None:
    event = answers.acknowledge(
        deployment,
        condition,
        reason=options.reason,
        owner=options.owner,
        lasts=options.lasts,
        early=options.early,
        actor=whoami(),
    )
    until = f" until {event['data']['until']}" if event["data"]["until"] else ""
    owner = event["data"]["owner"]
    owned = f", owner {harmless(owner, 60)}" if owner != event["actor"] else ""
    word = "will be taken by" if options.early else "acknowledged by"
    more = " if it fires by then" if options.early else ""
    print(f"{condition} {word} {event['actor']} at {event['at']}{until}{more}{owned}")


def _waits(deployment: Deployment, condition: str) -> None:
    """Refused when the monitor's newest sample says that the condition neither fires nor has an open alert."""
    seen = newest_fresh(deployment, SystemClock())
    if seen is None or condition not in deployment.monitoring.conditions:
        return  # without a fresh sample nobody can say, and an unknown name is refused as such
    if any(one.id == condition and one.firing for one in seen.conditions):
        return
    taken = {one.condition for one in seen.alerts}
    if condition not in taken:
        raise Refused(
            f"{condition} does not fire and has no open alert: there is nothing to acknowledge",
            f"open now: {', '.join(sorted(taken)) or 'none'}; --early --for 2h takes it beforehand",
        )
