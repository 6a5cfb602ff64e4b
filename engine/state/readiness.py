"""Before a cutover: what blocks GO, one line each, with what to do about it. It changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import msgspec

from engine.clock import pretty_duration
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.model import ChecklistItem
from engine.operations.model import state_in_words
from engine.operations.plan import READY, Evidence, Plan
from engine.operations.planning import plan_cutover
from engine.records import harmless
from engine.state.model import State

# what the plan says beside its refusals and what is no reason to wait for anybody
_TO_KNOW = (READY, "watching", "validation", "nobody operates")
_FIXES = {
    "live": "abaco-ops service status",
    "new": "abaco-ops service status",
    "unfinished": "abaco-ops history: resume, roll back or resolve it",
    "tape": "deliver the tape, or mend paths.tape in config/console.yml",
    "disk": "make room: old logs, snapshots, metrics",
    "places": "abaco-ops doctor names what cannot be written",
    "rehearsal": "abaco-ops rehearse",
    "operates": "wait for it, or watch it: abaco-ops history",
}


class ReadyLine(msgspec.Struct, frozen=True):
    """One thing that a cutover needs."""

    name: str
    ready: bool
    what: str
    fix: str = ""
    """What to do; empty where it is ready."""


def readiness(deployment: Deployment, state: State, plan: Plan | None = None) -> tuple[ReadyLine, ...]:
    """Every line, what blocks first. Never raises for what the deployment can have wrong. ``plan``: as it was made."""
    watched = [*_phase(state)]
    if watched:  # nothing else would say more
        return (*watched, *_operation(state))
    found = [
        *_operation(state),
        *_plan(deployment, plan),
        *_validation(deployment, state),
        *_verdict(state),
        _monitor(state),
        _holder(state),
        *_tasks(state),
    ]
    return tuple(sorted(found, key=lambda line: line.ready))


def blocking(lines: tuple[ReadyLine, ...]) -> tuple[ReadyLine, ...]:
    """Those that are not ready."""
    return tuple(line for line in lines if not line.ready)


def with_readiness(deployment: Deployment, plan: Plan, read: Callable[[], State]) -> Plan:
    """The plan of a cutover with a line of evidence that says whether everything is ready; it blocks nothing.

    What the plan is held to, its ``basis``, stays as it is: whether to go in spite of it is a person's decision.
    """
    try:
        lines = readiness(deployment, read(), plan)
        blocks = len(blocking(lines))
        said = f"{blocks} of {len(lines)} lines, abaco-ops ready" if blocks else ""
    except (OpsError, OSError) as error:
        said = f"it cannot be told: {harmless(getattr(error, 'what', error), 160)}"
    line = Evidence("--", READY, f"NOT READY: {said}") if said else Evidence("ok", READY, "nothing blocks GO")
    return msgspec.structs.replace(plan, evidence=(*plan.evidence, line))


def ready_text(lines: tuple[ReadyLine, ...]) -> list[str]:
    """In plain lines."""
    told = []
    for line in lines:
        told.append(f" {'ok' if line.ready else 'NO':<3} {line.name:<12} {line.what}")
        if line.fix:
            told.append(f"     {'':<12} -> {line.fix}")
    blocks = len(blocking(lines))
    said = "READY: nothing blocks GO" if not blocks else f"NOT READY: {blocks} of {len(lines)} lines block GO"
    return [*told, f" {said}"]


def _phase(state: State) -> Iterator[ReadyLine]:
    if state.phase in ("BAKE", "STABILISE", "STEADY"):
        yield ReadyLine("phase", False, f"{state.phase}: the cutover was made, its watch goes on", "abaco-ops gate")


def _operation(state: State) -> Iterator[ReadyLine]:
    operation = state.operation
    if operation is None or operation.kind == "validate":
        yield ReadyLine("operation", True, "none runs, none is unresolved")
        return
    fix = f"abaco-ops history {operation.id}: its ways on"
    yield ReadyLine("operation", False, f"{operation.id} is {state_in_words(operation.state)}", fix)


def _plan(deployment: Deployment, made: Plan | None) -> Iterator[ReadyLine]:
    """What the cutover's own plan looks at: releases, services, configuration, tape, room, rehearsal."""
    try:
        plan = made or plan_cutover(deployment)
    except OpsError as error:
        yield ReadyLine("plan", False, harmless(error.what, 200), harmless(error.fix, 200) or "abaco-ops doctor")
        return
    except OSError as error:
        yield ReadyLine("plan", False, harmless(error, 200), "abaco-ops doctor")
        return
    for item in plan.evidence:
        if item.name in _TO_KNOW:
            continue
        good = item.mark == "ok"
        fix = "" if good else _FIXES.get(item.name, "abaco-ops cutover --dry-run")
        yield ReadyLine(item.name, good, item.text, fix)
    staged = plan.config_then[:6] if plan.config_then else ""
    if staged:
        yield ReadyLine("config", True, f"{plan.release_to} is staged: {staged}, {len(plan.changes)} keys differ")
    else:
        fix = f"config/releases/{plan.release_to}.yml"
        yield ReadyLine("config", False, f"the staged configuration of {plan.release_to} cannot be read", fix)


