"""The exact commands that remain for a person when a rollback has stopped: nothing in them deletes anything."""

from __future__ import annotations

import shlex

from engine.operations.work import Work
from engine.snapshots import TREE
from engine.snapshots.catalogue import read_snapshot
from engine.snapshots.staging import trees


def remaining_commands(work: Work) -> list[str]:
    """For a rollback: each step that is not done, as shell commands. Other operations have none."""
    if work.plan.kind != "rollback":
        return []
    done = work.done_steps
    facts = work.facts
    here = f"abaco-ops --root {shlex.quote(str(work.deployment.root))}"
    if facts.get("abort_only") is False and facts.get("snapshot", "") is None:  # none can be restored: nothing to copy
        return [f"{here} snapshots verify"]
    commands: list[str] = []
    if "stop_new" not in done:
        commands.append(f"{here} service stop {work.new}")
    commands += _restore(work, done)
    commands.append(f"{here} service start {work.old} --force --reason 'put right by hand'")
    commands.append(f"{here} service status {work.old}")
    commands.append(f"{here} resolve {work.orders.operation} --reason 'put right by hand'")
    return commands


def _restore(work: Work, done: set[str]) -> list[str]:
    deployment, snapshot = work.deployment, work.facts.get("snapshot")
    if snapshot is None:
        return []
    tree = deployment.paths.snapshots / str(snapshot) / TREE
    commands = []
    active = deployment.console.paths.active_config
    if "restore_config" not in done:
        commands.append(shlex.join(["cp", "-p", str(tree / active), str(deployment.active_config)]))
    if "restore_metrics" not in done and not work.facts.get("abort_only"):
        for covered in trees(deployment, read_snapshot(deployment, deployment.paths.snapshots / str(snapshot))):
            live = deployment.root / covered
            kept = live.with_name(f"{live.name}.of-{work.new}-{work.orders.operation}")
            commands.append(shlex.join(["mv", "-T", str(live), str(kept)]))
            commands.append(shlex.join(["cp", "-a", "-T", str(tree / covered), str(live)]))
    return commands
