"""The release's own test command, run on the release as installed; its answer is an event, ``release.tested``.

The monitor starts ``python -m engine.monitoring.release_tests`` when a gate nears that asks for it; a person runs
``abaco-ops gate test``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from engine.clock import Clock, SystemClock
from engine.config import Deployment, load_deployment
from engine.config.looking import must_write
from engine.errors import CHECK_FAILED, DONE, OpsError
from engine.operations.commands import Command, finish
from engine.records import append_event, harmless
from engine.services.build import build_hash
from engine.services.leaving import leave_in_order

EVENT = "release.tested"


def run_tests(
    deployment: Deployment, *, actor: str | None = None, scheduled: bool = False, clock: Clock | None = None
) -> tuple[bool, str]:
    """Whether they passed, and in words; recorded. OpsError or OSError when that cannot be recorded."""
    must_write(deployment, "a run of the release's tests")
    release = deployment.new
    began, build, ok, reason = time.monotonic(), "", False, ""
    try:
        build = build_hash(deployment, release.release)
        command = deployment.command(release.programs.test, release.release)
        (result,) = finish(
            [Command(command, deployment.root, float(deployment.console.cadence.command_deadline))],
            lambda: time.sleep(0.02),
        )
        ok, reason = result.passed, "" if result.passed else result.said
    except OpsError as error:
        reason = harmless(error.what, 200)
    data = {
        "release": release.release,
        "build": build,
        "ok": ok,
        "seconds": round(time.monotonic() - began, 3),
        "reason": reason,
        "scheduled": scheduled,
    }
    append_event(deployment.paths.events, EVENT, data, source="tests", actor=actor, clock=clock)
    return ok, f"{release.release}'s tests passed, build {build[:6]}" if ok else f"{release.release}'s tests: {reason}"


def main(arguments: list[str]) -> int:
    """``python -m engine.monitoring.release_tests --root DIR``: exit 0 when they passed, else 1."""
    parser = argparse.ArgumentParser(prog="release_tests")
    parser.add_argument("--root", required=True)
    parser.add_argument("--scheduled", action="store_true")
    options = parser.parse_args(arguments)
    try:
        ok, said = run_tests(load_deployment(Path(options.root)), scheduled=options.scheduled, clock=SystemClock())
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"the tests' answer cannot be kept: {harmless(error)}\n")
        return CHECK_FAILED
    sys.stdout.write(f"{said}\n")
    return DONE if ok else CHECK_FAILED


if __name__ == "__main__":
    leave_in_order()
    raise SystemExit(main(sys.argv[1:]))
