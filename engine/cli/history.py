"""``abaco-ops history``: the operations of this deployment, and what each did."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from engine.cli.following import result_lines, step_line
from engine.cli.frame import Context
from engine.clock import iso
from engine.errors import DONE
from engine.operations.journal import list_operations
from engine.operations.model import CLOSED_BY_HAND, Operation
from engine.operations.outcome import as_json, state_word
from engine.operations.steering import find


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID", nargs="?", help="one operation, by id or number, with its steps")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """Print; 0."""
    deployment = context.deployment()
    if options.operation:
        found = find(deployment, options.operation)
        _print(as_json(found) if options.json else _one(found))
        return DONE
    operations = list_operations(deployment.paths.operations)
    _print([as_json(item) for item in operations] if options.json else _table(operations))
    return DONE


def _table(operations: list[Operation]) -> str:
    lines = [_row(item) for item in operations]
    return "\n".join(lines) if lines else "no operation yet"


def _row(item: Operation) -> str:
    when = iso(item.started)[:19] if item.started else "-" * 19
    took = f"{item.seconds:7.1f} s" if item.seconds is not None else " " * 9
    what = f"{item.release_from} -> {item.release_to}" if item.kind != "validate" else item.release_from
    state = state_word(item) if item.by_hand else item.state
    told = f"  {CLOSED_BY_HAND}: {item.by_hand}" if item.by_hand else f"  {_result(item)}".rstrip()
    return f"{item.id:<15} {when}  {state:<12}{took}  {what:<10} {item.actor}  {item.reason}".rstrip() + told


def _result(item: Operation) -> str:
    """What a validation found; the state says only that it ran."""
    if item.kind != "validate":
        return ""
    return item.failure or "; ".join(item.warnings) or ("PASS" if item.state == "SUCCEEDED" else "")


def _one(item: Operation) -> str:
    lines = [_row(item)]
    lines += [step_line(step.name, step.state, step.seconds, step.detail) for step in item.steps]
    return "\n".join([*lines, *result_lines(item)])


def _print(what: object) -> None:
    text = what if isinstance(what, str) else json.dumps(json.loads(msgspec.json.encode(what)))
    sys.stdout.write(f"{text}\n")
