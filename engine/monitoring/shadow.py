"""The old release in the shadow: its KPI program computes the live tape, one-shot, and the answer is kept aside.

``logs/shadow.jsonl``, a line per run: time, tape and its sha256, release and build, KPI values and seconds, or the
reason why there are none. The monitor starts ``python -m engine.monitoring.shadow`` when the tape has changed.
"""

from __future__ import annotations

import argparse
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import Clock, SystemClock, iso, parse_iso
from engine.config import Deployment, load_deployment
from engine.errors import CHECK_FAILED, DONE, OpsError
from engine.operations.lock import holder
from engine.records import Record, append_line, harmless, make_directory
from engine.records.form import VERSION
from engine.records.unchanged import stamp_of
from engine.services.build import build_hash
from engine.services.leaving import leave_in_order
from engine.snapshots.manifest import SnapshotProblem, sha256_of, walk
from engine.validation.program import Answer, ask


class Shadow(msgspec.Struct, frozen=True):
    """One shadow run. ``values`` are at the decimals that the release publishes; none when ``reason`` says why."""

    at: datetime
    release: str
    build: str
    stamp: str
    """Of the tape that was computed: see :func:`tape_stamp`."""
    tape_sha256: str | None
    """None for a tape of several files, or one that could not be read."""
    measurement_date: str | None
    values: dict[str, float | None]
    unheld: dict[str, float | None]
    reasons: dict[str, str]
    seconds: float
    reason: str


def tape_stamp(tape: Path) -> str:
    """Tells cheaply whether a tape, one file or a directory of them, has changed; empty when it cannot be looked at."""
    try:
        found = [(name, status) for name, status in walk(tape.parent, tape.name)]
    except (OSError, SnapshotProblem):
        return ""
    return " ".join(":".join((name, *map(str, stamp_of(status)))) for name, status in found)


def run_shadow(deployment: Deployment, clock: Clock) -> Shadow:
    """Let the old release compute the live tape, and keep the answer. OSError when it cannot be kept."""
    began = time.monotonic()
    release = deployment.console.releases.old
    stamp, digest, answer, reason = tape_stamp(deployment.tape), None, None, ""
    try:
        digest = sha256_of(deployment.tape) if deployment.tape.is_file() else None
        answer = _answer(deployment, release)
        if tape_stamp(deployment.tape) != stamp:
            answer, reason = None, "the tape changed while it was computed"
    except (OSError, OpsError) as error:
        reason = harmless(error.what if isinstance(error, OpsError) else error, 200)
    kpis: dict[str, Any] = dict(answer["kpis"]) if answer is not None else {}
    found = Shadow(
        at=clock.now().wall,
        release=release,
        build=_build(deployment, release),
        stamp=stamp,
        tape_sha256=digest,
        measurement_date=_text(answer.get("measurement_date")) if answer is not None else None,
        values={name: _number(kpi, "value") for name, kpi in kpis.items()},
        unheld={name: _number(kpi, "unheld") for name, kpi in kpis.items()},
        reasons={name: harmless(kpi["reason"], 200) for name, kpi in kpis.items() if _reason(kpi)},
        seconds=round(time.monotonic() - began, 3),
        reason=reason or _nothing(kpis),
    )
    _keep(deployment, found)
    return found


def shadow_of(record: Record) -> Shadow:
    """A line of ``logs/shadow.jsonl``; ValueError when it is none."""
    try:
        plain = {name: record[name] for name in Shadow.__struct_fields__ if name != "at"}
        return msgspec.convert({**plain, "at": parse_iso(str(record["at"]))}, Shadow)
    except (KeyError, msgspec.ValidationError) as error:
        raise ValueError(f"a shadow run is not as agreed: {error}") from error


def main(arguments: list[str]) -> int:
    """``python -m engine.monitoring.shadow --root DIR``: exit 0 when the old release has computed the tape, else 1."""
    parser = argparse.ArgumentParser(prog="shadow")
    parser.add_argument("--root", required=True)
    options = parser.parse_args(arguments)
    try:
        deployment = load_deployment(Path(options.root))
        if holder(deployment) is not None:
            sys.stdout.write("no shadow run now: an operation is running\n")
            return CHECK_FAILED
        found = run_shadow(deployment, SystemClock())
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"the shadow run cannot be kept: {harmless(error)}\n")
        return CHECK_FAILED
    return CHECK_FAILED if found.reason else DONE


def _answer(deployment: Deployment, release: str) -> Answer:
    program = ask(deployment, release, [deployment.tape])
    try:
        return program.answers()[0]
    finally:
        program.stop()


def _keep(deployment: Deployment, found: Shadow) -> None:
    make_directory(deployment.paths.logs)
    tape = deployment.console.paths.tape
    append_line(
        deployment.paths.shadow, {"v": VERSION, "tape": tape, **msgspec.to_builtins(found), "at": iso(found.at)}
    )


def _build(deployment: Deployment, release: str) -> str:
    try:
        return build_hash(deployment, release)
    except (OSError, OpsError):
        return ""


def _nothing(kpis: dict[str, Any]) -> str:
    """Why an answer without a single value is none."""
    if any(_number(kpi, "value") is not None for kpi in kpis.values()):
        return ""
    said = next((_reason(kpi) for kpi in kpis.values() if _reason(kpi)), "no reason given")
    return harmless(f"no KPI is defined: {said}", 200)


def _reason(kpi: Any) -> str:
    return str(kpi.get("reason") or "") if isinstance(kpi, dict) else ""


def _number(kpi: Any, name: str) -> float | None:
    value = kpi.get(name) if isinstance(kpi, dict) else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _text(value: object) -> str | None:
    return harmless(value, 40) if value else None


if __name__ == "__main__":
    leave_in_order()
    raise SystemExit(main(sys.argv[1:]))
