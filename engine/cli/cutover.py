"""``abaco-ops cutover``: activate the new release; a worker does it, this command only follows."""

from __future__ import annotations

import argparse

from engine.cli.frame import Context
from engine.cli.operating import Asked, add_operating_arguments, asked_from, operate
from engine.clock import SystemClock
from engine.config import Deployment
from engine.operations.launch import plan_cutover
from engine.operations.plan import Plan
from engine.state import StateReader
from engine.state.readiness import with_readiness


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    add_operating_arguments(parser)
    parser.add_argument(
        "--hold", action="store_true", help="do phases 0 to 2, then wait for abaco-ops go (or abort, or a rollback)"
    )
    parser.add_argument(
        "--accept-warn", metavar="CHECK", action="append", default=[], help="go on although this check says WARN"
    )


def run(context: Context, options: argparse.Namespace) -> int:
    """Plan, ask, start, follow; 0 done, 2 refused, 3 failed and as before, 4 a person is needed, 5 lock held."""
    asked = asked_from(options, accept_warn=tuple(options.accept_warn), hold=options.hold)
    return operate(context, _plan, asked, _question)


def _plan(deployment: Deployment, asked: Asked) -> Plan:
    plan = plan_cutover(deployment, hold=asked.hold)
    return with_readiness(deployment, plan, StateReader(deployment, SystemClock()).read)


def _question(plan: Plan) -> tuple[str, str]:
    if plan.hold:
        return f"Type yes to prepare {plan.release_to} and hold before the switch: ", "yes"
    return f"Type yes to cut over from {plan.release_from} to {plan.release_to}: ", "yes"
