"""``abaco-ops silence CONDITION --for 30m --reason TEXT``: page nobody about it for a while; it still stands."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.cli.lasting import seconds
from engine.clock import SystemClock, iso
from engine.config import Deployment
from engine.errors import DONE, Refused
from engine.monitoring import answers
from engine.monitoring.alerts import Silence
from engine.monitoring.answered import Answered, answered
from engine.records import harmless, read_lines, whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``silence CONDITION --for TIME --reason TEXT``, ``--list``, ``--end CONDITION``."""
    parser.add_argument("condition", metavar="CONDITION", nargs="?", help="its id, for example MEM")
    parser.add_argument("--for", dest="lasts", metavar="TIME", type=seconds, help="how long, such as 30m")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why nobody needs to be paged")
    parser.add_argument("--end", metavar="CONDITION", help="end a silence before its time")
    parser.add_argument("--list", action="store_true", help="what is silenced now")
    parser.add_argument("--json", action="store_true", help="the list, for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Silence, end, or list. Refused without a reason, or for longer than silences.longest."""
    deployment = context.deployment()
    if options.end:
        context.require_write("abaco-ops silence", deployment)
        return _end(deployment, options.end.upper())
    if options.condition is None or options.list:
        return _list(deployment, as_json=options.json)
    context.require_write("abaco-ops silence", deployment)
    condition = options.condition.upper()
    if options.lasts is None:
        raise Refused("a silence ends by itself", f"abaco-ops silence {condition} --for 30m --reason TEXT")
    event = answers.silence(deployment, condition, reason=options.reason, lasts=options.lasts, actor=whoami())
    print(f"{condition} silenced until {event['data']['until']} by {event['actor']}; it still stands in the verdict")
    return DONE


def _end(deployment: Deployment, condition: str) -> int:
    if condition not in _standing(deployment):
        raise Refused(f"{harmless(condition, 40)} is not silenced", "abaco-ops silence --list")
    event = answers.end_silence(deployment, condition, actor=whoami())
    print(f"{condition} is silenced no more, since {event['at']}")
    return DONE


def _standing(deployment: Deployment) -> dict[str, Silence]:
    found = answered(Answered(), read_lines(deployment.paths.events))
    return found.silenced(SystemClock().now().wall)


def _list(deployment: Deployment, *, as_json: bool) -> int:
    found = _standing(deployment)
    if as_json:
        plain = [
            {"condition": name, "until": iso(one.until), "by": one.by, "reason": one.reason}
            for name, one in found.items()
        ]
        sys.stdout.buffer.write(msgspec.json.encode(plain) + b"\n")
        return DONE
    for name, one in found.items():
        print(f"{name} silenced until {iso(one.until)} by {one.by}: {one.reason}")
    if not found:
        print("nothing is silenced")
    return DONE
