"""``abaco-ops monitor``: the monitor in the foreground, until Ctrl-C."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.errors import DONE, Refused
from engine.monitoring.launch import restart_monitor, stop_monitor
from engine.monitoring.loop import stopping_on_signals, watch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``monitor [--stop | --restart]``."""
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--stop", action="store_true", help="end the one that runs in the background")
    instead.add_argument(
        "--restart", action="store_true", help="end the one that runs, even if it hangs, and start another behind"
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Watch until a signal. Exit 5 when another monitor runs, 2 when the deployment is read-only."""
    deployment = context.deployment()
    if options.stop:
        if not stop_monitor(deployment):
            raise Refused("no monitor runs here", "abaco-ops monitor starts one")
        print("the monitor has stopped")
        return DONE
    if options.restart:
        pid = restart_monitor(deployment)
        if pid is None:
            raise Refused("a drill wants no monitor to run", "abaco-ops drill --end")
        print(f"another monitor runs, pid {pid}")
        return DONE
    with stopping_on_signals() as stop:
        watch(context.root, stop)
    return DONE
