"""What a person does to an operation that runs or that stopped half-way: abort, resume, resolve."""

from __future__ import annotations

import contextlib

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.errors import LockHeld, OpsError, Refused
from engine.operations import requests
from engine.operations.journal import Journal, list_operations, records_of, worker_of
from engine.operations.launch import Accepted, continue_operation, origin_here
from engine.operations.lock import OperationLock, holder
from engine.operations.model import Operation, OperationState
from engine.records import append_event
from engine.services.active import active_release


def find(deployment: Deployment, operation: str) -> Operation:
    """One operation by its id, or by its number alone. Refused when there is none."""
    for found in list_operations(deployment.paths.operations):
        if operation in (found.id, found.id.partition("-")[0], found.id.partition("-")[0].lstrip("0")):
            return found
    raise Refused(f"there is no operation {operation}", "abaco-ops history")


def abort(
    deployment: Deployment, operation: str, *, actor: str, reason: str = "", origin: str | None = None
) -> Accepted | None:
    """Ask a running cutover to undo itself (None: its own worker does it), or undo one that stopped half-way.

    Refused for a rollback, and once the new release may have run: then the way is a rollback.
    """
    found = find(deployment, operation)
    if found.kind == "rollback":
        raise Refused(f"{found.id} cannot be aborted: half a rollback helps nobody", "let it end, or resume it")
    if found.past_no_return and not found.state == "SUCCEEDED":
        raise Refused(f"{found.id} cannot be aborted: {found.release_to} may have run", "abaco-ops rollback")
    if not found.running:
        return continue_operation(deployment, found.id, "abort", actor=actor, origin=origin or origin_here())
    directory = deployment.paths.operation(found.id)
    worker = worker_of(records_of(directory))
    if worker is None:
        raise Refused(f"{found.id} has no worker yet", "try again")
    requests.ask(directory, worker, "abort", reason or f"by {actor}")
    return None


def resume(deployment: Deployment, operation: str, *, actor: str, origin: str | None = None) -> Accepted:
    """Go on with an operation that stopped half-way: every step is probed first, nothing is redone blindly."""
    found = find(deployment, operation)
    return continue_operation(deployment, found.id, "resume", actor=actor, origin=origin or origin_here())


def resolve(
    deployment: Deployment, operation: str, *, reason: str, actor: str, clock: Clock | None = None
) -> OperationState:
    """Close an operation that a person has put right by hand; it changes nothing but the records.

    The state follows from what is really active now.
    """
    if not reason.strip():
        raise Refused("a reason is needed", "abaco-ops resolve ID --reason TEXT")
    found = find(deployment, operation)
    if not found.open:
        raise Refused(f"{found.id} is {found.state}: nothing to resolve", "abaco-ops history")
    lock = OperationLock(deployment)
    if not lock.acquire(1.0):
        raise LockHeld(f"someone operates: {holder(deployment)}", "wait for its end")
    try:
        state = _state_by_hand(found, active_release(deployment).name)
        clock = clock or SystemClock()
        journal = Journal(deployment.paths.operation(found.id), clock)
        seq = journal.write("closed", state=state, failure=found.failure, by="a person", actor=actor, reason=reason)
        data = {"kind": found.kind, "state": state, "seconds": found.seconds, "resolved": reason}
        with contextlib.suppress(OSError, OpsError):  # the journal has it, and wins
            append_event(
                deployment.paths.events,
                "operation.ended",
                data,
                source="operation",
                actor=actor,
                operation=found.id,
                operation_seq=seq,
                clock=clock,
            )
    finally:
        lock.release()
    return state


def _state_by_hand(found: Operation, active: str | None) -> OperationState:
    if active == found.release_to:
        return "SUCCEEDED"
    if active == found.release_from and found.kind == "cutover" and found.past_no_return:
        return "ROLLED_BACK"
    return "ABORTED"
