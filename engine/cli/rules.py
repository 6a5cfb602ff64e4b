"""``abaco-ops rules test FILE...``: the conditions against written series."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import msgspec

from engine.cli.frame import Context
from engine.errors import CHECK_FAILED, DONE
from engine.monitoring.rule_files import load_rule_files
from engine.monitoring.rule_play import Unmet, play
from engine.records import harmless


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``rules test FILE... [--json]``."""
    parser.add_argument("what", choices=["test"], help="play the series of each FILE and compare")
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="see examples/rules/conditions.yml")
    parser.add_argument("--json", action="store_true", help="for scripts")


def run(context: Context, options: argparse.Namespace) -> int:
    """Exit 0 when every expectation is met, 1 when one is not, 2 when a file is wrong."""
    results = []
    for path, deployment, cases in load_rule_files(options.files, context.deployment):
        results += [(path, case, play(deployment, case)) for case in cases]
    failed = sum(bool(unmet) for _, _, unmet in results)
    if options.json:
        plain = [
            {"file": str(path), "line": case.line, "test": case.name, "met": not unmet, "unmet": list(unmet)}
            for path, case, unmet in results
        ]
        sys.stdout.buffer.write(msgspec.json.encode(plain) + b"\n")
        return CHECK_FAILED if failed else DONE
    for path, case, unmet in results:
        sys.stdout.write(f"{'FAIL' if unmet else 'PASS'}  {path}:{case.line}  {harmless(case.name, 200)}\n")
        for one in unmet:
            sys.stdout.write("".join(f"      {line}\n" for line in _lines(path, one)))
    expected = sum(len(case.expect) for _, case, _ in results)
    sys.stdout.write(f"{len(results) - failed} of {len(results)} tests met, {expected} expectations\n")
    return CHECK_FAILED if failed else DONE


def _lines(path: Path, unmet: Unmet) -> list[str]:
    lines = [f"{path}:{unmet.line}: {unmet.what}: expected {unmet.expected}, found {harmless(unmet.found, 400)}"]
    return [*lines, f"  samples around: {unmet.around}"] if unmet.around else lines
