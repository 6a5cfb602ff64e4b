"""The exact commands that remain for a person when a rollback has stopped: nothing in them deletes anything."""

from __future__ import annotations

import shlex

from engine.config.own_steps import LAST_PHASE
from engine.operations.own_steps import UNDO, by_hand, to_undo
from engine.operations.work import Work
from engine.snapshots import TREE
from engine.snapshots.catalogue import read_snapshot
from engine.snapshots.staging import trees


def remaining_commands(work: Work) -> list[str]:
    """For a rollback: each step that is not done, one's own among them, as shell commands; else none."""
    if work.plan.kind != "rollback":
        return []
    facts = work.facts
    here = f"abaco-ops --root {shlex.quote(str(work.deployment.root))}"
    if facts.get("abort_only") is False and facts.get("snapshot", "") is None:  # none can be restored: nothing to copy
        return [f"{here} snapshots verify"]
    built_in = _built_in(work, here)
    commands: list[str] = []
    for phase in range(LAST_PHASE["rollback"] + 1):
        commands += _own(work, before=phase)
        commands += built_in.get(phase, [])
        commands += _own(work, after=phase)
    return [*commands, f"{here} resolve {work.orders.operation} --reason 'put right by hand'"]


def _built_in(work: Work, here: str) -> dict[int, list[str]]:
    """By phase of the rollback."""
    stop = [] if "stop_new" in work.done_steps else [f"{here} service stop {work.new}"]
    start = [f"{here} service start {work.old} --force --reason 'put right by hand'"]
    return {
        1: stop,
        2: _configuration(work),
        3: _metrics(work),
        4: [*start, *_undone(work)],
        5: [f"{here} service status {work.old}"],
    }


def _configuration(work: Work) -> list[str]:
    deployment, snapshot = work.deployment, _snapshot(work)
    if snapshot is None or "restore_config" in work.done_steps:
        return []
    kept = deployment.paths.snapshots / str(snapshot) / TREE / deployment.console.paths.active_config
    return [shlex.join(["cp", "-p", str(kept), str(deployment.active_config)])]


def _metrics(work: Work) -> list[str]:
    deployment, snapshot = work.deployment, _snapshot(work)
    abort_only = work.facts.get("abort_only", work.plan.abort_only)
    if snapshot is None or "restore_metrics" in work.done_steps or abort_only:
        return []
    tree = deployment.paths.snapshots / str(snapshot) / TREE
    commands = []
    for covered in trees(deployment, read_snapshot(deployment, deployment.paths.snapshots / str(snapshot))):
        live = deployment.root / covered
        kept = live.with_name(f"{live.name}.of-{work.new}-{work.orders.operation}")
        commands.append(shlex.join(["mv", "-T", str(live), str(kept)]))
        commands.append(shlex.join(["cp", "-a", "-T", str(tree / covered), str(live)]))
    return commands


def _snapshot(work: Work) -> str | None:
    """The chosen one; the planned one where the rollback stopped before it could choose."""
    found: str | None = work.facts.get("snapshot", work.plan.snapshot)
    return found


def _undone(work: Work) -> list[str]:
    """What a cutover's own steps did, backwards, where the rollback has not undone it."""
    undone = [] if UNDO in work.done_steps else to_undo(work)
    return [by_hand(work.deployment, work.new, own.undo) for own in undone]


def _own(work: Work, *, before: int | None = None, after: int | None = None) -> list[str]:
    waiting = [own for own in work.plan.own_steps if own.operation == "rollback" and own.name not in work.done_steps]
    found = [own for own in waiting if (own.before, own.after) == (before, after)]
    return [by_hand(work.deployment, work.old, own.do, own.verify) for own in found]
