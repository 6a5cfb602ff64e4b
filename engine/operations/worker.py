"""The process that carries out one operation: ``python -m engine.operations.worker``; nobody has to wait for it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock
from engine.config import Deployment, load_deployment
from engine.errors import LOCK_HELD, NEEDS_HUMAN, REFUSED, OpsError
from engine.operations import cutover, rollback
from engine.operations.cutover_checks import COVERED_NAMES
from engine.operations.journal import offers
from engine.operations.lock import Holder, OperationLock, holder
from engine.operations.model import OperationState
from engine.operations.narration import Narration
from engine.operations.outcome import exit_code
from engine.operations.plan import Orders, Plan
from engine.operations.planning import basis_now
from engine.operations.remaining import BY_HAND, remaining_commands
from engine.operations.reserve import keep_again
from engine.operations.runner import in_words, run_steps, undo_steps
from engine.operations.step import Step
from engine.operations.takeover import end_orphans, take_lock
from engine.operations.validate import run_validation_steps
from engine.operations.work import RESERVE_USED, JournalLost, Work

STEPS: dict[str, tuple[Step, ...]] = {"cutover": cutover.STEPS, "rollback": rollback.STEPS, "validate": ()}


def main(arguments: Sequence[str]) -> int:
    """Run, resume or abort one operation; the exit code is that of the command that follows it."""
    parser = argparse.ArgumentParser(prog="worker")
    parser.add_argument("--root", required=True)
    parser.add_argument("--operation", required=True)
    parser.add_argument("--mode", choices=("run", "resume", "abort"), default="run")
    parser.add_argument("--actor", default="")
    parser.add_argument("--origin", default="local")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an operation is ended by a request, never by a key
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        deployment = load_deployment(Path(options.root))
        directory = deployment.paths.operation(options.operation)
        orders = msgspec.json.decode((directory / "plan.json").read_bytes(), type=Orders)
        return _Worker(deployment, orders, SystemClock(), options.actor, options.origin).run(options.mode)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


class _Worker:
    def __init__(self, deployment: Deployment, orders: Orders, clock: Clock, actor: str, origin: str) -> None:
        self._deployment = deployment
        self._orders = orders
        self._narration = Narration(deployment, orders.operation, orders.plan.kind, clock)
        self._work = Work(deployment, orders, clock, self._narration.say)
        self._lock = OperationLock(deployment)
        self._actor, self._origin = actor or orders.actor, origin
        self._since = clock.now().wall
        self._steps = STEPS[orders.plan.kind]

    def run(self, mode: str) -> int:
        try:
            refused = self._begin() if mode == "run" else self._continue(mode)
            if refused is not None:
                return refused
            state, failure = self._carry_out(mode)
            return self._end(state, failure)
        except JournalLost as error:
            self._narration.say(f"STOPPED: {in_words(error)}")
            for command in self._ways():
                self._narration.say(f"  {command}")
            return NEEDS_HUMAN
        finally:
            self._lock.release()

    def _begin(self) -> int | None:
        """Plan and acceptance; an exit code when it is refused."""
        work, plan = self._work, self._orders.plan
        steps = [{"name": step.name, "title": step.title, "phase": step.phase} for step in plan.steps]
        work.record(
            "planned",
            operation_kind=plan.kind,
            release_from=plan.release_from,
            release_to=plan.release_to,
            actor=self._orders.actor,
            origin=self._orders.origin,
            reason=self._orders.reason,
            steps=steps,
        )
        self._sign()
        if plan.kind != "validate":
            if not take_lock(work, self._lock):
                held = str(holder(self._deployment) or "another operation")
                work.record("refused", detail=f"the lock is held: {held}", lock_lost_to=held)
                return LOCK_HELD
            if plan.takes_over is None and basis_now(self._deployment, plan, self._orders.operation) != plan.basis:
                work.record("refused", detail="configuration, snapshot or last operation changed since it was planned")
                return REFUSED
        problem = self._narration.open(work)
        if problem and plan.kind == "cutover":
            work.record("refused", detail=problem)
            return REFUSED
        seq = work.record("accepted", plan=plan.basis)
        self._event("operation.accepted", {"kind": plan.kind, "reason": self._orders.reason}, seq)
        if problem:
            work.warn(problem)
        self._narration.say(f"ACCEPTED {plan.kind} by {self._orders.actor} ({self._orders.origin}): {_facts(plan)}")
        return None

    def _continue(self, mode: str) -> int | None:
        work = self._work
        work.undoing = mode == "abort"  # then a full disk does not stop it
        if not self._lock.acquire(1.0):
            sys.stderr.write(f"the lock is held: {holder(self._deployment)}\n")
            return LOCK_HELD
        self._narration.open(work)
        self._sign()
        end_orphans(work, work.directory)
        seq = work.record("resumed", mode=mode, actor=self._actor, origin=self._origin)
        self._event(f"operation.{mode}", {"kind": work.plan.kind}, seq)
        self._narration.say(f"{mode.upper()} by {self._actor}")
        return None

    def _carry_out(self, mode: str) -> tuple[OperationState, str]:
        work = self._work
        if work.plan.kind == "validate":
            return run_validation_steps(work)
        aborting = work.operation().state == "ABORTING"
        if mode == "abort" or aborting:
            state = undo_steps(work, self._steps, self._tell_step)
        else:
            state = run_steps(work, self._steps, self._tell_step)
        return state, "" if state == "SUCCEEDED" else work.operation().failure

    def _end(self, state: OperationState, failure: str) -> int:
        work = self._work
        if state == "INTERRUPTED":  # it gave way: its journal says so already
            return NEEDS_HUMAN
        now = work.operation()
        ways: tuple[str, ...] = ()
        if state == "NEEDS_HUMAN":
            ways = self._ways()
        elif state != "ABORTED" or RESERVE_USED in now.warnings:
            self._keep_again(state)
        began = now.seconds or 0.0
        self._narration.say(f"{state} after {began:.1f} s{': ' + failure if failure else ''}")
        for way in ways:
            self._narration.say(f"  {way}")
        seq = work.record("ended", state=state, failure=failure, offers=list(ways))
        seconds = work.operation().seconds
        self._event("operation.ended", {"kind": work.plan.kind, "state": state, "seconds": seconds}, seq)
        return exit_code(state)

    def _ways(self) -> tuple[str, ...]:
        """What a person can do: by the engine, then by hand."""
        past = True
        with contextlib.suppress(JournalLost):
            past = self._work.operation().past_no_return
        by_hand = remaining_commands(self._work)
        return (*offers(self._orders.operation, past_no_return=past), *([BY_HAND, *by_hand] if by_hand else []))

    def _keep_again(self, state: OperationState) -> None:
        """The space for the next rollback, where this operation used it; a disk that is still full is said."""
        if self._orders.plan.kind == "validate":
            return
        missing = keep_again(self._deployment, int(self._work.facts.get(COVERED_NAMES, 0)))
        if missing and state == "SUCCEEDED":
            self._work.warn(f"{missing}: make room")

    def _event(self, kind: str, data: dict[str, object], seq: int) -> None:
        """The journal has it already and wins: an audit trail that cannot be written is a warning."""
        try:
            self._work.event(kind, data, seq)
        except (OSError, OpsError) as error:
            self._work.warn(f"the audit trail cannot be written: {in_words(error)}")

    def _sign(self) -> None:
        me = self._work.me
        self._work.record("worker", pid=me.pid, start_time=me.start_time, boot_id=me.boot_id)

    def _tell_step(self, step: Step) -> None:
        orders = self._orders
        who = Holder(orders.operation, self._actor, self._origin, step.title, self._since, orders.reason, os.getpid())
        self._lock.tell(who)


def _facts(plan: Plan) -> str:
    """Builds and configurations, as they stand in plan, log and snapshot."""
    before = f"{plan.release_from} build {plan.build_from[:12]} config {plan.config_now[:12]}"
    return f"{before} -> {plan.release_to} build {plan.build_to[:12]} config {plan.config_then[:12]}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
