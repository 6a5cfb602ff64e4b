"""``python -m engine.validation run | stage | agree``: for operations and monitor, which load no NumPy themselves.

The result is JSON on stdout; progress is one JSON line per step on stderr. Exit 0: PASS or WARN; 1: not; 2: refused.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.config import Deployment, load_deployment
from engine.errors import CHECK_FAILED, DONE, OpsError, Refused
from engine.records import harmless
from engine.services.leaving import leave_in_order
from engine.validation.model import Check, passes
from engine.validation.reading import Read


def main(arguments: Sequence[str]) -> int:
    """Run one of the programs and return its exit code."""
    options = _options(arguments)
    try:
        deployment = load_deployment(options.root)
        _check_release(deployment, options.release)
        return _run(deployment, options)
    except OpsError as error:
        sys.stderr.write(f"validation: {error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"validation: {harmless(error)}\n")
        return CHECK_FAILED


def _run(deployment: Deployment, options: argparse.Namespace) -> int:
    if options.program == "run":
        from engine.validation.giving_way import give_way
        from engine.validation.run import run_validation

        if options.give_way:
            give_way()
        report = run_validation(
            deployment,
            tape=options.tape,
            release=options.release,
            scheduled=options.scheduled,
            occasion=options.occasion,
            progress=_tell,
            reading=_tell_reading,
            publishing=_not_any_more,
        )
        return _answer(report, report.status, report.checks, as_json=options.json)
    if options.program == "stage":
        from engine.validation.stage import stage

        staged = stage(deployment, options.release)
        return _answer(staged, staged.status, staged.checks, as_json=options.json)
    from engine.validation.agree import agree

    agreed = agree(deployment, options.release, options.tape or deployment.tape)
    return _answer(agreed, agreed.status, agreed.checks, as_json=options.json)


def _answer(result: msgspec.Struct, status: str, checks: dict[str, Check], *, as_json: bool) -> int:
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(result) + b"\n")
    else:
        for name, check in checks.items():
            print(f"{check.status:<7} {name}: {check.summary}")
        print(status)
    return DONE if passes(status) else CHECK_FAILED


def _not_any_more() -> None:
    """All is judged: it ends by itself in a moment, and what it says is then the same everywhere."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def _tell(check: str, state: str) -> None:
    sys.stderr.buffer.write(msgspec.json.encode({"check": check, "state": state}) + b"\n")
    sys.stderr.flush()


def _tell_reading(read: Read) -> None:
    sys.stderr.buffer.write(msgspec.json.encode(read) + b"\n")
    sys.stderr.flush()


def _check_release(deployment: Deployment, release: str | None) -> None:
    if release is not None and release not in deployment.releases:
        raise Refused(f"there is no release {harmless(release, 40)!r}", f"one of: {', '.join(deployment.releases)}")


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="engine.validation", allow_abbrev=False)
    programs = parser.add_subparsers(dest="program", required=True)
    for name in ("run", "stage", "agree"):
        program = programs.add_parser(name, allow_abbrev=False)
        program.add_argument("--root", type=Path, required=True)
        program.add_argument("--release", required=name != "run")
        program.add_argument("--json", action="store_true")
        if name != "stage":
            program.add_argument("--tape", type=Path)
    programs.choices["run"].add_argument("--give-way", action="store_true")
    programs.choices["run"].add_argument("--scheduled", action="store_true")
    programs.choices["run"].add_argument("--occasion", choices=("slot", "again", "change"), default="")
    return parser.parse_args(list(arguments))


if __name__ == "__main__":
    leave_in_order()  # so that the KPI program ends too
    raise SystemExit(main(sys.argv[1:]))
