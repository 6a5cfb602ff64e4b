"""Runs the steps of an operation: intent, do, verify, done; and backwards when it has to be undone."""

from __future__ import annotations

import functools
import sys
import time
import traceback
from collections.abc import Callable, Sequence

from engine.errors import OpsError
from engine.operations import requests
from engine.operations.model import OperationState, StepState
from engine.operations.reserve import disk_is_full
from engine.operations.step import Kept, Outcome, Step, StepFailed
from engine.operations.work import AbortRequested, JournalLost, Work, YieldRequested

Begin = Callable[[Step], None]
"""Told which step begins: the lock's holder file shows it."""


def run_steps(work: Work, steps: Sequence[Step], begin: Begin) -> OperationState:
    """Go forward through the steps that are not done; on failure undo, or stop for a person.

    Steps that the journal calls done are probed again: one whose effect has gone is done again.
    """
    before = {step.name: step.state for step in work.operation().steps}
    for step in steps:
        try:
            begin(step)
            work.checkpoint()
            state = before.get(step.name, "waiting")
            if not _still_done(work, step, state) and not _found_done(work, step, state):
                _forward(work, step)
        except YieldRequested as request:
            return _give_way(work, request)
        except JournalLost as error:
            if not _undone_with_the_reserve(work, error):
                raise
            return _stopped(work, steps, step, error, begin)
        except Exception as error:
            return _stopped(work, steps, step, error, begin)
    return "SUCCEEDED"


def undo_steps(work: Work, steps: Sequence[Step], begin: Begin) -> OperationState:
    """Undo, backwards, every step that may have acted, and always the first. NEEDS_HUMAN when one cannot be undone.

    The undo of the first step is that of the whole: it makes sure that everything is as it was.
    """
    work.undoing = True
    work.make_room()
    work.record("state", state="ABORTING")
    acted = {step.name for step in work.operation().steps if step.state not in ("waiting", "undone")}
    acted |= {step.name for step in steps[:1]}
    for step in reversed(steps):
        if step.undo is None or step.name not in acted:
            continue
        begin(step)
        work.record("undo", step=step.name)
        began = time.monotonic()
        work.end_step()
        try:
            detail = work.with_room(functools.partial(step.undo, work))
        except JournalLost:
            raise
        except YieldRequested as request:
            return _give_way(work, request)
        except Exception as error:
            work.record("undo_failed", step=step.name, detail=in_words(error), seconds=_since(began))
            work.narrate(f"CANNOT UNDO {step.title}: {in_words(error)}")
            return "NEEDS_HUMAN"
        kept = isinstance(detail, Kept)
        work.record("undone", step=step.name, detail=detail, seconds=_since(began), **({"kept": True} if kept else {}))
        work.narrate(f"{'KEPT' if kept else 'UNDONE'} {step.title}: {detail} ({_since(began):.2f} s)")
    return "ABORTED"


def in_words(error: Exception) -> str:
    """What a person reads about an error; the traceback of an unexpected one goes to the worker's output."""
    if isinstance(error, OpsError):
        return f"{error.what} ({error.fix})" if error.fix else error.what
    if not isinstance(error, OSError):
        traceback.print_exc(file=sys.stderr)
        return f"unexpected: {type(error).__name__}: {error}"
    return str(error)


def _forward(work: Work, step: Step) -> None:
    work.done_steps.discard(step.name)
    work.narrate(f"{step.phase}: {step.title} ...")
    work.must_be_logged()
    work.record("intent", step=step.name, title=step.title, no_return=step.no_return)
    work.begin_step(step.budget(work.deployment.console.operations.budgets))
    began = time.monotonic()
    outcome = work.with_room(lambda: _do(work, step))
    _weigh_warnings(work, outcome)
    work.end_step()
    kind = "skipped" if outcome.skipped else "done"
    work.record(kind, step=step.name, detail=outcome.detail, seconds=_since(began))
    work.done_steps.add(step.name)
    work.narrate(f"{step.phase}: {step.title}: {kind}, {outcome.detail} ({_since(began):.2f} s)")


def _do(work: Work, step: Step) -> Outcome:
    outcome = step.do(work)
    if step.verify is not None and not outcome.skipped:
        step.verify(work)
    return outcome


def _still_done(work: Work, step: Step, state: StepState) -> bool:
    return state in ("done", "skipped") and (step.probe is None or step.probe(work))


def _found_done(work: Work, step: Step, state: StepState) -> bool:
    """An earlier worker began the step and left no word: whether its effect is there, verified."""
    if state not in ("running", "failed", "aborted") or step.probe is None or not step.probe(work):
        return False
    if step.verify is not None:
        step.verify(work)
    work.record("done", step=step.name, detail="found done by an earlier attempt")
    work.done_steps.add(step.name)
    work.narrate(f"{step.phase}: {step.title}: found done by an earlier attempt")
    return True


def _weigh_warnings(work: Work, outcome: Outcome) -> None:
    """A WARN is not PASS: before the point of no return of a cutover it stops, unless accepted by name."""
    strict = work.plan.kind == "cutover" and not work.operation().past_no_return
    refused = [check for check, _ in outcome.warnings if check not in work.orders.accept_warn]
    for check, text in outcome.warnings:
        work.warn(f"{check}: {text}")
    if strict and refused:
        names = ", ".join(sorted(set(refused)))
        raise StepFailed(f"WARN in {names}, which was not accepted", f"look at it, then --accept-warn {refused[0]}")


def _give_way(work: Work, request: YieldRequested) -> OperationState:
    work.record("yielded", to=request.what)
    work.narrate(f"GIVES WAY to {request.what}")
    return "INTERRUPTED"


def _stopped(work: Work, steps: Sequence[Step], step: Step, error: Exception, begin: Begin) -> OperationState:
    work.end_step()
    why = in_words(error)
    past = work.operation().past_no_return
    if isinstance(error, AbortRequested) and past:
        work.warn(f"{why}; {work.new} has been started, so it is too late to abort: roll back")
        return run_steps(work, steps, begin)
    work.undoing = not past  # from here on the space kept for going back may be used
    if isinstance(error, AbortRequested):
        requests.set_aside(work.directory)  # it beats what else was asked for: everything is undone now
        work.record("failed", step=step.name, detail=error.obeyed, aborted=True)
        work.narrate(f"{error.obeyed[:1].upper()}{error.obeyed[1:]}, at {step.phase}: {step.title}")
        return undo_steps(work, steps, begin)
    work.record("failed", step=step.name, detail=why)
    work.narrate(f"FAILED {step.phase}: {step.title}: {why}")
    return "NEEDS_HUMAN" if past else undo_steps(work, steps, begin)


def _undone_with_the_reserve(work: Work, error: JournalLost) -> bool:
    """A full disk, before anything was started that could not be undone: the space kept is enough to undo it all."""
    return work.plan.kind == "cutover" and disk_is_full(error) and not work.operation().past_no_return


def _since(began: float) -> float:
    return round(time.monotonic() - began, 3)
