"""Getting the lock: from nobody, or, for a rollback, from a cutover that runs or has died."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from engine.config import Deployment
from engine.errors import LockHeld, OpsError
from engine.operations import requests
from engine.operations.force import Forcer, at_work, end_commands, take_by_force
from engine.operations.journal import Journal, list_operations, records_of, worker_of
from engine.operations.lock import OperationLock, holder
from engine.operations.work import Work
from engine.records.atomic import remove_unfinished
from engine.services.identity import end_process
from engine.services.remains import in_words

_PATIENCE = 1.0
_YIELDS_WITHIN = 5.0
_LOOK = 0.02


def take_lock(work: Work, lock: OperationLock, forcer: Forcer | None = None) -> bool:
    """Take it. A rollback asks a running cutover to give way, and ends its verified worker after 5 s.

    With a ``forcer`` whoever holds it is ended at once, if it is certain who that is. LockHeld when it is not.
    """
    if forcer is not None:
        told = take_by_force(work.deployment, lock, forcer, work.clock)
        if told:
            work.record("forced_others", detail=told)
            work.warn(told)
    elif not _take(work, lock):
        return False
    paths = work.deployment.paths
    for directory in (paths.rollback, paths.config, paths.logs, paths.root):
        remove_unfinished(directory)
    for operation in list_operations(paths.operations):
        if operation.id != work.orders.operation and operation.open and operation.started:
            end_orphans(work, operation.id)
    return True


def end_orphans(work: Work, operation: str) -> None:
    """End the commands that a dead worker left behind, and say so."""
    for command in end_commands(work.deployment, operation):
        work.warn(f"{operation} left a command running ({command}): it was ended")


def take_alone(deployment: Deployment, lock: OperationLock, operation: str, wait: float) -> bool:
    """Take the lock within ``wait`` seconds, and only if no other operation is at work.

    A lock file that was removed under its holder excludes nobody: the journals then tell that someone is at work.
    """
    if not lock.acquire(wait):
        return False
    until = time.monotonic() + _PATIENCE
    while at_work(deployment, but=operation):  # one that has let go this instant is gone the next
        if time.monotonic() >= until:
            lock.release()
            return False
        time.sleep(_LOOK)
    return True


def _take(work: Work, lock: OperationLock) -> bool:
    deployment, me, target = work.deployment, work.orders.operation, work.plan.takes_over
    if target is None:
        return take_alone(deployment, lock, me, _PATIENCE)
    if lock.acquire(0.0) and not at_work(deployment, but=me):
        return True
    lock.release()
    return _from_cutover(work, lock, target) and take_alone(deployment, lock, me, 0.0)


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
    if _gave_way(work, lock, target):
        return True
    try:
        end_process(worker, group=True)
    except PermissionError as error:
        raise LockHeld(
            f"{target} did not give way within {_YIELDS_WITHIN:.0f} s, and its worker is {in_words(worker.pid)}",
            f"nothing was touched; as that account, or as root: abaco-ops rollback, or sh {_script(deployment)}",
        ) from error
    work.warn(f"{target} did not give way within {_YIELDS_WITHIN:.0f} s: its worker (pid {worker.pid}) was ended")
    if not lock.acquire(_PATIENCE):
        return False
    detail = f"gave no way within {_YIELDS_WITHIN:.0f} s to {work.orders.operation}, which has taken over"
    with contextlib.suppress(OSError, OpsError):  # for people who follow it; nothing here may stop the way back
        Journal(directory, work.clock).write("forced", detail=detail)
    return True


def _script(deployment: Deployment) -> Path:
    return deployment.paths.rollback / "RETURN.sh"


def _gave_way(work: Work, lock: OperationLock, target: str) -> bool:
    """Whether the cutover lets go in time: of the lock, and of its work where its lock file was removed."""
    until = time.monotonic() + _YIELDS_WITHIN
    while time.monotonic() < until:
        if not lock.acquire(max(until - time.monotonic(), 0.0)):
            return False
        if not at_work(work.deployment, but=work.orders.operation):
            return True
        lock.release()
        time.sleep(_LOOK)
    return False
