"""Looking at an operation that stopped half-way, without changing anything: what its steps' probes find now."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import msgspec

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.errors import OpsError
from engine.operations import cutover, rollback
from engine.operations.found import find_state
from engine.operations.journal import facts_of, fold, list_operations, records_of
from engine.operations.model import Operation
from engine.operations.plan import Orders
from engine.operations.prospects import Seen, WaysOn, prospects
from engine.operations.started import new_release_started
from engine.operations.step import Step
from engine.operations.work import Work
from engine.services.active import active_release

WITHIN = 3.0
"""Seconds for all probes together; what takes longer (hashing a large snapshot) is left to the worker."""
_STEPS: dict[str, tuple[Step, ...]] = {"cutover": cutover.STEPS, "rollback": rollback.STEPS}


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

    def checkpoint(self) -> None:
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
    steps = {step.name: step for step in _STEPS.get(operation.kind, ())}
    acted = [step.name for step in operation.steps if step.state not in ("waiting", "undone")]
    gone, there, unsure = _probed(deployment, operation, steps, seconds)
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


def _new_started(deployment: Deployment, operation: Operation) -> bool:
    """As a rollback would judge it: once it has started, that stays so."""
    if operation.past_no_return and operation.kind == "cutover":
        return True
    if facts_of(records_of(deployment.paths.operation(operation.id))).get("abort_only") is False:
        return True
    return new_release_started(deployment, list_operations(deployment.paths.operations))


def _probed(
    deployment: Deployment, operation: Operation, steps: dict[str, Step], seconds: float
) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    """Steps that were done and are gone; that were only begun and are there; that cannot be told."""
    gone: set[str] = set()
    there: set[str] = set()
    unsure: set[str] = set()
    begun = [item for item in operation.steps if item.state in ("done", "skipped", "running", "failed")]
    probed = [item for item in begun if item.name in steps and steps[item.name].probe is not None]
    try:
        plan = (deployment.paths.operation(operation.id) / "plan.json").read_bytes()
        work = _Onlooker(deployment, msgspec.json.decode(plan, type=Orders), SystemClock(), seconds)
    except (OSError, OpsError, msgspec.DecodeError, msgspec.ValidationError):
        return frozenset(), frozenset(), frozenset(item.name for item in probed)
    for item in probed:
        answer = _ask(work, steps[item.name])
        if answer is None:
            unsure.add(item.name)
        elif item.state in ("done", "skipped") and not answer:
            gone.add(item.name)
        elif item.state in ("running", "failed") and answer:
            there.add(item.name)
    return frozenset(gone), frozenset(there), frozenset(unsure)


def _ask(work: Work, step: Step) -> bool | None:
    """What the probe says; None when it cannot say, or not in time."""
    try:
        return step.probe(work) if step.probe is not None else None
    except (_TooLong, OSError, OpsError, KeyError):
        return None
