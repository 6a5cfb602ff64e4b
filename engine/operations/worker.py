"""The process that carries out one operation: ``python -m engine.operations.worker``; nobody has to wait for it."""

from __future__ import annotations

import argparse
import contextlib
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock
from engine.config import Deployment, load_deployment
from engine.errors import LOCK_HELD, NEEDS_HUMAN, REFUSED, OpsError
from engine.operations.cutover_checks import COVERED_NAMES
from engine.operations.force import Forcer, rivals, take_by_force
from engine.operations.journal import offers
from engine.operations.lock import Holder, OperationLock, held_by
from engine.operations.model import OperationState, must_be_open
from engine.operations.narration import Narration
from engine.operations.outcome import exit_code, state_word
from engine.operations.plan import Orders, Plan
from engine.operations.planning import changed_since
from engine.operations.remaining import BY_HAND, remaining_commands
from engine.operations.reserve import keep_again
from engine.operations.runner import in_words, run_steps, undo_steps
from engine.operations.step import Step
from engine.operations.steps import steps_of
from engine.operations.takeover import end_orphans, take_alone, take_lock
from engine.operations.validate import run_validation_steps
from engine.operations.work import RESERVE_USED, JournalLost, Work


def main(arguments: Sequence[str]) -> int:
    """Run, resume or abort one operation; the exit code is that of the command that follows it."""
    parser = argparse.ArgumentParser(prog="worker")
    parser.add_argument("--root", required=True)
    parser.add_argument("--operation", required=True)
    parser.add_argument("--mode", choices=("run", "resume", "abort"), default="run")
    parser.add_argument("--actor", default="")
    parser.add_argument("--origin", default="local")
    parser.add_argument("--force", action="store_true")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an operation is ended by a request, never by a key
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        deployment = load_deployment(Path(options.root))
        directory = deployment.paths.operation(options.operation)
        orders = msgspec.json.decode((directory / "plan.json").read_bytes(), type=Orders)
        worker = _Worker(deployment, orders, SystemClock(), options.actor, options.origin, force=options.force)
        return worker.run(options.mode)
    except OpsError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code


class _Worker:
    def __init__(
        self, deployment: Deployment, orders: Orders, clock: Clock, actor: str, origin: str, *, force: bool
    ) -> None:
        self._deployment = deployment
        self._orders = orders
        self._narration = Narration(deployment, orders.operation, orders.plan.kind, clock)
        self._work = Work(deployment, orders, clock, self._narration.say)
        self._lock = OperationLock(deployment)
        self._actor, self._origin = actor or orders.actor, origin
        self._forcer = Forcer(self._actor, origin, orders.operation) if force else None
        self._since = clock.now().wall
        self._steps = steps_of(orders.plan)

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
            code = self._take_lock()
            if code is not None:
                return code
            changed = changed_since(self._deployment, plan, self._orders.operation)
            if plan.takes_over is None and changed:
                work.record("refused", detail=f"{', '.join(changed)} changed since it was planned")
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

    def _take_lock(self) -> int | None:
        """The lock, and word of who has it; an exit code when it cannot be had."""
        work = self._work
        try:
            taken = take_lock(work, self._lock, self._forcer)
        except OpsError as error:
            held = held_by(self._deployment) if error.exit_code == LOCK_HELD else ""
            work.record("refused", detail=in_words(error), lock_lost_to=held)
            return error.exit_code
        if not taken:
            held = held_by(self._deployment) or rivals(self._deployment, self._orders.operation)
            work.record("refused", detail=f"the lock is held: {held}", lock_lost_to=held)
            return LOCK_HELD
        self._tell("")
        return None

    def _continue(self, mode: str) -> int | None:
        """Take the lock of an operation that stopped half-way; an exit code when there is nothing to go on with.

        What was asked for is judged again now: before the lock was ours, others may have gone on with it, or closed it.
        """
        work, name = self._work, self._orders.operation
        work.undoing = mode == "abort"  # then a full disk does not stop it
        told = ""
        if self._forcer is not None:
            told = take_by_force(self._deployment, self._lock, self._forcer, work.clock)
        elif not take_alone(self._deployment, self._lock, name, 1.0):
            sys.stderr.write(f"the lock is held: {held_by(self._deployment) or rivals(self._deployment, name)}\n")
            return LOCK_HELD
        must_be_open(work.operation(), mode)
        self._tell("")
        self._narration.open(work)
        self._sign()
        if told:
            work.record("forced_others", detail=told)
            work.warn(told)
        end_orphans(work, name)
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
        rests = work.operation()
        data: dict[str, object] = {"kind": work.plan.kind, "state": state, "seconds": rests.seconds}
        if work.plan.kind == "validate":
            data["found"] = state_word(rests)
        self._event("operation.ended", data, seq)
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
        self._work.record_process("worker", me)

    def _tell_step(self, step: Step) -> None:
        self._tell(step.title)

    def _tell(self, step: str) -> None:
        orders, me = self._orders, self._work.me
        self._lock.tell(
            Holder(orders.operation, self._actor, self._origin, step, self._since, orders.reason, me.pid, me)
        )


def _facts(plan: Plan) -> str:
    """Builds and configurations, as they stand in plan, log and snapshot."""
    before = f"{plan.release_from} build {plan.build_from[:12]} config {plan.config_now[:12]}"
    return f"{before} -> {plan.release_to} build {plan.build_to[:12]} config {plan.config_then[:12]}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
