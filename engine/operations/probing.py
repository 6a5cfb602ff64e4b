"""Looking at an operation that stopped half-way, without changing anything: what its steps' probes find now."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.errors import OpsError
from engine.operations.found import find_state
from engine.operations.journal import facts_of, fold, list_operations, records_of
from engine.operations.model import Operation
from engine.operations.plan import Orders
from engine.operations.prospects import Seen, WaysOn, prospects
from engine.operations.started import new_release_started
from engine.operations.step import Step
from engine.operations.steps import steps_of
from engine.operations.work import Work
from engine.records.undecodable import UNDECODABLE
from engine.services.active import active_release

WITHIN = 3.0
"""Seconds for all probes together; what takes longer (hashing a large snapshot) is left to the worker."""


class _TooLong(Exception):
    """The time for looking is over."""


class _Onlooker(Work):
    """A hold on an operation that only looks: it writes nothing, and takes no request that is another worker's."""

    def __init__(self, deployment: Deployment, orders: Orders, clock: Clock, seconds: float) -> None:
        super().__init__(deployment, orders, clock, lambda _text: None)
        self._until = time.monotonic() + seconds

    def record(self, kind: str, **data: Any) -> NoReturn:
        """Refused: looking leaves no trace."""
        raise OpsError(f"a probe must not write {kind}")

    def start(self, command: Sequence[str], *more: str, deadline: float | None = None) -> NoReturn:
        """Refused: a program of somebody's is for the worker to run, under the lock."""
        raise OpsError("a probe for onlookers starts no program")

    def checkpoint(self, *, at_once: bool = False) -> None:
        """The time for looking is short."""
        if time.monotonic() > self._until:
            raise _TooLong


def ways_on(deployment: Deployment, operation: Operation) -> WaysOn:
    """What a person can do about it now; nothing unless it stopped half-way. DamagedRecord when it cannot be read."""
    if not operation.open:
        return WaysOn("", ())
    seen = look(deployment, operation)
    return WaysOn(seen.found, prospects(operation, seen))


def look(deployment: Deployment, operation: Operation, seconds: float = WITHIN) -> Seen:
    """What is live, and what the probes of its steps find."""
    found = find_state(deployment, operation)
    records = records_of(deployment.paths.operation(operation.id))
    orders = _orders(deployment, operation)
    steps = {step.name: step for step in steps_of(orders.plan)} if orders else {}
    acted = [step.name for step in operation.steps if step.state not in ("waiting", "undone")]
    gone, there, unsure = _probed(deployment, operation, orders, steps, seconds)
    return Seen(
        found=found.says,
        agree=found.agree,
        running=active_release(deployment).running,
        new_started=_new_started(deployment, operation),
        undoing=fold(operation.id, records, alive=True).state == "ABORTING",
        gone=gone,
        there=there,
        unsure=unsure,
        undoes=tuple(steps[name].title for name in reversed(acted) if name in steps and steps[name].undo),
    )


def _orders(deployment: Deployment, operation: Operation) -> Orders | None:
    """The sealed plan, which says the steps; None when it cannot be read."""
    try:
        plan = (deployment.paths.operation(operation.id) / "plan.json").read_bytes()
        return msgspec.json.decode(plan, type=Orders)
    except (OSError, *UNDECODABLE):
        return None


def _new_started(deployment: Deployment, operation: Operation) -> bool:
    """As a rollback would judge it: once it has started, that stays so."""
    if operation.past_no_return and operation.kind == "cutover":
        return True
    if facts_of(records_of(deployment.paths.operation(operation.id))).get("abort_only") is False:
        return True
    return new_release_started(deployment, list_operations(deployment.paths.operations))


def _probed(
    deployment: Deployment, operation: Operation, orders: Orders | None, steps: dict[str, Step], seconds: float
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Steps that were done and are gone; that were only begun and are there; that cannot be told."""
    gone: set[str] = set()
    there: set[str] = set()
    unsure: set[str] = set()
    begun = [item for item in operation.steps if item.state in ("done", "skipped", "running", "failed", "aborted")]
    work = _onlooker(deployment, orders, seconds)
    if work is None:
        return frozenset(), frozenset(), frozenset(item.name for item in begun)
    probed = [item for item in begun if item.name in steps and steps[item.name].probe is not None]
    for item in probed:
        answer = _ask(work, steps[item.name])
        if answer is None:
            unsure.add(item.name)
        elif item.state in ("done", "skipped") and not answer:
            gone.add(item.name)
        elif item.state in ("running", "failed", "aborted") and answer:
            there.add(item.name)
    return frozenset(gone), frozenset(there), frozenset(unsure)


def _onlooker(deployment: Deployment, orders: Orders | None, seconds: float) -> _Onlooker | None:
    """None where the plan or the journal cannot be read: then nothing can be told of any step."""
    try:
        return _Onlooker(deployment, orders, SystemClock(), seconds) if orders else None
    except (OSError, OpsError):
        return None


def _ask(work: Work, step: Step) -> bool | None:
    """What the probe says; None when it cannot say, or not in time."""
    try:
        return step.probe(work) if step.probe is not None else None
    except (_TooLong, OSError, OpsError, KeyError):
        return None
