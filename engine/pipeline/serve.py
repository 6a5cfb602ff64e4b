"""The service: a first run at once, then one every ``run_every``; a heartbeat; a clean end on SIGTERM."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

from engine.clock import Clock, SystemClock, boot_id, iso
from engine.pipeline.drilled import Drilled, drilled
from engine.pipeline.figures import Program
from engine.pipeline.one_run import run_once
from engine.pipeline.publish import remove_unfinished
from engine.pipeline.settings import Settings
from engine.pipeline.stop_request import Stopped, StopRequest
from engine.records import make_directory

_BEAT = 1.0


def serve(settings: Settings, program: Program, stop: StopRequest) -> int:
    """Run until asked to stop; exit code 0."""
    clock = SystemClock()
    make_directory(settings.heartbeat.parent)
    remove_unfinished(settings.output, settings.release)
    _say(f"{settings.release} serves {settings.root}, a run every {settings.run_every:g} s")
    due = time.monotonic()
    ordered = drilled(settings, clock, _say)
    while not stop.asked:
        if ordered is not None and ordered.turn(stop):
            continue
        _beat(settings.heartbeat, clock)
        left = due - time.monotonic()
        if left > 0:
            stop.wait(min(left, _BEAT))
            continue
        due = max(due + settings.run_every, time.monotonic())
        try:
            record = _run(settings, program, clock, stop, ordered)
        except Stopped:
            _say("the run under way was dropped, nothing of it was published")
            break
        _say(f"run {record['run_id'][:8]} {record['status']}: {record['rows']} rows, {record['error'] or 'no error'}")
    _say(f"{settings.release} stopped")
    return 0


def _run(
    settings: Settings, program: Program, clock: Clock, stop: StopRequest, ordered: Drilled | None
) -> dict[str, Any]:
    """One run, as it is, or as a drill spoils it."""
    if ordered is None:
        return run_once(settings, program, clock, stop.check, _say)
    spoilt = ordered.spoilt(program, stop)
    return run_once(settings, spoilt, clock, stop.check, _say, leaves_events=not ordered.loses_events)


def _beat(path: Path, clock: Clock) -> None:
    """Say that the loop turns; a disk that refuses costs the heartbeat, not the run."""
    aside = path.with_name(".heartbeat.tmp")
    now = clock.now()
    try:
        aside.write_text(
            json.dumps({"pid": os.getpid(), "at": iso(now.wall), "boot": round(now.boot, 3), "boot_id": boot_id()})
        )
        aside.replace(path)
    except OSError as error:
        _say(f"no heartbeat: {error}")


def _say(text: str) -> None:
    try:
        print(f"{iso(SystemClock().now().wall)} {text}", flush=True)
    except OSError:
        return  # the output file is gone or full: the runs go on
