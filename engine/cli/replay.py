"""``abaco-ops replay``: a past stretch in the console itself, or the state at one moment."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import datetime

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import DONE, Refused
from engine.state.exported import as_json
from engine.state.playback import Playback, moment_of
from engine.state.replayed import ReplayReader, recorded
from engine.state.told import lines

DEFAULT_FROM = "-8h"
FASTEST = 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``replay [--from TIME] [--to TIME] [--speed N] | --at TIME [--json]``."""
    # -8h is a moment here, not an option
    parser._negative_number_matcher = re.compile(r"^-[0-9][0-9.:]*[smhd0-9.]*$")
    moment = "2026-01-31T02:00Z, T+7h or T+5h50 (after the cutover), -8h (before now), now"
    parser.add_argument("--from", dest="begin", metavar="TIME", default=DEFAULT_FROM, help=moment)
    parser.add_argument("--to", dest="end", metavar="TIME", default="now", help="where it stops (now)")
    parser.add_argument("--speed", metavar="N", type=float, default=10.0, help="seconds of then in one of now (10)")
    parser.add_argument("--at", metavar="TIME", help="print the state at this moment, and open nothing")
    parser.add_argument("--json", action="store_true", help="with --at: as status --json prints it")


def run(context: Context, options: argparse.Namespace) -> int:
    """Open the console on the past, or print one moment of it. Exit 2 when nothing is recorded there."""
    if options.json and options.at is None:
        raise Refused("--json belongs to --at", "abaco-ops replay --at T+7h --json")
    deployment = context.deployment()
    extent = recorded(deployment)
    if extent is None:
        raise Refused("nothing was recorded here yet", "abaco-ops monitor records, and so does every console")
    now = SystemClock().now().wall
    if options.at is not None:
        return _print(deployment, _moment(deployment, options.at, now), as_data=options.json)
    if not 0 < options.speed <= FASTEST:
        raise Refused(f"--speed {options.speed:g}: it must be more than 0 and at most {FASTEST:g}", "--speed 60")
    begin = max(_moment(deployment, options.begin, now), extent[0])
    end = min(_moment(deployment, options.end, now), now)
    if begin >= end:
        raise Refused(
            f"from {begin:%Y-%m-%d %H:%M:%SZ} to {end:%Y-%m-%d %H:%M:%SZ} there is nothing to show",
            f"the records begin at {extent[0]:%Y-%m-%d %H:%M:%SZ} and end at {extent[1]:%Y-%m-%d %H:%M:%SZ}",
        )
    return int(context.open_console(context.root, True, Playback(begin, end, speed=options.speed)))


def _moment(deployment: Deployment, text: str, now: datetime) -> datetime:
    """The moment that ``text`` names; the cutover is looked up only where one counts from it."""
    cutover_at = ReplayReader(deployment, lambda: now).at(now).cutover_at if text[:2] in ("T+", "t+") else None
    return moment_of(text, now=now, cutover_at=cutover_at, scale=float(deployment.console.time_scale))


def _print(deployment: Deployment, moment: datetime, *, as_data: bool) -> int:
    if moment > (now := SystemClock().now().wall):
        raise Refused(f"{moment:%Y-%m-%d %H:%M:%SZ} is not past yet", f"it is {now:%Y-%m-%d %H:%M:%SZ}")
    state = ReplayReader(deployment, lambda: moment).read()
    if as_data:
        sys.stdout.buffer.write(msgspec.json.encode({**as_json(state), "replayed": True}) + b"\n")
    else:
        print("\n".join([f" REPLAY of {moment:%Y-%m-%d %H:%M:%SZ}, from the records", *lines(state)]))
    return DONE
