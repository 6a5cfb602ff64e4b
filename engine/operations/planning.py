"""Making a plan: read the deployment, decide nothing twice, change nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock, parse_iso
from engine.config import Deployment
from engine.errors import Refused
from engine.operations import validate
from engine.operations.configuration import changes, hash_of, must_be_readable
from engine.operations.evidence import build_or_nothing, cutover_evidence, people, rollback_evidence
from engine.operations.force import verified_holder
from engine.operations.journal import list_operations
from engine.operations.lock import held_by
from engine.operations.model import HOLD_STEP, Operation
from engine.operations.order import planned
from engine.operations.own_steps import sealed
from engine.operations.plan import Orders, OwnStep, Plan
from engine.operations.started import new_release_started, runs_of
from engine.operations.steps import steps_of
from engine.records.regular import read_regular
from engine.records.undecodable import UNDECODABLE
from engine.services.active import active_release
from engine.services.build import build_hash
from engine.snapshots import Snapshot, choices, newest_first, trees
from engine.snapshots.manifest import walk
from engine.snapshots.take import TREE


def plan_cutover(deployment: Deployment, *, hold: bool = False, clock: Clock | None = None) -> Plan:
    """What a cutover would do now; ``refusals`` says why it cannot. ``hold``: it waits before phase 3 for a go."""
    must_be_readable(deployment.active_config)
    now = _read(deployment.active_config)
    then = _read(deployment.paths.release(deployment.console.releases.new))
    operations = _acting(deployment)
    rests_on = _rests_on(deployment, None, operations)
    plan = Plan(
        kind="cutover",
        release_from=deployment.console.releases.old,
        release_to=deployment.console.releases.new,
        build_from=build_hash(deployment, deployment.console.releases.old),
        build_to=build_hash(deployment, deployment.console.releases.new),
        config_now=hash_of(deployment.active_config),
        config_then=hash_of(deployment.paths.release(deployment.console.releases.new)),
        changes=changes(now, then),
        not_covered=tuple(deployment.console.snapshot.not_covered),
        evidence=(*cutover_evidence(deployment, operations), *people(deployment, None)),
        expected_seconds=_expected(operations, "cutover"),
        basis=_hashed(rests_on),
        rests_on=rests_on,
        made_at=(clock or SystemClock()).now().wall,
        config_kept=hash_of(deployment.paths.release(deployment.console.releases.old)),
        own_steps=sealed(deployment.console),
        lock_holder=held_by(deployment),
    )
    return arranged(plan, hold=hold)


def arranged(plan: Plan, *, hold: bool = False) -> Plan:
    """The plan with its steps in their order, with or without a hold."""
    plan = msgspec.structs.replace(plan, hold=hold)
    return msgspec.structs.replace(plan, steps=planned(steps_of(plan), (*plan.own_steps, *plan.undoes)))


def plan_rollback(
    deployment: Deployment, snapshot: str | None = None, *, clock: Clock | None = None, force: bool = False
) -> Plan:
    """What a rollback would do now, to the newest sealed snapshot or to the one named. Refused for an unknown one.

    With ``force`` a rollback that runs is gone on with, its worker ended first. LockHeld when that is not certain.
    """
    operations = _acting(deployment)
    running = next((item for item in operations if item.running), None)
    unfinished = next((item for item in operations if item.kind == "rollback" and item.open), None)
    if force and running is not None and running.kind == "rollback":
        running, unfinished = None, running
    started = new_release_started(deployment, operations)
    chosen = _chosen(deployment, snapshot)
    old, new = deployment.console.releases.old, deployment.console.releases.new
    held = held_by(deployment)
    if force and held:
        verified_holder(deployment)  # the worker looks again, and ends it
        held = ""
    takes_over = running.id if running is not None and running.kind == "cutover" else None
    must_be_readable(deployment.active_config)
    now, then = _read(deployment.active_config), _old_config(deployment, chosen)
    rests_on = _rests_on(deployment, chosen, operations)
    aside = _written_since(deployment, chosen) if started else (0, 0, 0)
    closes = tuple(item.id for item in operations if item.kind == "cutover" and (item.open or item.running))
    plan = Plan(
        kind="rollback",
        release_from=new,
        release_to=old,
        build_from=build_or_nothing(deployment, new),
        build_to=build_or_nothing(deployment, old),
        config_now=hash_of(deployment.active_config),
        config_then=hashlib.sha256(then).hexdigest() if then else "",
        changes=changes(now, then) if then else (),
        snapshot=chosen.id if chosen else None,
        snapshot_at=chosen.manifest.taken_at if chosen and chosen.manifest else None,
        snapshot_files=len(chosen.manifest.files) if chosen and chosen.manifest else 0,
        snapshot_bytes=chosen.manifest.bytes if chosen and chosen.manifest else 0,
        sets_aside_runs=aside[0],
        sets_aside_files=aside[1],
        sets_aside_bytes=aside[2],
        not_covered=tuple(deployment.console.snapshot.not_covered),
        evidence=(
            *rollback_evidence(deployment, operations, chosen, started, named=snapshot is not None),
            *people(deployment, takes_over, force=force),
        ),
        expected_seconds=_expected(operations, "rollback"),
        basis=_hashed(rests_on),
        rests_on=rests_on,
        made_at=(clock or SystemClock()).now().wall,
        abort_only=not started,
        takes_over=takes_over,
        resumes=unfinished.id if unfinished and running is None else None,
        closes=closes,
        own_steps=tuple(own for own in sealed(deployment.console) if own.operation == "rollback"),
        undoes=_undoes(deployment, closes[-1]) if closes else (),
        undoes_of=closes[-1] if closes else "",
        lock_holder=held if takes_over is None else "",
    )
    return arranged(plan)


def plan_validation(deployment: Deployment, *, clock: Clock | None = None) -> Plan:
    """A validation needs no sheet: it changes nothing and takes no lock."""
    release = active_release(deployment).name or ""
    return Plan(
        kind="validate",
        release_from=release,
        release_to=release,
        build_from="",
        build_to="",
        config_now=hash_of(deployment.active_config),
        config_then="",
        steps=validate.PLANNED,
        basis="",
        made_at=(clock or SystemClock()).now().wall,
    )


def changed_since(deployment: Deployment, plan: Plan, this: str) -> list[str]:
    """What has changed of what the plan rests on, for a plan that became the operation ``this``; nothing when none."""
    try:
        chosen = _chosen(deployment, plan.snapshot) if plan.snapshot else None
    except Refused as error:
        return [error.what]
    now = _rests_on(deployment, chosen, [item for item in _acting(deployment) if item.id < this])
    if _hashed(now) == plan.basis:
        return []
    named = [what for what in now if now[what] != plan.rests_on.get(what, now[what])]
    return named or ["what it was made from"]


def _rests_on(deployment: Deployment, snapshot: Snapshot | None, operations: list[Operation]) -> dict[str, str]:
    """What a plan is made from: active and staged configurations, the snapshot's manifest, the last operation."""
    releases = deployment.console.releases
    last = operations[-1] if operations else None
    return {
        "the active configuration": hash_of(deployment.active_config),
        f"the staged configuration of {releases.old}": hash_of(deployment.paths.release(releases.old)),
        f"the staged configuration of {releases.new}": hash_of(deployment.paths.release(releases.new)),
        "the snapshot": hash_of(snapshot.path / "manifest.json") if snapshot else "",
        "the last operation": f"{last.id} {last.state} {last.past_no_return}" if last else "",
    }


