"""``abaco-ops demo``: a complete deployment to try things on, with V1 running, and the console on it."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from engine.cli.frame import Context
from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.errors import NeedsHuman, OpsError, Refused
from engine.operations.identity import end_process
from engine.operations.journal import list_operations, records_of, worker_of
from engine.records import read_lines
from engine.services import open_service

_POLL = 0.02


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
    print(f"demo at {root}: {_bring_up(deployment)}")
    print(f"  look and operate:      abaco-ops --root {options.directory}")
    print(f"  end every process:     abaco-ops demo {options.directory} --stop", flush=True)
    return 0 if options.no_console else context.open_console(root, context.read_only)


def _make(root: Path) -> Deployment:
    """The configuration and both tapes in a directory that holds nothing yet."""
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise Refused(f"{root} is not empty and holds no demo", "give another directory: abaco-ops demo DIR")
    from engine.pipeline import sample_tapes

    write_config(root, demo=True)
    deployment = load_deployment(root)
    sample_tapes.write_live_book(deployment.tape)
    sample_tapes.write_reference(root / deployment.console.paths.reference_tape)
    return deployment


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
    active = _active_name(deployment)
    runs_before = _runs_of(deployment, active)
    status = open_service(deployment, active).start()
    _await_run(deployment, active, runs_before)
    pid = status.identity.pid if status.identity else "?"
    every = deployment.console.cadence.pipeline_run
    return f"{active} running (pid {pid})" + (f", a run every {every:g} s" if every else "")


def _active_name(deployment: Deployment) -> str:
    active = deployment.active_config.read_bytes()
    staged = deployment.paths.release(deployment.new.release).read_bytes()
    return deployment.new.release if active == staged else deployment.old.release


def _runs_of(deployment: Deployment, release: str) -> int:
    return sum(record.get("release") == release for record in read_lines(deployment.paths.runs))


def _await_run(deployment: Deployment, release: str, before: int) -> None:
    until = time.monotonic() + deployment.console.cadence.first_run
    while _runs_of(deployment, release) <= before:
        if time.monotonic() > until:
            lines = "\n  ".join(open_service(deployment, release).last_lines(5))
            raise NeedsHuman(f"{release} was started and has not finished a run:\n  {lines}", "abaco-ops doctor")
        time.sleep(_POLL)


def _stop(deployment: Deployment, directory: str) -> int:
    """End workers, monitor and services, in this order, so that none starts another again."""
    from engine.monitoring.launch import stop_monitor

    ended = [f"worker of {name}" for name in _end_workers(deployment)]
    ended += ["monitor"] if stop_monitor(deployment) else []
    for name in (deployment.new.release, deployment.old.release):
        service = open_service(deployment, name)
        if service.status().state == "STOPPED":
            continue
        result = service.stop()
        if not result.stopped:
            raise NeedsHuman(f"{name} cannot be stopped: {', '.join(result.left)} still run", "end them by hand")
        ended.append(service.name)
    print(f"ended: {', '.join(ended)}" if ended else "nothing was running")
    print(f"  start again:  abaco-ops demo {directory}")
    return 0


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
