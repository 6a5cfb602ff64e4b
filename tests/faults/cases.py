"""The cases of the sweep: what is carried out, where it breaks, how it is put right, and whether all promises held."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass

import carried_out
from carried_out import NO_END, UNEXPECTED, Ending, Fault, carry_out
from disk import Disk, own_namespace, reboot
from ground import Ground
from invariants import OVER, Scene, violations

from engine.operations import cutover, rollback
from engine.operations.launch import plan_cutover, plan_rollback
from engine.records.events import verify_chain

ERRORS = ("kill", "ENOSPC", "EIO")
FULL = "full"
BEFORE, AFTER = "before a cutover", "after a cutover"
WAYS = ("rollback", "resume", "abort")
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One operation, broken once; then ``way`` puts it right, itself broken at ``again`` where that is not 0."""

    operation: str
    fault: Fault
    way: str = "rollback"
    again: int = 0

    def __str__(self) -> str:
        whose = " of its supervisor" if self.fault.supervisor else ""
        where = f"at {self.fault.step}" if self.fault.step else f"{self.fault.how} at call {self.fault.at}{whose}"
        then = f", then {self.way}" + (f", killed at call {self.again}" if self.again else "")
        return f"{self.operation} {where}{then}"


@dataclass(frozen=True, slots=True)
class Result:
    """What a case came to."""

    case: Case
    broken: list[str]
    """Violations, in words."""
    reached: bool
    """Whether the call to be broken came at all."""
    seconds: float


class Lane:
    """Runs one case after the other on its own ground."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._old = self._new = b""
        self._rebooted = False

    def prepare(self) -> None:
        """Both grounds that cases begin from: V1 that has published, and V2 after a cutover."""
        ground = self.ground
        ground.make()
        ground.start("v1")
        ground.stop("v1")
        ground.keep(BEFORE)
        ground.start("v1")
        done = carry_out(ground, carried_out.cutover(ground), Fault())
        assert done.code == 0, (done.code, done.said, done.calls[-3:])
        ground.stop("v2")
        ground.keep(AFTER)
        self._old = (ground.root / "config/releases/v1.yml").read_bytes()
        self._new = (ground.root / "config/releases/v2.yml").read_bytes()

    def tear_down(self) -> None:
        """Leave nothing behind."""
        self.ground.end_everything()

    def calls(self, operation: str, *, supervisor: bool = False) -> int:
        """How many calls an unbroken one makes; ``supervisor``: what it starts makes, until it is ended."""
        self.lay(operation)
        done = carry_out(self.ground, self._act(operation), Fault(supervisor=supervisor))
        self.ground.end_everything()
        assert done.code == 0, (done.code, done.said, done.calls[-3:])
        return len(done.calls)

    def recovery_calls(self, operation: str, step: str, way: str) -> int:
        """How many calls an unbroken recovery makes that starts at this step."""
        self.lay(operation)
        try:
            carry_out(self.ground, self._act(operation), Fault(step=step))
            act = self._way(way)
            return len(carry_out(self.ground, act, Fault()).calls) if act else 0
        finally:
            self.ground.end_everything()

    def run(self, case: Case) -> Result:
        """One case, from laying the ground to the last look."""
        began = time.monotonic()
        self.lay(case.operation)
        try:
            first = self._first(case)
            broken = self._look(first)
            reached = bool(case.fault.step) or len(first.calls) >= case.fault.at
            if not broken and case.again:
                reached, broken = self._put_right_and_break(case)
            if not broken:
                broken = self._put_right(case)
        finally:
            self.ground.end_everything()
        return Result(case, broken, reached, time.monotonic() - began)

    def _first(self, case: Case) -> Ending:
        return carry_out(self.ground, self._act(case.operation), case.fault)

    def lay(self, operation: str) -> None:
        """The ground that this operation begins from, and its release running."""
        self.ground.lay(BEFORE if operation == "cutover" else AFTER)
        self.ground.start("v1" if operation == "cutover" else "v2")

    def _act(self, operation: str) -> carried_out.Act:
        return carried_out.cutover(self.ground) if operation == "cutover" else carried_out.rollback(self.ground)

    def _put_right_and_break(self, case: Case) -> tuple[bool, list[str]]:
        act = self._way(case.way)
        if act is None:
            return False, []
        ending = carry_out(self.ground, act, Fault(case.again))
        return len(ending.calls) >= case.again, self._look(ending)

    def _put_right(self, case: Case) -> list[str]:
        """Put it right, as often as a person would try; in the end everything is over and whole."""
        for attempt in range(_TRIES):
            act = self._way(case.way if attempt == 0 else "rollback")
            if act is None:
                break
            ending = carry_out(self.ground, act, Fault())
            broken = self._look(ending)
            if broken:
                return broken
        return self._all_is_well()

    def _way(self, way: str) -> carried_out.Act | None:
        """How to put right what stands open; None when nothing does."""
        opened = [item for item in carried_out.operations(self.ground) if item.open]
        if not opened:
            return None
        newest = opened[-1]
        if newest.kind == "rollback" or way == "rollback" or (way == "abort" and newest.past_no_return):
            return carried_out.rollback(self.ground)
        act = carried_out.resume if way == "resume" else carried_out.abort
        return act(self.ground, newest.id)

    def _look(self, ending: Ending) -> list[str]:
        """After a process has ended, however it did."""
        found = violations(self.scene())
        if ending.code == UNEXPECTED or "Traceback" in ending.said:
            found.append(f"a traceback: {ending.said}")
        if ending.code == NO_END:
            found.append(f"it did not end: {ending.said}")
        return found

    def scene(self, *, aside: frozenset[str] = frozenset(), ended_by_hand: bool = False) -> Scene:
        """What is seen now."""
        ground = self.ground
        done = carried_out.operations(ground)
        return Scene(
            ground.root,
            self._old,
            self._new,
            ground.published(),
            aside,
            ground.violations(),
            ground.running(),
            done[-1].state if done else "",
            self._rebooted or ended_by_hand,
        )

    def _all_is_well(self) -> list[str]:
        """Everything is over, one release runs, the audit trail is whole, and the console could go on from here."""
        scene = self.scene()
        found = violations(scene)
        deployment = self.ground.deployment
        states = {item.id: item.state for item in carried_out.operations(self.ground)}
        found += [f"{name} is still {state}" for name, state in states.items() if state not in OVER]
        if len(scene.running) != 1:
            return [*found, "no release runs in the end"]
        chain = verify_chain(deployment.paths.events)
        if not chain.intact:
            found.append(f"the audit trail is broken: {chain.problem}")
        plan = plan_cutover(deployment) if scene.running == ["v1"] else plan_rollback(deployment)
        found += [f"no {plan.kind} could follow: {reason}" for reason in plan.refusals]
        return found


class PowerLane(Lane):
    """The same on a disk of its own, whose power is cut in the middle: all processes are gone, another boot begins."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self._disk = Disk(ground.base, ground.root)

    def prepare(self) -> None:
        """As always, and then as images of a disk."""
        super().prepare()
        self.ground.end_everything()
        own_namespace(self.ground.base)
        shutil.rmtree(self.ground.root)
        for name in (BEFORE, AFTER):
            self._disk.keep(name, self.ground.base / name / "site")

    def tear_down(self) -> None:
        """The disk too."""
        super().tear_down()
        self._disk.down()

    def lay(self, operation: str) -> None:
        name = BEFORE if operation == "cutover" else AFTER
        self._rebooted = False
        self._disk.lay(name)
        self.ground.lay_ledger(name)
        self.ground.start("v1" if operation == "cutover" else "v2")

    def _first(self, case: Case) -> Ending:
        descriptor = self._disk.hold()
        try:
            ending = carry_out(self.ground, self._act(case.operation), case.fault, descriptor)
        finally:
            os.close(descriptor)
        if ending.code == -signal.SIGKILL:
            self.ground.end_everything()
            self._disk.cycle()
            reboot(self.ground.base)
            self._rebooted = True
        return ending

    def _put_right(self, case: Case) -> list[str]:
        """Nothing starts by itself after a reboot; where no operation stands open, a person starts the release."""
        self._rebooted = False
        broken = super()._put_right(case) if self._way(case.way) is not None else []
        if not broken and not self.ground.running():
            self.ground.start("v1" if self.scene().configured_old else "v2")
        return broken or self._all_is_well()


