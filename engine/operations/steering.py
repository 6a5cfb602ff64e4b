"""What a person does to an operation that runs or that stopped half-way: abort, resume, resolve."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.config.looking import must_write
from engine.errors import LockHeld, OpsError, Refused
from engine.operations import requests
from engine.operations.force import Forcer, rivals, take_by_force
from engine.operations.found import Found, find_state
from engine.operations.journal import Journal, list_operations, read_operation, records_of, worker_of
from engine.operations.launch import Accepted, continue_operation, origin_here
from engine.operations.lock import Holder, OperationLock, held_by
from engine.operations.model import CLOSED_BY_HAND, HOLD_STEP, Operation, OperationState, must_be_open, state_in_words
from engine.operations.outcome import state_word
from engine.operations.takeover import take_alone
from engine.records import append_event
from engine.services.identity import own_identity

_TAKES_GO_WITHIN = 15.0
_POLL = 0.02


@dataclass(frozen=True, slots=True)
class Closed:
    """An operation that a person closed: the state that follows from what was found."""

    state: OperationState
    found: Found
    forced: str = ""
    """Whose worker was ended for it, in words."""


def find(deployment: Deployment, operation: str) -> Operation:
    """One operation by its id, or by its number alone. Refused when there is none."""
    for found in list_operations(deployment.paths.operations):
        if operation in (found.id, found.id.partition("-")[0], found.id.partition("-")[0].lstrip("0")):
            return found
    raise Refused(f"there is no operation {operation}", "abaco-ops history")


def unfinished(deployment: Deployment, operation: str | None, mode: str) -> Operation:
    """The one that is named; without a name the one that runs, else the only one that stopped half-way.

    Refused when there is none, or more than one to choose from.
    """
    if operation is not None:
        return find(deployment, operation)
    every = list_operations(deployment.paths.operations)
    known = [item for item in every if item.kind != "validate"]
    found = [item for item in known if item.running and item.started] or [item for item in known if item.open]
    if not found and mode == "abort":
        found = [item for item in every if item.running and item.started]
    if not found:
        raise Refused(f"nothing runs and nothing is unfinished: nothing to {mode}", "abaco-ops history")
    if len(found) > 1:
        named = ", ".join(item.id for item in found)
        raise Refused(f"{len(found)} operations are unfinished: {named}", f"abaco-ops {mode} ID, with one of these")
    return found[0]


def abort(
    deployment: Deployment,
    operation: str,
    *,
    actor: str,
    reason: str = "",
    origin: str | None = None,
    force: bool = False,
) -> Accepted | Path:
    """Ask a running cutover to undo itself, or undo one that stopped half-way, or (``force``) whose worker is ended;
    ask a running validation to stop.

    The request (a path, see :func:`unanswered`) when its own worker does it, else the worker that was started.
    Refused for a rollback, and once the new release may have run: then the way is a rollback.
    """
    must_write(deployment, f"to abort {operation}")
    found = find(deployment, operation)
    stops = found.kind == "validate" and found.running
    if stops and force:
        raise Refused(f"{found.id} is a validation: it stands in nobody's way", f"abaco-ops abort {found.id}")
    if not found.running or force:
        if found.running:
            must_be_open(msgspec.structs.replace(found, state="INTERRUPTED"), "abort")  # as it will be
        where = origin or origin_here()
        return continue_operation(deployment, found.id, "abort", actor=actor, origin=where, force=force)
    if not stops:
        must_be_open(msgspec.structs.replace(found, state="INTERRUPTED"), "abort")
    directory = deployment.paths.operation(found.id)
    worker = worker_of(records_of(directory))
    if worker is None:
        raise Refused(f"{found.id} has no worker yet", "try again")
    return requests.ask(directory, worker, "abort", reason, origin or origin_here(), actor=actor)


def go(
    deployment: Deployment, operation: str | None, *, actor: str, reason: str = "", origin: str | None = None
) -> str:
    """Tell a held cutover to go on with the switch (None: the one that holds); its id, once its worker has taken it.

    Refused when it does not hold, or when its worker does not take the go in time: then it has not been obeyed.
    """
    must_write(deployment, "a go")
    found = find(deployment, operation) if operation is not None else _holding(deployment)
    directory = deployment.paths.operation(found.id)
    worker = worker_of(records_of(directory))
    if found.state != "HOLDING" or worker is None:
        raise Refused(f"{found.id} does not hold: it is {state_in_words(found.state)}", f"abaco-ops history {found.id}")
    path = requests.ask(directory, worker, "go", reason or f"by {actor}", origin or origin_here())
    try:
        state = _obeyed(directory, path)
    finally:
        path.unlink(missing_ok=True)  # also when whoever gave it does not wait: it is obeyed now or never
    if state:
        raise Refused(
            f"{found.id} is {state_in_words(state)} and has not obeyed the go: it was taken back",
            f"abaco-ops history {found.id}",
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


def _last_hold(deployment: Deployment) -> str:
    """How the last cutover that was to hold has ended, for whoever comes with a go too late."""
    for item in reversed(list_operations(deployment.paths.operations)):
        if item.kind == "cutover" and any(step.name == HOLD_STEP for step in item.steps):
            return f"; {item.id} is {state_word(item)}" + (f": {item.failure}" if item.failure else "")
    return ""


def _holding(deployment: Deployment) -> Operation:
    holding = [item for item in list_operations(deployment.paths.operations) if item.state == "HOLDING"]
    if not holding:
        raise Refused(f"no cutover holds: there is nothing to tell go{_last_hold(deployment)}", "abaco-ops history")
    return holding[-1]


def unanswered(deployment: Deployment, operation: str, request: Path, seconds: float = requests.ANSWERS_WITHIN) -> str:
    """What to say when the worker has not taken a request in time; empty when it has, or has ended meanwhile."""
    if requests.answered(request, seconds):
        return ""
    now = find(deployment, operation)
    if not now.running:
        return ""
    step = next((step.title for step in now.steps if step.state == "running"), "its beginning")
    if now.kind == "validate":
        return f"{now.id} has not answered for {seconds:.0f} s (worker pid {now.pid}, at: {step}); it may still stop"
    return (
        f"{now.id} has not answered for {seconds:.0f} s: abaco-ops abort {now.id} --force "
        f"ends its worker (pid {now.pid}, at: {step}) and undoes what it did; it may still answer by itself"
    )


def resume(
    deployment: Deployment, operation: str, *, actor: str, origin: str | None = None, force: bool = False
) -> Accepted:
    """Go on with an operation that stopped half-way: every step is probed first, nothing is redone blindly.

    ``force`` ends its living, verified worker first, or that of whoever else holds the lock.
    """
    found = find(deployment, operation)
    where = origin or origin_here()
    return continue_operation(deployment, found.id, "resume", actor=actor, origin=where, force=force)


def resolve(
    deployment: Deployment,
    operation: str,
    *,
    reason: str,
    actor: str,
    force: bool = False,
    origin: str | None = None,
    clock: Clock | None = None,
) -> Closed:
    """Close an operation that a person has put right by hand; it changes nothing but the records.

    It looks at what is live and records that beside the person's word. Refused, unless forced, while configuration
    and metrics are not of one release. ``force`` also ends the verified worker of whoever holds the lock.
    """
    must_write(deployment, f"to resolve {operation}")
    if not reason.strip():
        raise Refused("a reason is needed", "abaco-ops resolve ID --reason TEXT")
    clock = clock or SystemClock()
    operation_now = find(deployment, operation)
    if not operation_now.open and not (force and operation_now.running and operation_now.started):
        raise Refused(f"{operation_now.id} is {state_word(operation_now)}: nothing to resolve", "abaco-ops history")
    lock = OperationLock(deployment)
    forced = _locked(deployment, lock, Forcer(actor, origin or origin_here(), operation_now.id), clock, force=force)
    try:
        operation_now = find(deployment, operation_now.id)  # as it is now that nobody else can change it
        if not operation_now.open:
            raise Refused(f"{operation_now.id} is {state_word(operation_now)}: nothing to resolve", "abaco-ops history")
        lock.tell(_closer(operation_now, actor, origin or origin_here(), reason, clock))
        found = find_state(deployment, operation_now)
        if not found.agree and not force:
            raise Refused(
                f"{operation_now.id} is not put right: {found.says}",
                "abaco-ops rollback puts configuration and metrics back together; --force closes it all the same",
            )
        if found.live is None and not force:
            raise Refused(
                f"{operation_now.id} is not put right, no release is live: {found.says}",
                "abaco-ops rollback, or start the release that is configured; --force closes it all the same",
            )
        state = _state_by_hand(operation_now, found)
        _close(deployment, operation_now, Closed(state, found, forced), reason, actor, clock)
    finally:
        lock.release()
    return Closed(state, found, forced)


def _locked(deployment: Deployment, lock: OperationLock, forcer: Forcer, clock: Clock, *, force: bool) -> str:
    """Take the lock; what ``force`` did for it, in words. LockHeld."""
    if force:
        told = take_by_force(deployment, lock, forcer, clock)
        if told:
            Journal(deployment.paths.operation(forcer.operation), clock).write("forced_others", detail=told)
        return told
    if not take_alone(deployment, lock, forcer.operation, 1.0):
        held = held_by(deployment) or rivals(deployment, forcer.operation)
        raise LockHeld(f"someone operates: {held}", "wait for its end, or --force ends its worker")
    return ""


def _closer(operation: Operation, actor: str, origin: str, reason: str, clock: Clock) -> Holder:
    me = own_identity()
    return Holder(operation.id, actor, origin, "closing it by hand", clock.now().wall, reason, me.pid, me)


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