def _hashed(rests_on: dict[str, str]) -> str:
    return hashlib.sha256("\n".join(rests_on.values()).encode()).hexdigest()


def _acting(deployment: Deployment) -> list[Operation]:
    """Cutovers and rollbacks that were accepted, oldest first; validations and refusals change nothing."""
    found = list_operations(deployment.paths.operations)
    return [item for item in found if item.kind != "validate" and item.started is not None]


def _undoes(deployment: Deployment, cutover: str) -> tuple[OwnStep, ...]:
    """The own steps of a cutover that can be undone; none where its plan cannot be read: the way back stays open."""
    try:
        data = (deployment.paths.operation(cutover) / "plan.json").read_bytes()
        plan = msgspec.json.decode(data, type=Orders).plan
    except (OSError, *UNDECODABLE):
        return ()
    return tuple(own for own in plan.own_steps if own.operation == "cutover" and own.undo)


def _chosen(deployment: Deployment, name: str | None) -> Snapshot | None:
    if name is None:
        return next(choices(deployment, deployment.console.releases.old), None)
    for snapshot in newest_first(deployment):
        if snapshot.id == name:
            if snapshot.problem or not snapshot.restorable:
                why = snapshot.problem or "it holds what a rollback set aside"
                raise Refused(f"snapshot {name} cannot be restored: {why}", "abaco-ops snapshots")
            return snapshot
    raise Refused(f"there is no snapshot {name}", "abaco-ops snapshots")


def _old_config(deployment: Deployment, chosen: Snapshot | None) -> bytes:
    return _read(chosen.path / TREE / deployment.console.paths.active_config) if chosen else b""


def _written_since(deployment: Deployment, chosen: Snapshot | None) -> tuple[int, int, int]:
    """Runs, files and bytes of the new release since the snapshot: what will be set aside."""
    if chosen is None or chosen.manifest is None:
        return 0, 0, 0
    known = {entry.path for entry in chosen.manifest.entries}
    new = [
        status.st_size
        for covered in trees(deployment, chosen)
        for path, status in walk(deployment.root, covered, [])
        if path not in known
    ]
    release, since = deployment.console.releases.new, chosen.manifest.taken_at.timestamp()
    runs = [record for record in (runs_of(deployment) or []) if record.get("release") == release]
    return sum(1 for run in runs if _began(run) > since), len(new), sum(new)


def _began(run: dict[str, object]) -> float:
    try:
        return parse_iso(str(run.get("started"))).timestamp()
    except ValueError:
        return 0.0


def _expected(operations: list[Operation], kind: str) -> float | None:
    done = [item for item in operations if item.kind == kind and item.state == "SUCCEEDED" and item.seconds]
    if not done:
        return None
    held = done[-1].unattended + sum(step.seconds or 0.0 for step in done[-1].steps if step.name == HOLD_STEP)
    return max((done[-1].seconds or 0.0) - held, 0.0)


def _read(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError:
        return b""
