"""``abaco-ops checklist``: show the checklist, confirm a line, or override it with a reason."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import DONE, Refused
from engine.monitoring import answers
from engine.monitoring.at_hand import around_now, cannot_be_confirmed
from engine.monitoring.board import read_board
from engine.monitoring.checklist import find
from engine.monitoring.model import ChecklistItem
from engine.records import whoami

AROUND_NOW = 16
_MARKS = {"done": "x", "overridden": "o", "due": ">", "overdue": "!", "missed": "-", "later": " ", "closed": "/"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``checklist [--all] [--json] [tick KEY [--note TEXT] | override KEY --reason TEXT]``."""
    parser.add_argument("action", choices=("show", "tick", "override"), nargs="?", default="show")
    parser.add_argument("key", metavar="KEY", nargs="?", help="the line, as listed: hour1/3600/logs")
    parser.add_argument("--note", metavar="TEXT", default="", help="with tick: what you saw")
    parser.add_argument("--reason", metavar="TEXT", default="", help="with override: why it is closed all the same")
    parser.add_argument("--all", action="store_true", help="every line, not only those around now")
    parser.add_argument("--json", action="store_true", help="every line, for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Show or answer. Refused for a line that is not there."""
    deployment = context.deployment()
    if options.action != "show":
        context.require_write(f"abaco-ops checklist {options.action}", deployment)
        _answer(deployment, options.action, options.key or "", options.note, options.reason)
        return DONE
    lines = read_board(deployment, SystemClock())
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(lines) + b"\n")
        return DONE
    for line in lines if options.all else around_now(lines, AROUND_NOW):
        print(told(line))
    return DONE


def told(line: ChecklistItem) -> str:
    """One line as text."""
    measured = line.measured + ("" if line.measured_ok is not False else "  (not as it should be)")
    said = " ".join(part for part in (measured, line.who, f"({line.note})" if line.note else "") if part)
    return f"{_MARKS[line.state]} {line.slot:<8} {line.title:<28} {line.state:<10} {said:<44} {line.key}".rstrip()


def _answer(deployment: Deployment, action: str, key: str, note: str, reason: str) -> None:
    line = find(read_board(deployment, SystemClock()), key)
    if action == "tick":
        against = cannot_be_confirmed(line.state, line.measured, line.measured_ok)
        if against:
            raise Refused(f"{line.slot} {line.title} {against}", f"abaco-ops checklist override {key} --reason TEXT")
        event = answers.tick(deployment, key, measured=line.measured, note=note, actor=whoami())
    else:
        event = answers.override(deployment, key, reason=reason, measured=line.measured, actor=whoami())
    print(f"{line.slot} {line.title}: {'done' if action == 'tick' else 'overridden'} by {event['actor']}")
