"""What ``cutover`` and ``rollback`` share: show the plan, have it confirmed, start the worker, follow it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from engine.cli.following import follow
from engine.cli.frame import Context
from engine.config import Deployment
from engine.errors import DONE, LOCK_HELD, REFUSED, LockHeld, Refused
from engine.operations.journal import read_operation
from engine.operations.launch import launch, origin_here
from engine.operations.outcome import as_json
from engine.operations.plan import Plan
from engine.operations.room import size
from engine.records import whoami
from engine.records.counted import counted


@dataclass(frozen=True, slots=True)
class Asked:
    """What stood on the command line."""

    dry_run: bool
    yes: bool
    reason: str
    detach: bool
    json: bool
    accept_warn: tuple[str, ...] = ()
    snapshot: str | None = None
    hold: bool = False
    force: bool = False


def add_operating_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of both commands."""
    parser.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--reason", metavar="TEXT", default="", help="why; stands in every record")
    parser.add_argument("--detach", action="store_true", help="start it and do not follow")
    parser.add_argument("--json", action="store_true", help="the result as JSON")


def asked_from(
    options: argparse.Namespace,
    *,
    accept_warn: tuple[str, ...] = (),
    snapshot: str | None = None,
    hold: bool = False,
    force: bool = False,
) -> Asked:
    """The parsed options as one value."""
    asked = Asked(options.dry_run, options.yes, options.reason, options.detach, options.json)
    return replace(asked, accept_warn=accept_warn, snapshot=snapshot, hold=hold, force=force)


def operate(
    context: Context,
    make_plan: Callable[[Deployment, Asked], Plan],
    asked: Asked,
    question: Callable[[Plan], tuple[str, str]],
) -> int:
    """The whole command."""
    if not asked.dry_run:
        context.require_write()
    deployment = context.deployment()
    plan = make_plan(deployment, asked)
    if asked.dry_run:
        return _show(plan, asked)
    if plan.lock_holder:
        hangs = "; if its worker hangs: abaco-ops rollback --force" if plan.kind == "rollback" else ""
        raise LockHeld(f"someone else operates: {plan.lock_holder}", f"watch it: abaco-ops history{hangs}")
    if plan.refusals:
        raise Refused(f"{plan.kind} is refused: " + "; ".join(plan.refusals))
    if not asked.yes:
        _confirm(plan, question)
    accepted = launch(
        deployment,
        plan,
        reason=asked.reason,
        actor=whoami(),
        origin=origin_here(),
        accept_warn=asked.accept_warn,
        force=asked.force,
    )
    first = f"ACCEPTED {accepted.id}, runs without you (worker pid {accepted.pid})"
    _say(first, err=asked.json)
    if plan.unready:
        _say(f"WARNING {plan.unready}", err=asked.json)
    if asked.detach:
        if asked.json:
            operation = read_operation(deployment.paths.operation(accepted.id))
            _say(json.dumps(json_ready(as_json(operation))))
        else:
            _say(f"follow it: abaco-ops history {accepted.id}")
        return DONE
    return follow(deployment, accepted.id, as_json_at_end=asked.json)


def json_ready(value: Any) -> Any:
    """Times as ISO texts, structs as objects."""
    return json.loads(msgspec.json.encode(value))


def plan_lines(plan: Plan) -> list[str]:
    """The plan for people."""
    lines = [
        f"{plan.kind.upper()}  {plan.release_from} {plan.build_from[:6]}  ->  {plan.release_to} {plan.build_to[:6]}",
        f"  configuration  {plan.config_now[:6] or 'none'} -> {plan.config_then[:6] or 'as it is'}, "
        f"{len(plan.changes)} keys differ",
    ]
    lines += [f"    {change.key}: {change.now} -> {change.then}" for change in plan.changes]
    if plan.kind == "rollback":
        lines += _rollback_lines(plan)
    lines.append(f"  not covered    {', '.join(plan.not_covered) or 'nothing: all paths of the pipeline are covered'}")
    if plan.expected_seconds is not None:
        lines.append(f"  takes          about {plan.expected_seconds:.1f} s, as last time")
    lines += [f"  {item.mark:<2} {item.name:<11} {item.text}" for item in plan.evidence]
    lines.append("  steps")
    for step in plan.steps:
        mark = "  <- point of no return" if step.no_return and plan.kind == "cutover" else ""
        mark = f"  <- your own: {step.own}" if step.own else mark
        lines.append(f"    {step.phase:<15} {step.name:<18} {step.title}{mark}")
    return lines


def _rollback_lines(plan: Plan) -> list[str]:
    if plan.abort_only:
        return [f"  metrics        stay as they are: {plan.release_from} never started"]
    return [
        f"  snapshot       {plan.snapshot}: {plan.snapshot_files} files, {plan.snapshot_bytes} bytes",
        f"  sets aside     {counted(plan.sets_aside_runs, 'run')} of {plan.release_from}, "
        f"{counted(plan.sets_aside_files, 'file')}, {size(plan.sets_aside_bytes)}, in a side snapshot",
    ]


def _show(plan: Plan, asked: Asked) -> int:
    """The dry run: the plan, and whether it would be accepted. It has written nothing."""
    if asked.json:
        _say(json.dumps({"dry_run": True, **json_ready(plan), "refusals": list(plan.refusals)}))
    else:
        for line in plan_lines(plan):
            _say(line)
        _say(f"would be refused: {'; '.join(plan.refusals)}" if plan.refusals else "dry run: nothing was changed")
    if plan.lock_holder:
        return LOCK_HELD
    return REFUSED if plan.refusals else DONE


def _confirm(plan: Plan, question: Callable[[Plan], tuple[str, str]]) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Refused(f"{plan.kind} is not confirmed: nobody can be asked here", "give --yes")
    for line in plan_lines(plan):
        _say(line, err=True)
    text, wanted = question(plan)
    sys.stderr.write(text)
    sys.stderr.flush()
    if sys.stdin.readline().strip() != wanted:
        raise Refused(f"{plan.kind} was not confirmed; nothing was changed", f"type exactly: {wanted}")


def _say(text: str, *, err: bool = False) -> None:
    stream = sys.stderr if err else sys.stdout
    stream.write(text + "\n")
    stream.flush()
