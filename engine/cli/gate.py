"""``abaco-ops gate``: the decision points, what each rests on, and go or no-go, recorded with names."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import CHECK_FAILED, DONE, Refused
from engine.monitoring.deciding import decide
from engine.monitoring.facts import Waiver
from engine.records import whoami
from engine.state import StateReader
from engine.state.gate_standing import GateStanding
from engine.state.gates import gate_lines, summary_line
from engine.state.model import State


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``gate [list|show ID|go ID|no-go ID|test] [--note TEXT] [--waive CRITERION --reason TEXT --second NAME]...``."""
    parser.add_argument("action", choices=("list", "show", "go", "no-go", "test"), nargs="?", default="list")
    parser.add_argument("gate", metavar="ID", nargs="?", help="the gate, as listed: hour-1; show: the next one")
    parser.add_argument("--note", metavar="TEXT", default="", help="with go and no-go: what you want on record")
    parser.add_argument(
        "--waive", metavar="CRITERION", action="append", default=[], help="with go: pass without this one; repeatable"
    )
    parser.add_argument("--reason", metavar="TEXT", action="append", default=[], help="why, one for each --waive")
    parser.add_argument(
        "--second", metavar="NAME", action="append", default=[], help="who agrees besides you, one for each --waive"
    )
    parser.add_argument("--json", action="store_true", help="with list and show: for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0; 1 when the release's tests fail; 2 when a decision is refused."""
    deployment = context.deployment()
    if options.action in ("list", "show"):
        return _show(deployment, options)
    context.require_write(f"abaco-ops gate {options.action}", deployment)
    if options.action == "test":
        from engine.monitoring.release_tests import run_tests
        from engine.services.leaving import in_order_when_asked

        with in_order_when_asked():  # the release's program ends with this one
            ok, said = run_tests(deployment, actor=whoami())
        print(said)
        return DONE if ok else CHECK_FAILED
    if not options.gate:
        raise Refused("which gate?", f"abaco-ops gate {options.action} ID; abaco-ops gate lists them")
    waivers = _waivers(options.waive, options.reason, options.second)
    event = decide(deployment, options.gate, options.action, actor=whoami(), note=options.note, waivers=waivers)
    waived = f", {len(waivers)} waived" if waivers else ""
    print(f"{options.gate}: {options.action.upper()}{waived}, by {event['actor']} at {event['at']}")
    return DONE


def _waivers(names: list[str], reasons: list[str], seconds: list[str]) -> list[Waiver]:
    if not len(names) == len(reasons) == len(seconds):
        raise Refused(
            f"{len(names)} waivers, {len(reasons)} reasons and {len(seconds)} second names",
            "each --waive CRITERION takes a --reason TEXT and a --second NAME",
        )
    return [Waiver(*given) for given in zip(names, reasons, [""] * len(names), seconds, strict=True)]


def _show(deployment: Deployment, options: argparse.Namespace) -> int:
    state = StateReader(deployment, SystemClock()).read()
    if not state.gates:
        print("no cutover is watched: there is no gate to decide")
        return DONE
    shown = [_named(state, options.gate)] if options.action == "show" else list(state.gates)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(shown[0] if options.action == "show" else shown) + b"\n")
    elif options.action == "show":
        print("\n".join(gate_lines(shown[0], state.at)))
    else:
        print("\n".join(summary_line(gate, state.at) for gate in shown))
    return DONE


def _named(state: State, name: str | None) -> GateStanding:
    wanted = name or (state.next_gate.id if state.next_gate else state.gates[-1].id)
    for gate in state.gates:
        if gate.id == wanted:
            return gate
    raise Refused(f"there is no gate {wanted!r}", f"one of: {', '.join(gate.id for gate in state.gates)}")
