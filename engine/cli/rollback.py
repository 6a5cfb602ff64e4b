"""``abaco-ops rollback``: the old release runs again, nothing is lost; a worker does it, this command only follows."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.cli.operating import Asked, add_operating_arguments, asked_from, operate
from engine.config import Deployment
from engine.operations.launch import plan_rollback
from engine.operations.plan import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    add_operating_arguments(parser)
    parser.add_argument(
        "--force", action="store_true", help="end the verified worker of whoever holds the lock, then go back"
    )
    parser.add_argument("--to", metavar="SNAPSHOT", default=None, help="restore this snapshot instead of the newest")


def run(context: Context, options: argparse.Namespace) -> int:
    """Plan, ask, start, follow; 0 done, 2 refused, 3 failed and as before, 4 a person is needed, 5 lock held."""
    asked = asked_from(options, snapshot=options.to, force=options.force)
    return operate(context, _plan, asked, _question)


def _plan(deployment: Deployment, asked: Asked) -> Plan:
    return plan_rollback(deployment, asked.snapshot, force=asked.force)


def _question(plan: Plan) -> tuple[str, str]:
    return f"Where do you want to be? Type {plan.release_to} then Enter: ", plan.release_to