def _validation(deployment: Deployment, state: State) -> Iterator[ReadyLine]:
    checks, old = state.checks, deployment.console.releases.old
    if checks.observed_at is None:
        yield ReadyLine("validation", False, f"{old} was not validated yet", "abaco-ops validate")
        return
    age = pretty_duration((state.at - checks.observed_at).total_seconds())
    said = f"{checks.status} of {checks.release or '?'}, {age} ago"
    if checks.release != old:
        yield ReadyLine("validation", False, f"{said}: not of {old}", "abaco-ops validate")
    elif checks.status != "PASS":
        fix = "abaco-ops validate; a WARN stops a cutover unless accepted by name"
        yield ReadyLine("validation", False, said, fix)
    elif checks.stale:
        yield ReadyLine("validation", False, f"{said}: too old", "abaco-ops validate")
    else:
        yield ReadyLine("validation", True, said)


def _verdict(state: State) -> Iterator[ReadyLine]:
    verdict = state.verdict
    if verdict.word in ("CONTINUE", "WATCH"):
        yield ReadyLine("verdict", True, f"{verdict.word}: {verdict.why}")
        return
    fix = verdict.clears or "abaco-ops status"
    yield ReadyLine("verdict", False, f"{verdict.word}: {verdict.why}", f"clears with: {fix.removeprefix('clears ')}")


def _monitor(state: State) -> ReadyLine:
    if not state.monitor.running:
        return ReadyLine("monitor", False, "does not run", "abaco-ops monitor, or open the console")
    if state.monitor.stale:
        return ReadyLine("monitor", False, state.monitor.reason or "no fresh sample", "abaco-ops doctor")
    return ReadyLine("monitor", True, f"runs, pid {state.monitor.pid}")


def _holder(state: State) -> ReadyLine:
    if state.watch.holder is None:
        return ReadyLine("on watch", False, "nobody holds the watch", "abaco-ops watch take")
    return ReadyLine("on watch", True, state.watch.holder)


def _tasks(state: State) -> Iterator[ReadyLine]:
    """The lines of the checklist that come before the cutover."""
    tasks = [item for item in state.checklist.items if item.slot == "before" and not item.gate]
    for item in tasks:
        if item.state in ("done", "overridden"):
            continue
        yield ReadyLine("checklist", False, f"{item.title}: open{_measured(item)}", _answer(item))
    done = sum(item.state in ("done", "overridden") for item in tasks)
    if tasks and done == len(tasks):
        yield ReadyLine("checklist", True, f"{done} of {len(tasks)} lines before the cutover are answered")


def _measured(item: ChecklistItem) -> str:
    if not item.measured:
        return ", a person answers"
    return f", measured {item.measured}" + ("" if item.measured_ok is not False else ", not as it should be")


def _answer(item: ChecklistItem) -> str:
    """A tick where it may be one; against its measurement it takes a reason."""
    if item.measured_ok is False:
        return f"mend it, or abaco-ops checklist override {item.key} --reason TEXT"
    return f"abaco-ops checklist tick {item.key}"
