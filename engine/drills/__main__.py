"""``python -m engine.drills keep | end --root DIR``: waits for the end of a drill and ends it, or ends it at once."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from engine.clock import SystemClock
from engine.config import load_deployment
from engine.drills.ending import end
from engine.drills.order import read_order
from engine.errors import DONE, NEEDS_HUMAN, OpsError
from engine.records import whoami

_LOOK = 0.25
"""Seconds between two looks whether somebody ended it before its time."""


def main(arguments: list[str]) -> int:
    """Exit 0 when nothing is left of a drill, 4 when something could not be put right.

    ``end`` ends what is overdue alone: whoever called it may have seen a drill that was just being ended.
    """
    parser = argparse.ArgumentParser(prog="engine.drills")
    parser.add_argument("action", choices=("keep", "end"))
    parser.add_argument("--root", type=Path, required=True)
    options = parser.parse_args(arguments)
    root, clock = options.root.resolve(), SystemClock()
    try:
        own = _await_end(root) if options.action == "keep" else ""
        if own is None:
            return DONE
        ended = end(
            load_deployment(root),
            "its time was over",
            actor=whoami(),
            clock=clock,
            only=lambda order: order.id == own or (not own and order.overdue(clock.now())),
        )
    except (OpsError, OSError) as error:
        sys.stderr.write(f"the drill could not be ended: {error}\n")
        return NEEDS_HUMAN
    return DONE if ended is None or ended.ok else NEEDS_HUMAN


def _await_end(root: Path) -> str | None:
    """The id of the drill whose time is over; None when somebody ended it before."""
    order, clock = read_order(root), SystemClock()
    while order is not None and order.runs(now := clock.now()):
        time.sleep(min(_LOOK, max(order.until_boot - now.boot, 0.0)))
        again = read_order(root)
        order = again if again is not None and again.id == order.id else None
    return order.id if order is not None else None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
