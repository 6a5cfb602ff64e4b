"""``abaco-ops wall``: the console as a display for the room; it only looks."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Nothing besides the options of every command."""


def run(context: Context, options: argparse.Namespace) -> int:
    """Open the wall; exits as the console does."""
    return int(context.open_console(context.root, True, wall=True))
