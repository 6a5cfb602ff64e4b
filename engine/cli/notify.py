"""``abaco-ops notify test [CHANNEL]``: a marked message through each channel, and what happened to it."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import CHECK_FAILED, DONE, Refused
from engine.notify.fared import how_they_fared
from engine.notify.trial import try_channels
from engine.records import append_event, whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``notify test [CHANNEL ...] [--json]``, ``notify list``."""
    parser.add_argument("action", choices=("test", "list"))
    parser.add_argument("channels", metavar="CHANNEL", nargs="*", help="these only; none named: all")
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0 when every channel took it, 1 otherwise. ``notify.tested`` fills in the line of the checklist."""
    deployment = context.deployment()
    known = deployment.monitoring.notify.channels
    unknown = [name for name in options.channels if name not in known]
    if unknown:
        raise Refused(f"there is no channel {unknown[0]!r}", f"one of: {', '.join(known)}")
    names = options.channels or list(known)
    if options.action == "list":
        fared = {one.channel: one for one in how_they_fared(deployment)}
        for name in names:
            how = fared[name].words if name in fared else "nothing was sent by it yet"
            print(f"{name:<12} {known[name].kind:<8} {how}")
        return DONE
    context.require_write("abaco-ops notify test", deployment)
    results = try_channels(deployment, names, SystemClock(), actor=whoami())
    plain = {name: {"ok": ok, "detail": detail} for name, (ok, detail) in results.items()}
    passed = all(ok for ok, _ in results.values())
    append_event(
        deployment.paths.events,
        "notify.tested",
        {"channels": plain, "ok": passed, "all": set(names) == set(known)},
        source="people",
        actor=whoami(),
    )
    if any(known[name].kind == "bell" for name in names) and sys.stdout.isatty():
        sys.stdout.write("\a")
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(plain) + b"\n")
    else:
        for name, (ok, detail) in results.items():
            print(f"{name:<12} {known[name].kind:<8} {'ok' if ok else 'FAILED'}  {detail}")
    return DONE if passed else CHECK_FAILED
