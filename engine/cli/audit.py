"""``abaco-ops audit verify``: recompute the audit trail's hash chain; nothing is ever repaired here."""

from __future__ import annotations

import argparse
import sys

import msgspec

from engine.cli.frame import Context
from engine.config import Deployment
from engine.errors import CHECK_FAILED, DONE
from engine.monitoring.continuity import lost_now
from engine.records import ChainReport, verify_chain


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command understands."""
    parser.add_argument("what", choices=["verify"], help="recompute the chain")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.add_argument("--last", metavar="HASH", help="a hash noted earlier: it must still be in the trail")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0 when the chain holds, 1 when it does not."""
    deployment = context.deployment()
    report = verify_chain(deployment.paths.events)
    problem = report.problem or lost_now(deployment) or _missing(deployment, report)
    problem = problem or _not_there(deployment, options.last)
    if options.json:
        plain = {
            "intact": not problem,
            "records": report.records,
            "problem": problem or None,
            "last_hash": report.last_hash,
            "path": str(deployment.paths.events),
        }
        sys.stdout.buffer.write(msgspec.json.encode(plain) + b"\n")
    elif problem:
        sys.stdout.write(f"FAIL  {deployment.paths.events}: {problem}\n")
        where = "before it" if report.problem else "that stand there now"
        sys.stdout.write(f"      {report.records} records {where} are intact; nothing was repaired\n")
    elif not report.records:
        sys.stdout.write(f"NOT RUN  nothing has been recorded yet in {deployment.paths.events}\n")
    else:
        sys.stdout.write(f"PASS  {report.records} records, each follows from the one before\n")
        sys.stdout.write(f"      last hash {report.last_hash}: note it, and --last finds out later what was cut off\n")
    return CHECK_FAILED if problem else DONE


def _missing(deployment: Deployment, report: ChainReport) -> str:
    """A chain cannot show that all of it is gone; what else was recorded can."""
    if report.records:
        return ""
    others = (deployment.paths.runs, deployment.paths.operations, deployment.paths.samples)
    there = [str(path.relative_to(deployment.root)) for path in others if path.exists()]
    return f"holds no record, yet there are {', '.join(there)}" if there else ""


def _not_there(deployment: Deployment, noted: str | None) -> str:
    if not noted:
        return ""
    known = f'"hash":"{noted}"'.encode()
    found = known in deployment.paths.events.read_bytes() if deployment.paths.events.exists() else False
    return "" if found else f"does not hold the noted hash {noted}: its end was cut off or replaced"
