"""One run: read the tape, compute, publish, leave audit events and a run record, whatever happens."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.clock import Clock, boot_id, compact, iso
from engine.errors import OpsError
from engine.pipeline.figures import Figures, Program
from engine.pipeline.publish import Run, described, publish, remove_old
from engine.pipeline.settings import Settings
from engine.pipeline.tape_file import open_tape
from engine.records import append_event, append_line, harmless, make_directory

_EVENTS = 2
"""Audit events of one run: started, finished."""
BUILD_VARIABLE = "ABACO_OPS_BUILD"
"""Set by the service layer: the hash of the files that run."""


@dataclass(frozen=True, slots=True)
class _Result:
    """What a run found and wrote."""

    figures: Figures | None
    tape_sha256: str | None
    outputs: list[dict[str, Any]]
    error: str | None


def run_once(
    settings: Settings,
    program: Program,
    clock: Clock,
    between: Callable[[], None],
    say: Callable[[str], None] = print,
    *,
    leaves_events: bool = True,
) -> dict[str, Any]:
    """Do one run and return its record. What ``between`` raises drops the run before anything was published.

    ``leaves_events``: False in a drill alone, where the audit trail is to be lost.

    A log that cannot be written, or old outputs that cannot be removed, are said and stop no run.
    """
    run = Run(secrets.token_hex(16), settings.release, os.environ.get(BUILD_VARIABLE, ""))
    started = clock.now().wall
    stem = f"kpis_{run.release}_{compact(started)}_{run.run_id[:8]}"
    events = _tell(settings, "run.started", run, clock) if leaves_events else 0
    result = _work(settings, program, run, stem, between)
    status = "ok" if result.error is None else "failed"
    events += _tell(settings, "run.finished", run, clock, status=status) if leaves_events else 0
    figures = result.figures
    record: dict[str, Any] = {
        "v": 1,
        "run_id": run.run_id,
        "release": run.release,
        "build": run.build,
        "incarnation": own_incarnation(),
        "started": iso(started),
        "ended": iso(clock.now().wall),
        "rows": figures.rows if figures else 0,
        "errors": figures.errors if figures else 0,
        "latency_ms": round(figures.compute_seconds * 1000, 3) if figures else None,
        "read_ms": round(figures.read_seconds * 1000, 3) if figures else None,
        "tape": _shown(settings.root, settings.tape),
        "tape_sha256": result.tape_sha256,
        "measurement_date": figures.latest.measurement_date if figures else None,
        "outputs": result.outputs,
        "audit_events": events,
        "status": status,
        "error": result.error,
    }
    if events < _EVENTS and leaves_events:
        say(f"run {run.run_id[:8]}: {_EVENTS - events} of its events could not be written to {settings.events}")
    try:
        make_directory(settings.runs.parent)
        append_line(settings.runs, record)
    except OSError as error:
        say(f"run {run.run_id[:8]} is not recorded: {error}")
    try:
        remove_old(settings.output, run.release, settings.keep_runs)
    except OSError as error:
        say(f"old outputs cannot be removed: {error}")
    return record


def own_incarnation() -> dict[str, Any]:
    """Who runs: pid, start time and boot tell it apart from any later process with the same pid."""
    stat = Path("/proc/self/stat").read_text(encoding="utf-8", errors="replace")
    ticks = int(stat.rpartition(")")[2].split()[19])
    return {"pid": os.getpid(), "start_time": ticks, "boot_id": boot_id()}


def _work(settings: Settings, program: Program, run: Run, stem: str, between: Callable[[], None]) -> _Result:
    digest: str | None = None
    try:
        with open_tape(settings.tape) as tape:
            digest = tape.sha256
            figures = program.compute(tape.stream, tape.path.name, decimals=settings.decimals, between=between)
            tape.check_unchanged()
        between()
        paths = publish(settings.output, stem, settings.formats, run, figures)
        return _Result(figures, digest, described(settings.root, paths), None)
    except OpsError as error:
        return _Result(None, digest, [], harmless(error.what))
    except OSError as error:
        return _Result(None, digest, [], harmless(f"the outputs cannot be written: {error}"))


def _tell(settings: Settings, kind: str, run: Run, clock: Clock, **more: str) -> int:
    """Append an audit event; 1 when it stands there. A run does not fail for it: its record says how many did."""
    data = {"run_id": run.run_id, "release": run.release, "build": run.build, **more}
    try:
        append_event(settings.events, kind, data, source="pipeline", clock=clock)
    except (OpsError, OSError):
        return 0
    return 1


def _shown(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
