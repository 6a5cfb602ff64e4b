"""Starting an operation: its plan is written, its worker starts detached, and it has accepted, or refused."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.config.looking import must_write
from engine.errors import LockHeld, OperationFailed, OpsError, Refused
from engine.operations.journal import read_operation, records_of
from engine.operations.lock import held_by
from engine.operations.model import Operation, must_be_open
from engine.operations.plan import Orders, Plan
from engine.operations.planning import plan_cutover, plan_rollback, plan_validation
from engine.operations.reserve import release_reserve
from engine.operations.unit_worker import Mode, Start, start_unit_worker
from engine.operations.watchers import origin_here
from engine.records import write_file
from engine.records.atomic import make_for_group
from engine.services.detached import spawn_detached
from engine.services.identity import identity_of
from engine.snapshots.numbers import new_directory

__all__ = [
    "Accepted",
    "continue_operation",
    "launch",
    "launch_validation",
    "origin_here",
    "plan_cutover",
    "plan_rollback",
]

PLAN = "plan.json"
REQUESTS = "requests"
OUTPUT = "output.log"
_ANSWER_WITHIN = 15.0
_POLL = 0.01
_LOOK = 0.03


class Accepted(msgspec.Struct, frozen=True):
    """An operation that runs by itself now."""

    id: str
    pid: int


def launch(
    deployment: Deployment,
    plan: Plan,
    *,
    reason: str,
    actor: str,
    origin: str,
    accept_warn: tuple[str, ...] = (),
    scheduled: bool = False,
    force: bool = False,
) -> Accepted:
    """Start the worker for this plan; returns when its journal says accepted.

    Refused when the plan cannot be done or is out of date; LockHeld when someone else operates. ``force`` ends the
    verified worker of whoever holds the lock; what the plan says of it was made with ``force`` too.
    """
    must_write(deployment, f"a {plan.kind}")
    if plan.lock_holder:
        raise LockHeld(f"someone else operates: {plan.lock_holder}", "watch it: abaco-ops history")
    if plan.refusals:
        raise Refused(f"{plan.kind} is refused: " + "; ".join(plan.refusals))
    if plan.kind == "rollback":
        release_reserve(deployment)
    if plan.resumes:
        return continue_operation(deployment, plan.resumes, "resume", actor=actor, origin=origin, force=force)
    try:
        directory = new_directory(deployment.paths.operations, lambda number: f"{number:04d}-{plan.kind}")
        requests = directory / REQUESTS
        make_for_group(requests)
        orders = Orders(directory.name, plan, actor, origin, reason, accept_warn, scheduled, force)
        write_file(directory / PLAN, msgspec.json.encode(orders))
    except OSError as error:
        raise OperationFailed(
            f"the plan cannot be written: {error}", f"make room below {deployment.paths.rollback}; nothing was changed"
        ) from error
    return _spawn(deployment, directory, "run", actor=actor, origin=origin, force=force)


def launch_validation(
    deployment: Deployment, *, actor: str, origin: str, reason: str = "", scheduled: bool = False
) -> Accepted:
    """Start a validation of the running release; it takes no lock."""
    plan = plan_validation(deployment)
    return launch(deployment, plan, reason=reason, actor=actor, origin=origin, scheduled=scheduled)


def continue_operation(
    deployment: Deployment, operation: str, mode: Mode, *, actor: str, origin: str, force: bool = False
) -> Accepted:
    """Start a worker that goes on with (``resume``) or undoes (``abort``) an operation that stopped half-way.

    With ``force`` also one whose worker is alive: it is ended first.
    """
    must_write(deployment, f"to {mode} {operation}")
    directory = deployment.paths.operation(operation)
    if not (directory / PLAN).is_file():
        raise Refused(f"there is no operation {operation}", "abaco-ops history")
    now = read_operation(directory)
    if now.running and not force:
        raise LockHeld(f"{operation} is running, worker pid {now.pid}", f"watch it: abaco-ops history {operation}")
    if not now.running or now.started is None:
        must_be_open(now, mode)
    if now.kind == "rollback":
        release_reserve(deployment)
    return _spawn(deployment, directory, mode, actor=actor, origin=origin, force=force)


def _spawn(
    deployment: Deployment, directory: Path, mode: Mode, *, actor: str, origin: str, force: bool = False
) -> Accepted:
    before = len(records_of(directory))
    template = deployment.console.services.operation_unit
    if template is not None:
        return _spawn_unit(deployment, directory, template, Start(mode, actor, origin, force), before)
    command = [sys.executable, "-P", "-m", "engine.operations.worker", "--root", str(deployment.root)]
    command += ["--operation", directory.name, "--mode", mode, "--actor", actor, "--origin", origin]
    command += ["--force"] if force else []
    pid = spawn_detached(command, cwd=deployment.root, output=directory / OUTPUT)
    identity = identity_of(pid)
    until = time.monotonic() + _ANSWER_WITHIN
    while time.monotonic() < until:
        answered = _answer(directory, before)
        if answered is not None:
            return _accepted(answered, directory.name, pid)
        if identity is None or identity_of(pid) != identity:
            answered = _answer(directory, before)
            if answered is not None:
                return _accepted(answered, directory.name, pid)
            raise _not_begun(deployment, directory, mode)
        time.sleep(_POLL)
    raise OperationFailed(
        f"the worker of {directory.name} (pid {pid}) has not answered for {_ANSWER_WITHIN:.0f} s",
        f"see what it does: abaco-ops history {directory.name}",
    )


def _spawn_unit(deployment: Deployment, directory: Path, template: str, start: Start, before: int) -> Accepted:
    """The same as an instance of the template unit, whose user it has."""
    worker = start_unit_worker(template, directory, start)
    until = time.monotonic() + _ANSWER_WITHIN
    while time.monotonic() < until:
        over = worker.ended()  # asked first: what it wrote before it ended is there then
        answered = _answer(directory, before)
        if answered is not None:
            return _accepted(answered, directory.name, answered.pid or 0)
        if over:
            error = _not_begun(deployment, directory, start.mode)
            said = worker.why()
            raise type(error)(error.what + (f": {said}" if said else ""), f"journalctl -u {worker.unit}")
        time.sleep(_LOOK)
    raise OperationFailed(
        f"{worker.unit} has not answered for {_ANSWER_WITHIN:.0f} s",
        f"see what it does: systemctl status {worker.unit}",
    )


def _not_begun(deployment: Deployment, directory: Path, mode: str) -> OpsError:
    """Why a worker ended without a word in its journal: someone was faster, in one way or another."""
    held = held_by(deployment)
    if held:
        return LockHeld(f"someone else operates: {held}", "watch it: abaco-ops history")
    if mode != "run":
        try:
            must_be_open(read_operation(directory), mode)
        except Refused as refused:
            return refused
    return OperationFailed(
        f"the worker of {directory.name} ended before it began",
        f"nothing was changed; its output: {directory / OUTPUT}",
    )


def _answer(directory: Path, before: int) -> Operation | None:
    records = records_of(directory)[before:]
    if any(record["kind"] in ("accepted", "refused", "resumed") for record in records):
        return read_operation(directory)
    return None


def _accepted(operation: Operation, name: str, pid: int) -> Accepted:
    if operation.lock_lost_to:
        told = operation.failure
        why = f"; {told}" if told and "the lock is held" not in told else ""
        raise LockHeld(f"someone else operates: {operation.lock_lost_to}{why}", "watch it: abaco-ops history")
    if operation.state == "ABORTED" and operation.started is None:
        raise Refused(
            f"refused before it began: {operation.failure}", f"nothing ran as {name}; look again, confirm again"
        )
    return Accepted(name, pid)
