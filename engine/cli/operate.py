"""``abaco-ops operate NAME``: the worker of one operation, as ``abaco-ops-operation@.service`` runs it."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``operate NAME``."""
    parser.add_argument("name", metavar="NAME", help="the unit's instance name: 0003-cutover.1, rehearse.1")


def run(context: Context, options: argparse.Namespace) -> int:
    """Carry it out; the exit code is that of the command which follows it. Refused when nobody asked for it."""
    from engine.operations.unit_worker import REHEARSE, read_start
    from engine.operations.worker import main

    context.require_write("abaco-ops operate")  # what was asked for comes to its end, also where people only look now
    operation, start = read_start(context.deployment(), options.name)
    if operation == REHEARSE:
        from engine.clock import SystemClock
        from engine.operations.unit_rehearsal import carry_out

        return carry_out(context.deployment(), int(options.name.rpartition(".")[2]), start, SystemClock())
    words = ["--root", str(context.root), "--operation", operation, "--mode", start.mode]
    words += [f"--actor={start.actor}", f"--origin={start.origin}", *(["--force"] if start.force else [])]
    return main(words)
