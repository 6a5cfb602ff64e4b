"""What a person does to an operation that runs or that stopped half-way: abort, resume, resolve."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.errors import LockHeld, OpsError, Refused
from engine.operations import requests
from engine.operations.found import Found, find_state
from engine.operations.journal import Journal, list_operations, read_operation, records_of, worker_of
from engine.operations.launch import Accepted, continue_operation, origin_here
from engine.operations.lock import OperationLock, holder
from engine.operations.model import CLOSED_BY_HAND, Operation, OperationState
from engine.records import append_event

_TAKES_GO_WITHIN = 15.0
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Closed:
    """An operation that a person closed: the state that follows from what was found."""

    state: OperationState
    found: Found


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


def go(
    deployment: Deployment, operation: str | None, *, actor: str, reason: str = "", origin: str | None = None
) -> str:
    """Tell a held cutover to go on with the switch (None: the one that holds); its id, once its worker has taken it.

    Refused when it does not hold, or when its worker does not take the go in time: then it has not been obeyed.
    """
    found = find(deployment, operation) if operation is not None else _holding(deployment)
    directory = deployment.paths.operation(found.id)
    worker = worker_of(records_of(directory))
    if found.state != "HOLDING" or worker is None:
        raise Refused(f"{found.id} does not hold: it is {found.state}", f"abaco-ops history {found.id}")
    path = requests.ask(directory, worker, "go", reason or f"by {actor}", origin or origin_here())
    try:
        state = _obeyed(directory, path)
    finally:
        path.unlink(missing_ok=True)  # also when whoever gave it does not wait: it is obeyed now or never
    if state:
        raise Refused(
            f"{found.id} is {state} and has not obeyed the go: it was taken back", f"abaco-ops history {found.id}"
        )
    return found.id


def _obeyed(directory: Path, request: Path) -> str:
    """Wait until the journal tells of this go; empty then, else the state in which it was not obeyed."""
    nonce, until = request.stem.partition("-")[2], time.monotonic() + _TAKES_GO_WITHIN
    while True:
        state = read_operation(directory).state
        if any(record["kind"] == "go" and record.get("nonce") == nonce for record in records_of(directory)):
            return ""
        if state != "HOLDING" or time.monotonic() > until:
            return state
        time.sleep(_POLL)


def _holding(deployment: Deployment) -> Operation:
    holding = [item for item in list_operations(deployment.paths.operations) if item.state == "HOLDING"]
    if not holding:
        raise Refused("no cutover holds: there is nothing to tell go", "abaco-ops cutover --hold prepares one")
    return holding[-1]


def resume(deployment: Deployment, operation: str, *, actor: str, origin: str | None = None) -> Accepted:
    """Go on with an operation that stopped half-way: every step is probed first, nothing is redone blindly."""
    found = find(deployment, operation)
    return continue_operation(deployment, found.id, "resume", actor=actor, origin=origin or origin_here())


def resolve(
    deployment: Deployment,
    operation: str,
    *,
    reason: str,
    actor: str,
    force: bool = False,
    clock: Clock | None = None,
) -> Closed:
    """Close an operation that a person has put right by hand; it changes nothing but the records.

    It looks at what is live and records that beside the person's word. Refused, unless forced, while configuration
    and metrics are not of one release.
    """
    if not reason.strip():
        raise Refused("a reason is needed", "abaco-ops resolve ID --reason TEXT")
    operation_now = find(deployment, operation)
    if not operation_now.open:
        raise Refused(f"{operation_now.id} is {operation_now.state}: nothing to resolve", "abaco-ops history")
    lock = OperationLock(deployment)
    if not lock.acquire(1.0):
        raise LockHeld(f"someone operates: {holder(deployment)}", "wait for its end")
    try:
        found = find_state(deployment, operation_now)
        if not found.agree and not force:
            raise Refused(
                f"{operation_now.id} is not put right: {found.says}",
                "abaco-ops rollback puts configuration and metrics back together; --force closes it all the same",
            )
        state = _state_by_hand(operation_now, found)
        _close(deployment, operation_now, Closed(state, found), reason, actor, clock or SystemClock())
    finally:
        lock.release()
    return Closed(state, found)


def _close(deployment: Deployment, operation: Operation, closed: Closed, reason: str, actor: str, clock: Clock) -> None:
    found = closed.found
    seq = Journal(deployment.paths.operation(operation.id), clock).write(
        "closed",
        state=closed.state,
        failure=f"{CLOSED_BY_HAND}: {found.says}; {actor} says: {reason}",
        failure_before=operation.failure,
        by="a person",
        actor=actor,
        reason=reason,
        found=found.says,
        agree=found.agree,
    )
    data = {
        "kind": operation.kind,
        "state": closed.state,
        "seconds": operation.seconds,
        "resolved": reason,
        "found": found.says,
        "agree": found.agree,
    }
    with contextlib.suppress(OSError, OpsError):  # the journal has it, and wins
        append_event(
            deployment.paths.events,
            "operation.ended",
            data,
            source="operation",
            actor=actor,
            operation=operation.id,
            operation_seq=seq,
            clock=clock,
        )


def _state_by_hand(operation: Operation, found: Found) -> OperationState:
    """Nothing that is found differing has succeeded, whoever runs."""
    if not found.agree:
        return "ABORTED"
    if found.live == operation.release_to:
        return "SUCCEEDED"
    if found.live == operation.release_from and operation.kind == "cutover" and operation.past_no_return:
        return "ROLLED_BACK"
    return "ABORTED"
