"""``abaco-ops history``: the operations of this deployment, and what each did."""

from __future__ import annotations

import argparse
import json
import sys

import msgspec

from engine.cli.following import result_lines, step_line
from engine.cli.frame import Context
from engine.clock import iso
from engine.config import Deployment
from engine.errors import DONE, OpsError
from engine.operations import prospects
from engine.operations.journal import list_operations
from engine.operations.lock import held_by
from engine.operations.model import Operation
from engine.operations.outcome import as_json, closed_later, outcome_words, state_word
from engine.operations.probing import ways_on
from engine.operations.prospects import WaysOn
from engine.operations.steering import find
from engine.operations.watchers import watchers, watching_in_words


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("operation", metavar="ID", nargs="?", help="one operation, by id or number, with its steps")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    """Print; 0."""
    deployment = context.deployment()
    people = _people(deployment)
    if options.operation:
        found = find(deployment, options.operation)
        ways = _ways_on(deployment, found)
        _print({**as_json(found), "choices": ways.choices} if options.json else _one(found, ways, people))
        return DONE
    operations = list_operations(deployment.paths.operations)
    _print([as_json(item) for item in operations] if options.json else _table(operations, people))
    return DONE


def _people(deployment: Deployment) -> list[str]:
    """Who operates, and who watches."""
    try:
        held = held_by(deployment)
    except OpsError as error:
        held = f"nobody can tell: {error.what}"
    watching = watching_in_words(watchers(deployment))
    return [*([f"operating: {held}"] if held else []), *([watching] if watching else [])]


def _ways_on(deployment: Deployment, operation: Operation) -> WaysOn:
    """What can be done about it, with what each would do; none where nobody can look."""
    try:
        return ways_on(deployment, operation)
    except (OSError, OpsError):
        return WaysOn("", ())


def _table(operations: list[Operation], people: list[str]) -> str:
    lines = [*people, *(_row(item) for item in operations)]
    return "\n".join(lines) if lines else "no operation yet"


def _row(item: Operation) -> str:
    when = iso(item.started)[:19] if item.started else "-" * 19
    took = f"{item.seconds:7.1f} s" if item.seconds is not None else " " * 9
    what = f"{item.release_from} -> {item.release_to}" if item.kind != "validate" else item.release_from
    state = "REFUSED" if _never_began(item) else state_word(item)
    told = f"  {_result(item)}".rstrip()
    return f"{item.id:<15} {when}  {state:<14}{took}  {what:<10} {item.actor}  {item.reason}".rstrip() + told


def _never_began(item: Operation) -> bool:
    """Whether its worker refused it: nothing ran, whatever its name says."""
    return item.state == "ABORTED" and item.started is None


def _result(item: Operation) -> str:
    """What a validation found, how one that was closed later came to its end, why what never began was refused."""
    if _never_began(item):
        return f"refused before it began: {item.failure}"
    if item.kind == "validate":
        return item.failure or "; ".join(item.warnings)
    found = f"; found: {item.by_hand}" if item.by_hand else ""
    return f"{outcome_words(item)}{found}" if closed_later(item) else ""


def _one(item: Operation, ways: WaysOn, people: list[str]) -> str:
    lines = [*people, _row(item)]
    stopped = not item.running
    lines += [
        step_line(
            step.name, "stopped" if stopped and step.state == "running" else step.state, step.seconds, step.detail
        )
        for step in item.steps
    ]
    if not ways.choices:
        return "\n".join([*lines, *result_lines(item)])
    remain = [offer for offer in item.offers if "    (" not in offer]  # exact commands, for one's own hands
    result = result_lines(msgspec.structs.replace(item, offers=()))
    by_hand = ["  what remains, by hand:", *(f"    {command}" for command in remain)] if remain else []
    return "\n".join([*lines, *result, f"  found: {ways.found}", *prospects.lines(ways.choices), *by_hand])


def _print(what: object) -> None:
    text = what if isinstance(what, str) else json.dumps(json.loads(msgspec.json.encode(what)))
    sys.stdout.write(f"{text}\n")
