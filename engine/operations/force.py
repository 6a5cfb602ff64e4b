"""``--force``: end the worker that holds the lock, if it is known for sure which process that is; then take the lock.

A worker is known by what its journal says of it: pid, start time and boot. A process that no journal names is never
touched, whatever it holds.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from engine.clock import Clock
from engine.config import Deployment
from engine.errors import LockHeld, OpsError
from engine.operations.journal import Journal, list_operations, records_of, worker_of
from engine.operations.lock import OperationLock, held_by
from engine.operations.model import Operation
from engine.operations.watchers import person
from engine.records import append_event
from engine.services.identity import end_process, is_alive
from engine.services.leaving import kill_marked
from engine.services.protocol import Identity

_PATIENCE = 1.0


@dataclass(frozen=True, slots=True)
class Forcer:
    """Who forces, from where, for which operation."""

    actor: str
    origin: str
    operation: str

    def __str__(self) -> str:
        return person(self.actor, self.origin)


def at_work(deployment: Deployment, *, but: str = "") -> list[Operation]:
    """Cutovers and rollbacks that were accepted, and whose worker is alive and has not come to an end."""
    found = list_operations(deployment.paths.operations)
    return [item for item in found if item.id != but and item.kind != "validate" and item.started and item.running]


def rivals(deployment: Deployment, operation: str) -> str:
    """The operations at work beside this one, for people: where the lock file was removed, nothing else tells."""
    found = at_work(deployment, but=operation)
    if not found:
        return "another operation"
    return ", ".join(f"{item.actor} with {item.id} (its lock file was removed, it is at work)" for item in found)


def verified_holder(deployment: Deployment) -> Operation:
    """The operation whose living worker holds the lock. LockHeld, with what to do, when that is not certain."""
    found = list_operations(deployment.paths.operations)
    living = [item for item in found if item.kind != "validate" and item.started and item.alive]
    if len(living) == 1:
        return living[0]
    why = f"{len(living)} journals name living workers" if living else "no journal names its process"
    raise LockHeld(
        f"the lock is held, and it is not certain by which process ({why}): nothing was touched",
        f"find it: fuser -v {deployment.paths.operation_lock}; end it yourself, then ask again",
    )


def take_by_force(deployment: Deployment, lock: OperationLock, forcer: Forcer, clock: Clock) -> str:
    """Take the lock, ending its verified holder and the commands it left. What was done in words; empty for nothing.

    LockHeld when the holder is not certain, or does not end.
    """
    if lock.acquire(0.0) and not at_work(deployment, but=forcer.operation):
        return ""
    lock.release()
    victim = verified_holder(deployment)
    held = held_by(deployment)
    worker = worker_of(records_of(deployment.paths.operation(victim.id)))
    if worker is None or not _ended(victim, worker):
        raise LockHeld(f"{victim.id}'s worker (pid {victim.pid}) does not end, not even killed", "see its state: ps")
    if not lock.acquire(_PATIENCE):
        raise LockHeld(f"someone else was faster: {held_by(deployment)}", "watch it: abaco-ops history")
    commands = end_commands(deployment, victim.id)
    told = f"the worker of {victim.id} (pid {worker.pid}) was ended by force by {forcer}; it was: {held or 'unknown'}"
    if commands:
        told += "; its commands too: " + ", ".join(commands)
    _record(deployment, victim.id, worker, forcer, told, clock)
    return told


def _ended(victim: Operation, worker: Identity) -> bool:
    try:
        return end_process(worker, group=True)
    except PermissionError as error:
        raise LockHeld(
            f"{victim.id}'s worker (pid {worker.pid}) belongs to another user and cannot be ended by you",
            f"nothing was touched; as {victim.actor}, or as root, the same command can",
        ) from error


def end_commands(deployment: Deployment, operation: str) -> list[str]:
    """End the commands that a dead worker left behind, each known by its identity, and what carries their marks; each
    in words.
    """
    ended, marks = [], set()
    for record in records_of(deployment.paths.operation(operation)):
        if record.get("kind") == "child":
            child = Identity(int(record["pid"]), int(record["start_time"]), str(record["boot_id"]))
            if is_alive(child):
                try:
                    gone = end_process(child, group=True)
                except PermissionError:
                    gone = False
                ended.append(f"pid {child.pid}" + ("" if gone else " IS STILL THERE"))
            if child.boot_id and "mark" in record:  # of no boot: it is the original's, and this is a copy
                marks.add(str(record["mark"]))
    return [*ended, *(f"pid {one.pid}" for one in kill_marked(*marks))]


def _record(deployment: Deployment, operation: str, worker: Identity, forcer: Forcer, told: str, clock: Clock) -> None:
    """In the journal of the one that was ended, and in the audit trail: neither may stop what is forced."""
    data = {"worker": worker.pid, "by": forcer.actor, "origin": forcer.origin, "for": forcer.operation, "detail": told}
    with contextlib.suppress(OSError, OpsError):
        Journal(deployment.paths.operation(operation), clock).write("forced", **data)
    with contextlib.suppress(OSError, OpsError):
        append_event(
            deployment.paths.events,
            "operation.forced",
            data,
            source="operation",
            actor=forcer.actor,
            operation=operation,
            clock=clock,
        )
