"""``abaco-ops drill``: make the demo's pipeline misbehave for a while, so that a team can rehearse a night."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.clock import SystemClock, pretty_duration
from engine.config import Deployment
from engine.config.quantities import Duration
from engine.drills.ending import Ended, end
from engine.drills.faults import FAULTS, Fault, after, lasts
from engine.drills.order import read_order
from engine.errors import DONE, NEEDS_HUMAN, Refused
from engine.monitoring.drilling import begin, must_be_demo
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``drill FAULT [--for 2m] | --end | --list``."""
    parser.add_argument("fault", metavar="FAULT", nargs="?", choices=(*FAULTS,), help=", ".join(FAULTS))
    parser.add_argument("--for", dest="length", metavar="TIME", help="2m, 90s: it ends by itself after this time")
    parser.add_argument("--end", action="store_true", help="end the drill that runs, and put everything right")
    parser.add_argument("--list", action="store_true", help="every drill, and the verdict it leads to")


def run(context: Context, options: argparse.Namespace) -> int:
    """Begin, end or list. Exit 2 where this is no demo, 4 when something could not be put right."""
    if sum((options.fault is not None, options.end, options.list)) != 1:
        raise Refused("say one of: a FAULT, --end, --list", f"the faults: {', '.join(FAULTS)}")
    if options.length is not None and options.fault is None:
        raise Refused("--for belongs to a FAULT", "abaco-ops drill latency --for 2m")
    deployment = context.deployment()
    if options.list:
        print("\n".join(_listed(deployment)))
        return DONE
    must_be_demo(deployment)
    context.require_write("abaco-ops drill", deployment)
    return _end(deployment) if options.end else _begin(deployment, options.fault, options.length)


def _begin(deployment: Deployment, fault: str, length: str | None) -> int:
    try:
        seconds = None if length is None else float(Duration.parse(length))
    except ValueError as error:
        raise Refused(f"--for {length}: it must be {error}", "abaco-ops drill latency --for 2m") from error
    order = begin(deployment, fault, seconds=seconds, actor=whoami(), clock=SystemClock())
    print(f"DRILL {fault} of {order.release}: {FAULTS[fault].does}")
    print(f"  expect {_expected(deployment, FAULTS[fault])}" + _on_old(deployment, order.release))
    print(f"  ends by itself in {pretty_duration(order.until_boot - order.begun_boot)}; at once: abaco-ops drill --end")
    return DONE


def _end(deployment: Deployment) -> int:
    ended = end(deployment, "ended by hand", actor=whoami(), clock=SystemClock())
    if ended is None:
        print("no drill runs")
        return DONE
    print("\n".join(_told(ended)))
    return DONE if ended.ok else NEEDS_HUMAN


def _told(ended: Ended) -> list[str]:
    state = "has ended" if ended.ok else "has ended, and not everything is as it was"
    return [f"the drill {ended.order.drill} {state}", *(f"  {sentence}" for sentence in ended.said)]


def _listed(deployment: Deployment) -> list[str]:
    lines = []
    for fault in FAULTS.values():
        lines += [f"{fault.name:<13} {fault.does}"]
        lines += [f"{'':<13} {_expected(deployment, fault)}; lasts {pretty_duration(lasts(deployment, fault))}"]
    old = deployment.console.releases.old
    lines += ["", f"While {old} is live there is nothing to roll back: where ROLL BACK stands, expect INVESTIGATE."]
    lines += ["A drill begun before the first runs of a release, or on a busy machine, may take a little longer."]
    order = read_order(deployment.root)
    now = SystemClock().now()
    if order is not None and order.runs(now):
        lines += [f"Running: {order.drill} of {order.release}, ends in {pretty_duration(order.until_boot - now.boot)}."]
    return lines


def _expected(deployment: Deployment, fault: Fault) -> str:
    """``INVESTIGATE after 2m (LAT), ROLL BACK after 10m (THR)``."""
    parts = []
    for expected in fault.expects:
        seconds = after(deployment, expected)
        if seconds is None:
            parts.append(f"{expected.verdict} is not judged here: {expected.condition} has no such tier")
        else:
            by = f" ({expected.condition})" if expected.condition else ""
            parts.append(f"{expected.verdict} after {pretty_duration(seconds)}{by}")
    return ", ".join(parts)


def _on_old(deployment: Deployment, release: str) -> str:
    old = deployment.console.releases.old
    return f"\n  {old} is live: ROLL BACK reads INVESTIGATE, there is nothing to roll back" if release == old else ""
