"""The hold of a cutover before phase 3: it waits for ``go``, and watches that what was prepared has not changed."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from pathlib import Path

from engine.clock import pretty_duration
from engine.config.console import ConsoleConfig
from engine.config.located import read_yaml
from engine.config.typed import to_struct
from engine.errors import OpsError
from engine.operations.configuration import hash_of
from engine.operations.cutover_checks import not_as_planned
from engine.operations.journal import records_of
from engine.operations.model import HOLD_STEP, HOLDS
from engine.operations.own_steps import sealed
from engine.operations.service_steps import surely_stopped
from engine.operations.step import Outcome, Step, StepFailed
from engine.operations.work import Go, Work
from engine.services.active import configured_release, judged
from engine.services.build import build_files

_PAUSE = 0.1
_LOOK_EVERY = 1.0
"""Seconds between two looks at what was prepared; a change counts once two looks in a row have seen it."""
Signature = dict[Path, tuple[int, ...]]


def hold_step(phase: str) -> Step:
    """The step between phases 2 and 3 of a held cutover; it may take as long as people need."""
    return Step(
        name=HOLD_STEP, title=HOLDS, phase=phase, budget=lambda _budgets: math.inf, do=wait_for_go, probe=go_stands
    )


def wait_for_go(work: Work) -> Outcome:
    """Wait for ``go``; abort and a rollback come before it. StepFailed when the prepared state has expired."""
    began = work.clock.now().boot
    seq = work.record("state", state="HOLDING")
    _event(work, "operation.holding", {}, seq, "")
    here = work.orders.operation
    work.narrate(f"HOLDING, {HOLDS}: abaco-ops go {here}, abaco-ops abort {here}, or abaco-ops rollback")
    prepared = Prepared(work)
    go = _told(work, prepared)
    seq = work.record("go", by=go.by, origin=go.origin, reason=go.reason, nonce=go.nonce)
    waited = pretty_duration(work.clock.now().boot - began)
    words = f"go by {go.by} from {go.origin} after {waited}" + (f": {go.reason}" if go.reason else "")
    work.narrate(words)
    _event(work, "operation.go", {"reason": go.reason, "origin": go.origin}, seq, go.by)
    prepared.must_stand()
    work.checkpoint(at_once=True)  # an abort that came meanwhile is heard before anything is switched
    return Outcome(words)


def go_stands(work: Work) -> bool:
    """Whether the go was given to an earlier worker, and may still be followed; else it holds again."""
    if not any(record["kind"] == "go" for record in records_of(work.directory)):
        return False
    return _switch_begun(work) or not problem_now(work)


def problem_now(work: Work) -> str:
    """What is not any more as it was prepared, looked at wholly; empty when everything is."""
    return not_as_planned(work) or _staged_old(work) or _own_steps(work) or _not_live(work)


class Prepared:
    """What the cutover was prepared from: files are hashed when their stat has changed, services asked each time."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._seen: Signature | None = None
        self._looked = -math.inf
        self._suspected = ""

    def look(self) -> None:
        """Called often, looks once a second. StepFailed when the same two looks running something has changed."""
        if time.monotonic() - self._looked < _LOOK_EVERY:
            return
        self._looked = time.monotonic()
        signature = self._signature()
        problem = _not_live(self._work)
        if signature != self._seen:
            problem = problem_now(self._work)
        if problem and self._suspected:
            raise _expired(problem)
        self._suspected = problem
        if not problem:
            self._seen = signature

    def must_stand(self) -> None:
        """Everything is hashed and asked again. StepFailed when it has changed, and still has a second later."""
        if problem_now(self._work):
            self._work.until(lambda: False, _LOOK_EVERY)
            problem = problem_now(self._work)
            if problem:
                raise _expired(problem)

    def _signature(self) -> Signature:
        return {path: _stat(path) for path in self._files()}

    def _files(self) -> Iterator[Path]:
        deployment = self._work.deployment
        yield deployment.active_config
        yield deployment.paths.config / "console.yml"
        for release in (self._work.old, self._work.new):
            yield deployment.paths.release(release)
            yield from build_files(deployment, release)


def _told(work: Work, prepared: Prepared) -> Go:
    work.go, work.awaits_go = None, True
    try:
        while work.go is None:
            prepared.look()
            time.sleep(_PAUSE)
            work.checkpoint()
        return work.go
    finally:
        work.awaits_go = False


def _expired(problem: str) -> StepFailed:
    fix = "nothing was switched; look at the change, then start a new cutover"
    return StepFailed(f"what was prepared has expired: {problem}", fix)


def _staged_old(work: Work) -> str:
    """A plan that does not say what it was leaves nothing to compare with."""
    planned, found = work.plan.config_kept, hash_of(work.deployment.paths.release(work.old))
    if not planned or found == planned:
        return ""
    return f"the staged configuration of {work.old} has changed ({planned[:6]} -> {found[:6] or 'missing'})"


def _own_steps(work: Work) -> str:
    """Compared with what is sealed, and only they: other settings of console.yml change nothing that was prepared."""
    located = read_yaml(work.deployment.paths.config / "console.yml")
    console = to_struct(located, ConsoleConfig)
    if console is None:
        return f"config/console.yml cannot be understood any more: {located.problems[0]}"
    if console.profile not in console.profiles:
        return f"config/console.yml names the profile {console.profile!r}, which is not there"
    now = {step.name: step for step in sealed(console)}
    then = {step.name: step for step in work.plan.own_steps}
    names = sorted(name for name in now.keys() | then.keys() if now.get(name) != then.get(name))
    if names or list(now) != list(then):
        return f"your own steps in config/console.yml have changed: {', '.join(names) or 'their order'}"
    return ""


def _not_live(work: Work) -> str:
    """The old release is live, and nothing of the new one runs."""
    states = {release: work.service(release).status().state for release in (work.old, work.new)}
    active = judged(*configured_release(work.deployment.active_config), states)
    if active.name != work.old:
        return f"{work.old} is not live any more: {active.reason or f'{active.name} is'}"
    if not surely_stopped(work, work.new):
        return f"{work.new} is {states[work.new]}"
    return ""


def _switch_begun(work: Work) -> bool:
    steps = work.operation().steps
    after = next((index for index, step in enumerate(steps) if step.name == HOLD_STEP), len(steps))
    return any(step.state not in ("waiting", "undone") for step in steps[after + 1 :])


def _stat(path: Path) -> tuple[int, ...]:
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _event(work: Work, kind: str, data: dict[str, object], seq: int, actor: str) -> None:
    """The journal has it, and wins: an audit trail that cannot be written is a warning."""
    try:
        work.event(kind, {"kind": work.plan.kind, **data}, seq, actor)
    except (OSError, OpsError) as error:
        work.warn(f"the audit trail cannot be written: {error}")
