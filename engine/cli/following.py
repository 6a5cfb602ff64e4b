"""Following an operation's journal on the command line: each step as it ends, then the result."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.operations.journal import read_operation
from engine.operations.model import HOLDS, Operation
from engine.operations.outcome import as_json, closed_later, exit_code, outcome_words, state_word

_POLL = 0.05
_AFTER_END = 3.0
"""How long the worker may take to leave after its last record (s)."""


def follow(deployment: Deployment, operation: str, *, as_json_at_end: bool) -> int:
    """Print what happens until the operation rests. Ctrl-C ends the following, never the operation."""
    directory = deployment.paths.operation(operation)
    stream = sys.stderr if as_json_at_end else sys.stdout
    told: dict[str, str] = {}
    try:
        while True:
            now = read_operation(directory)
            for line in _news(now, told):
                stream.write(line + "\n")
                stream.flush()
            if not now.running:
                break
            time.sleep(_POLL)
    except KeyboardInterrupt:
        stream.write(f"\n{operation} goes on without you: abaco-ops history {operation}\n")
        return 130
    return _result(_settled(directory), as_json_at_end)


def result_lines(operation: Operation) -> list[str]:
    """How it ended, for people: state, time, warnings, and what to do where something is to be done."""
    seconds = f" in {operation.seconds:.1f} s" if operation.seconds is not None else ""
    lines = [f"{state_word(operation)} {operation.id}{seconds}"]
    if closed_later(operation):
        lines = [f"{state_word(operation)} {operation.id}: {outcome_words(operation)}"]
    if operation.failure:
        lines.append(f"  {operation.failure}")
    lines += [f"  WARNING {warning}" for warning in operation.warnings]
    if operation.state == "INTERRUPTED" and operation.output:  # no record says why: its worker's last words do
        lines += ["  the last words of its worker:", *(f"    {line}" for line in operation.output)]
    if operation.offers:
        lines += ["  what you can do now:", *(f"    {offer}" for offer in operation.offers)]
    return lines


def step_line(name: str, state: str, seconds: float | None, detail: str) -> str:
    """One step on one line."""
    took = f"{seconds:6.2f} s" if seconds is not None else " " * 8
    return f"  {state:<8}{took}  {name:<18} {detail}"


def _news(operation: Operation, told: dict[str, str]) -> list[str]:
    lines = []
    for step in operation.steps:
        if step.state not in ("waiting", "running") and told.get(step.name) != step.state:
            told[step.name] = step.state
            lines.append(step_line(step.name, step.state, step.seconds, step.detail))
    if operation.state == "HOLDING" and told.get("HOLDING") != str(operation.pid):
        told["HOLDING"] = str(operation.pid)  # a worker that resumed it holds anew
        lines.append(f"HOLDING {operation.id} {HOLDS}; Ctrl-C leaves it holding. You can:")
        lines += [f"    {offer}" for offer in operation.offers]
    return lines


def _settled(directory: Path) -> Operation:
    """The operation after its worker has left: its events and logs are then written."""
    until = time.monotonic() + _AFTER_END
    operation = read_operation(directory)
    while operation.alive and time.monotonic() < until:
        time.sleep(_POLL)
        operation = read_operation(directory)
    return operation


def _result(operation: Operation, json_wanted: bool) -> int:
    if json_wanted:
        sys.stdout.write(json.dumps(json.loads(msgspec.json.encode(as_json(operation)))) + "\n")
    else:
        sys.stdout.write("\n".join(result_lines(operation)) + "\n")
    sys.stdout.flush()
    return exit_code(operation.state)
