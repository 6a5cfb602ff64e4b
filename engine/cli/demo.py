"""``abaco-ops demo``: a complete deployment to try things on, with V1 running, and the console on it."""

from __future__ import annotations

import argparse
import sqlite3
import time
from pathlib import Path

from engine.cli.frame import Context
from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.config.newer import refuse_newer
from engine.config.templates import write_config
from engine.errors import NeedsHuman, OpsError, Refused
from engine.operations.journal import list_operations, records_of, worker_of
from engine.records import Record, sound_records, whoami
from engine.services import open_service
from engine.services.active import configured_release
from engine.services.identity import end_process
from engine.services.remains import processes_of

_JUDGED_WITHIN = 8.0
"""Seconds to wait for the monitor's first judgement that is not UNKNOWN."""
_POLL = 0.02
_HALF_MADE = {"config", "logs", ".rollback"}
"""What an interrupted first call leaves; anything else in the directory is somebody's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """``demo [DIR] [--no-console | --stop]``."""
    parser.add_argument("directory", metavar="DIR", nargs="?", default="demo", help="where it is made (./demo)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--no-console", action="store_true", help="only make and start it")
    choice.add_argument("--stop", action="store_true", help="end every process of the demo in DIR")


def run(context: Context, options: argparse.Namespace) -> int:
    """Make or re-open the demo; 0 when it stands."""
    root = Path(options.directory).resolve()
    if options.stop:
        return _stop(_existing(root), options.directory)
    deployment = _existing(root) if (root / "config" / "console.yml").exists() else _make(root)
    refuse_newer(deployment.paths, "abaco-ops demo")
    _write_tapes(deployment)
    print(f"demo at {root}: {_bring_up(deployment)}; {_watch(deployment)}")
    print(f"  look and operate:      abaco-ops --root {options.directory}")
    print(f"  end every process:     abaco-ops demo {options.directory} --stop", flush=True)
    return 0 if options.no_console else context.open_console(root, context.read_only)


def _make(root: Path) -> Deployment:
    """The configuration in a directory that holds nothing yet."""
    if root.exists() and (not root.is_dir() or {entry.name for entry in root.iterdir()} - _HALF_MADE):
        raise Refused(f"{root} is not empty and holds no demo", "give another directory: abaco-ops demo DIR")
    write_config(root, demo=True)
    return load_deployment(root)


def _write_tapes(deployment: Deployment) -> None:
    """Both tapes, where they are not there."""
    reference = deployment.root / deployment.console.paths.reference_tape
    if deployment.tape.exists() and reference.exists():
        return
    from engine.pipeline import sample_tapes  # numpy: only when a demo is made

    if not deployment.tape.exists():
        sample_tapes.write_live_book(deployment.tape)
    if not reference.exists():
        sample_tapes.write_reference(reference)


def _existing(root: Path) -> Deployment:
    deployment = load_deployment(root)
    if not deployment.console.deployment.demo:
        raise Refused(f"{root} is no demo (deployment.demo is false)", "abaco-ops demo works on demos only")
    return deployment


def _bring_up(deployment: Deployment) -> str:
    """Start the active release unless something runs or an operation is open; what runs, in words."""
    names = (deployment.old.release, deployment.new.release)
    running = [name for name in names if open_service(deployment, name).status().state == "RUNNING"]
    if running:
        return f"{' and '.join(running)} running"
    unfinished = [operation.id for operation in list_operations(deployment.paths.operations) if operation.open]
    if unfinished:
        return f"nothing runs, and {unfinished[-1]} waits for a decision (abaco-ops history {unfinished[-1]})"
    active, problem = configured_release(deployment.active_config)
    if active is None:
        return f"nothing runs: {problem}"
    runs_before = len(_runs_of(deployment, active))
    status = open_service(deployment, active).start()
    run = _await_run(deployment, active, runs_before)
    pid = status.identity.pid if status.identity else "?"
    every = deployment.console.cadence.pipeline_run
    failed = "" if run.get("status") == "ok" else f"; its first run failed: {run.get('error')}"
    return f"{active} running (pid {pid})" + (f", a run every {every:g} s" if every else "") + failed


def _watch(deployment: Deployment) -> str:
    """Start the monitor unless one runs, and wait for its first judgement; what it says, in words."""
    from engine.monitoring.launch import ensure_monitor
    from engine.monitoring.store import SampleStore

    began = SystemClock().now().wall
    ensure_monitor(deployment)
    store = SampleStore(deployment.paths.samples, read_only=True)
    until = time.monotonic() + _JUDGED_WITHIN
    word = "UNKNOWN"
    while word == "UNKNOWN" and time.monotonic() < until:
        time.sleep(_POLL)
        try:
            newest = store.newest_evaluation()
        except sqlite3.Error:
            continue  # what an earlier monitor wrote: the next tick replaces it
        if newest is not None and newest.at >= began:
            word = newest.verdict.word
    return f"the monitor says {word}"


def _runs_of(deployment: Deployment, release: str) -> list[Record]:
    return [record for record in sound_records(deployment.paths.runs)[0] if record.get("release") == release]


def _await_run(deployment: Deployment, release: str, before: int) -> Record:
    until = time.monotonic() + deployment.console.cadence.first_run
    while len(runs := _runs_of(deployment, release)) <= before:
        if time.monotonic() > until:
            lines = "\n  ".join(open_service(deployment, release).last_lines(5))
            raise NeedsHuman(f"{release} was started and has not finished a run:\n  {lines}", "abaco-ops doctor")
        time.sleep(_POLL)
    return runs[-1]


def _stop(deployment: Deployment, directory: str) -> int:
    """End monitor, workers, services and what they called, in this order, so that none starts another again."""
    from engine.monitoring.launch import stop_monitor

    _end_drill(deployment)
    ended = ["monitor"] if stop_monitor(deployment) else []
    ended += [f"worker of {name}" for name in _end_workers(deployment)]
    for name in (deployment.new.release, deployment.old.release):
        service = open_service(deployment, name)
        if service.status().state == "STOPPED":
            continue
        result = service.stop()
        if not result.stopped:
            raise NeedsHuman(f"{name} cannot be stopped: {', '.join(result.left)} still run", "end them by hand")
        ended.append(service.name)
    ended += _end_strays(deployment)
    print(f"ended: {', '.join(ended)}" if ended else "nothing was running")
    print(f"  start again:  abaco-ops demo {directory}")
    return 0


def _end_drill(deployment: Deployment) -> None:
    """A drill does not outlive its demo: what it changed is put right first."""
    from engine.drills.ending import end

    ended = end(deployment, "the demo was stopped", actor=whoami(), clock=SystemClock())
    if ended is not None:
        print("\n".join([f"the drill {ended.order.drill} was ended", *(f"  {sentence}" for sentence in ended.said)]))


def _end_workers(deployment: Deployment) -> list[str]:
    ended = []
    for operation in list_operations(deployment.paths.operations):
        worker = worker_of(records_of(deployment.paths.operation(operation.id))) if operation.running else None
        if worker is None:
            continue
        if not end_process(worker, group=True):
            raise OpsError(f"the worker of {operation.id} (pid {worker.pid}) does not end", "end it by hand")
        ended.append(operation.id)
    return ended


def _end_strays(deployment: Deployment) -> list[str]:
    """Checks and proofs that a monitor or worker had just called."""
    ended = []
    for identity, words in processes_of(deployment.root):
        if not end_process(identity, group=False):
            raise NeedsHuman(f"pid {identity.pid} does not end: {words}", "end it by hand")
        ended.append(words)
    return ended
