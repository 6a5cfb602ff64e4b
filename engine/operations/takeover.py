"""Getting the lock: from nobody, or, for a rollback, from a cutover that runs or has died."""

from __future__ import annotations

from pathlib import Path

from engine.config import Deployment
from engine.operations import requests
from engine.operations.journal import list_operations, records_of, worker_of
from engine.operations.lock import OperationLock, holder
from engine.operations.work import Work
from engine.services.identity import end_process, is_alive
from engine.services.protocol import Identity

_PATIENCE = 1.0
_YIELDS_WITHIN = 5.0


def take_lock(work: Work, lock: OperationLock) -> bool:
    """Take it. A rollback asks a running cutover to give way, and ends its verified worker after 5 s."""
    target = work.plan.takes_over
    got = lock.acquire(_PATIENCE if target is None else 0.0)
    if not got and (target is None or not _from_cutover(work, lock, target)):
        return False
    for operation in list_operations(work.deployment.paths.operations):
        if operation.id != work.orders.operation and operation.open and operation.started:
            end_orphans(work, work.deployment.paths.operation(operation.id))
    return True


def end_orphans(work: Work, directory: Path) -> None:
    """End the commands that a dead worker left behind; each is known by its identity."""
    for record in records_of(directory):
        if record.get("kind") == "child":
            child = Identity(int(record["pid"]), int(record["start_time"]), str(record["boot_id"]))
            if is_alive(child) and child.pid != work.me.pid:
                gone = end_process(child, group=True)
                work.warn(
                    f"{directory.name} left a command running (pid {child.pid}): {'ended' if gone else 'STILL THERE'}"
                )


def _from_cutover(work: Work, lock: OperationLock, target: str) -> bool:
    deployment: Deployment = work.deployment
    held = holder(deployment)
    if held is not None and held.operation not in (target, "an operation"):
        return False
    directory = deployment.paths.operation(target)
    worker = worker_of(records_of(directory))
    if worker is None:
        return lock.acquire(_YIELDS_WITHIN)
    requests.ask(directory, worker, "yield", f"rollback {work.orders.operation}")
    if lock.acquire(_YIELDS_WITHIN):
        return True
    work.warn(f"{target} did not give way within {_YIELDS_WITHIN:.0f} s: its worker (pid {worker.pid}) was ended")
    end_process(worker, group=True)
    return lock.acquire(_PATIENCE)
