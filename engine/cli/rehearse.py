"""``abaco-ops rehearse``: everything of a rollback but the swap, on the live deployment, timed and remembered."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.errors import CHECK_FAILED, DONE
from engine.operations.rehearsal import Rehearsal, done_by_unit, rehearse
from engine.operations.rehearsal_parts import Part
from engine.operations.watchers import origin_here
from engine.records import whoami


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.description = (
        "Chooses the snapshot, checks every hash, stages a tree, writes the configuration, tries the exchange on "
        "scratch directories and lets the old release compute, as a rollback would; then discards its copies. No live "
        "file is touched and no service is stopped; a rollback that begins meanwhile is given way to. Before a cutover "
        "it takes a snapshot of its own. Not measured: how long the releases take to stop and to start. "
        "Exit 0 READY, 1 NOT READY, 2 refused, 5 an operation or another rehearsal runs."
    )
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def run(context: Context, options: argparse.Namespace) -> int:
    """Rehearse; 0 when a rollback would succeed, as far as can be known without the swap."""
    deployment = context.deployment()
    tell = None if options.json else _say
    if done_by_unit(deployment):
        from engine.operations.unit_rehearsal import ask

        context.require_write("abaco-ops rehearse", deployment)
        found = ask(deployment, actor=whoami(), origin=origin_here(), tell=tell)
    else:
        found = rehearse(deployment, SystemClock(), actor=whoami(), tell=tell)
    if options.json:
        sys.stdout.write(json.dumps(json.loads(msgspec.json.encode(found))) + "\n")
    else:
        sys.stdout.write("\n".join(_summary(found, deployment.console.cadence.verify_hold)) + "\n")
    return DONE if found.ok else CHECK_FAILED


def _say(part: Part) -> None:
    sys.stdout.write(f"  {'ok' if part.ok else 'NO'}  {part.name:<14} {part.seconds:7.2f} s  {part.detail}\n")
    sys.stdout.flush()


def _summary(found: Rehearsal, hold: float) -> list[str]:
    lines = [f"  note: {found.note}"] if found.note else []
    way = f"{found.release} {found.build[:6]}".rstrip()
    if not found.ok:
        return [*lines, f"NOT READY to go back to {way}: {found.reason}"]
    what = "as if after a cutover now" if found.own_snapshot else f"with snapshot {found.snapshot}"
    return [*lines, f"READY: back on {way} in about {found.seconds:.1f} s, {hold:g} s of it watching; {what}"]