def of_power(lane: Lane) -> Iterator[Case]:
    """The power is cut at each call of both operations."""
    for operation in ("cutover", "rollback"):
        for at in range(1, lane.calls(operation) + 1):
            yield Case(operation, Fault(at, "power"), WAYS[at % len(WAYS)])


def of_calls(lane: Lane, errors: tuple[str, ...] = ERRORS) -> Iterator[Case]:
    """Every call of both operations, broken in every way; the ways to put it right take turns."""
    for operation in ("cutover", "rollback"):
        for at in range(1, lane.calls(operation) + 1):
            for index, how in enumerate(errors):
                way = WAYS[(at + index) % len(WAYS)] if operation == "cutover" else "rollback"
                yield Case(operation, Fault(at, how), way)


def of_supervisor(lane: Lane) -> Iterator[Case]:
    """The same for the calls of the supervisor that the operation starts."""
    for operation in ("cutover", "rollback"):
        for at in range(1, lane.calls(operation, supervisor=True) + 1):
            for index, how in enumerate(ERRORS):
                way = WAYS[(at + index) % len(WAYS)] if operation == "cutover" else "rollback"
                yield Case(operation, Fault(at, how, supervisor=True), way)


def of_recovery(lane: Lane, every_way: bool = False) -> Iterator[Case]:
    """Recovery killed at each of its calls, once for each step boundary that it may start from."""
    for operation, step, way in boundaries(every_way):
        for again in range(1, lane.recovery_calls(operation, step, way) + 1):
            yield Case(operation, Fault(step=step), way, again)


def boundaries(every_way: bool = False) -> Iterator[tuple[str, str, str]]:
    """Operation, step and way: each step boundary that a recovery may start from; the ways take turns, or each way."""
    passed = False
    for index, step in enumerate(cutover.STEPS):
        passed = passed or step.no_return
        possible = WAYS[:2] if passed else WAYS
        for way in possible if every_way else (possible[index % len(possible)],):
            yield "cutover", step.name, way
    for step in rollback.STEPS:
        yield "rollback", step.name, "rollback"


def base_directory() -> str:
    """In memory where there is such a place: the sweep asks for what the engine does, not for a disk."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else "/tmp"
