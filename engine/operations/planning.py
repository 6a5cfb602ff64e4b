"""Making a plan: read the deployment, decide nothing twice, change nothing."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from engine.clock import Clock, SystemClock, parse_iso, pretty_duration
from engine.config import Deployment
from engine.errors import OpsError, Refused
from engine.operations import cutover, rollback, validate
from engine.operations.configuration import changes, hash_of
from engine.operations.journal import facts_of, list_operations, records_of
from engine.operations.lock import holder
from engine.operations.model import Operation
from engine.operations.plan import Evidence, Plan, PlannedStep
from engine.operations.rehearsed import last_rehearsal
from engine.operations.started import new_release_started, runs_of
from engine.operations.step import Step
from engine.services import open_service
from engine.services.active import ActiveRelease, active_release
from engine.services.build import build_hash
from engine.snapshots import PassedOver, Snapshot, choices, list_snapshots, passed_over, staged_path, trees
from engine.snapshots.manifest import walk
from engine.snapshots.take import TREE


def plan_cutover(deployment: Deployment, *, clock: Clock | None = None) -> Plan:
    """What a cutover would do now; ``refusals`` says why it cannot."""
    now = _read(deployment.active_config)
    then = _read(deployment.paths.release(deployment.console.releases.new))
    operations = _acting(deployment)
    held = holder(deployment)
    return Plan(
        kind="cutover",
        release_from=deployment.console.releases.old,
        release_to=deployment.console.releases.new,
        build_from=build_hash(deployment, deployment.console.releases.old),
        build_to=build_hash(deployment, deployment.console.releases.new),
        config_now=hash_of(deployment.active_config),
        config_then=hash_of(deployment.paths.release(deployment.console.releases.new)),
        changes=changes(now, then),
        not_covered=tuple(deployment.console.snapshot.not_covered),
        steps=_planned(cutover.STEPS),
        evidence=tuple(_cutover_evidence(deployment, operations)),
        expected_seconds=_expected(operations, "cutover"),
        basis=basis(deployment, None, operations),
        made_at=(clock or SystemClock()).now().wall,
        lock_holder=str(held) if held else "",
    )


def plan_rollback(deployment: Deployment, snapshot: str | None = None, *, clock: Clock | None = None) -> Plan:
    """What a rollback would do now, to the newest sealed snapshot or to the one named. Refused for an unknown one."""
    operations = _acting(deployment)
    running = next((item for item in operations if item.running), None)
    unfinished = next((item for item in operations if item.kind == "rollback" and item.open), None)
    started = new_release_started(deployment, operations)
    chosen = _chosen(deployment, snapshot)
    old, new = deployment.console.releases.old, deployment.console.releases.new
    held = holder(deployment)
    takes_over = running.id if running is not None and running.kind == "cutover" else None
    now, then = _read(deployment.active_config), _old_config(deployment, chosen)
    aside = _written_since(deployment, chosen) if started else (0, 0, 0)
    return Plan(
        kind="rollback",
        release_from=new,
        release_to=old,
        build_from=_build(deployment, new),
        build_to=_build(deployment, old),
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
        steps=_planned(rollback.STEPS),
        evidence=tuple(_rollback_evidence(deployment, operations, chosen, started)),
        expected_seconds=_expected(operations, "rollback"),
        basis=basis(deployment, chosen, operations),
        made_at=(clock or SystemClock()).now().wall,
        abort_only=not started,
        takes_over=takes_over,
        resumes=unfinished.id if unfinished and running is None else None,
        closes=tuple(item.id for item in operations if item.kind == "cutover" and (item.open or item.running)),
        lock_holder=str(held) if held and takes_over is None else "",
    )


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


def basis(deployment: Deployment, snapshot: Snapshot | None, operations: list[Operation]) -> str:
    """Hash of what a plan rests on: active and staged configurations, the snapshot's manifest, the last operation."""
    parts = [
        hash_of(deployment.active_config),
        hash_of(deployment.paths.release(deployment.console.releases.old)),
        hash_of(deployment.paths.release(deployment.console.releases.new)),
        hash_of(snapshot.path / "manifest.json") if snapshot else "",
        operations[-1].id if operations else "",
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def basis_now(deployment: Deployment, plan: Plan, this: str) -> str:
    """The basis as it is now, for a plan that became the operation ``this``."""
    chosen = _chosen(deployment, plan.snapshot) if plan.snapshot else None
    return basis(deployment, chosen, [item for item in _acting(deployment) if item.id < this])


def _acting(deployment: Deployment) -> list[Operation]:
    """Cutovers and rollbacks that were accepted, oldest first; validations and refusals change nothing."""
    found = list_operations(deployment.paths.operations)
    return [item for item in found if item.kind != "validate" and item.started is not None]


def _planned(steps: Sequence[Step]) -> tuple[PlannedStep, ...]:
    return tuple(PlannedStep(step.name, step.title, step.phase, step.no_return) for step in steps)


def _cutover_evidence(deployment: Deployment, operations: list[Operation]) -> list[Evidence]:
    old, new = deployment.console.releases.old, deployment.console.releases.new
    active = active_release(deployment)
    status = open_service(deployment, new).status()
    found = [_old_is_live(old, active)]
    if status.state in ("STOPPED", "FAILED"):
        found.append(Evidence("ok", "new", f"{new} is stopped"))
    elif active.name != new:  # else it was just said
        found.append(Evidence("no", "new", f"{new} is {status.state} already"))
    for item in operations:
        if item.open:
            text = f"{item.id} stopped half-way: roll back, resume or resolve it first"
            found.append(Evidence("no", "unfinished", text))
    found.append(_tape(deployment))
    found.append(_validated(deployment))
    found.append(_rehearsed(deployment))
    return [*found, _space(deployment)]


def _old_is_live(old: str, active: ActiveRelease) -> Evidence:
    if active.name == old:
        return Evidence("ok", "live", f"{old} is live")
    why = f"{active.name} is live already" if active.name else f"{old} is not live: {active.reason}"
    return Evidence("no", "live", why)


def _rollback_evidence(
    deployment: Deployment, operations: list[Operation], chosen: Snapshot | None, started: bool
) -> list[Evidence]:
    old = deployment.console.releases.old
    found: list[Evidence] = []
    unfinished = [item for item in operations if item.open or item.running]
    if active_release(deployment).name == old and not started and not unfinished:
        found.append(Evidence("no", "live", f"{old} is live and nothing is unfinished: nothing to roll back"))
    passed = _passed_over(deployment, chosen, unfinished) if started else []
    if chosen is None and started:
        why = "".join(f"; {item.id}: {item.reason}" for item in passed)
        found.append(Evidence("no", "snapshot", f"there is no sealed snapshot to go back to{why}"))
    elif chosen is not None and chosen.manifest is not None:
        files = len(chosen.manifest.files)
        found.append(Evidence("ok", "snapshot", f"{chosen.id} sealed, {files} files; every hash is checked first"))
        found.extend(Evidence("--", "refused", f"{item}. {chosen.id} is restored instead") for item in passed)
        found.append(_staged(deployment, chosen))
    found.extend(Evidence("--", "takes over", f"{item.id} is {item.state} and ends first") for item in unfinished)
    if not started:
        found.append(Evidence("--", "metrics", f"{deployment.console.releases.new} never started: metrics stay"))
    return [*found, _space(deployment)]


def _passed_over(deployment: Deployment, chosen: Snapshot | None, unfinished: list[Operation]) -> list[PassedOver]:
    """Newer snapshots that cannot be restored; what an unfinished rollback is setting aside is none of them."""
    aside = set()
    for item in unfinished:
        with contextlib.suppress(OSError, OpsError):  # a damaged journal must not stop the way back
            aside.add(str(facts_of(records_of(deployment.paths.operation(item.id))).get("side")))
    return passed_over(deployment, deployment.console.releases.old, chosen, but=frozenset(aside))


def _tape(deployment: Deployment) -> Evidence:
    if deployment.tape.exists():
        return Evidence("ok", "tape", f"{deployment.console.paths.tape} is there")
    return Evidence("no", "tape", f"the tape {deployment.console.paths.tape} is missing")


def _validated(deployment: Deployment) -> Evidence:
    """The newest validation report, with its age: evidence for a person, no condition."""
    path = deployment.paths.validation_report
    try:
        report = msgspec.json.decode(path.read_bytes(), type=dict[str, object])
        age = SystemClock().now().wall.timestamp() - path.stat().st_mtime
    except (OSError, msgspec.DecodeError, msgspec.ValidationError):
        return Evidence("--", "validation", "no validation report")
    status = str(report.get("status"))
    text = f"{status} of {report.get('release')}, {pretty_duration(age)} ago"
    return Evidence("ok" if status == "PASS" else "--", "validation", text)


def _rehearsed(deployment: Deployment) -> Evidence:
    """The newest rehearsal of the way back, with its age; one of another build proves nothing about this one."""
    found = last_rehearsal(deployment)
    if found is None:
        return Evidence("--", "rehearsal", "the rollback was never rehearsed: abaco-ops rehearse")
    age = pretty_duration(SystemClock().now().wall.timestamp() - found.at.timestamp())
    if not found.ok:
        return Evidence("--", "rehearsal", f"rehearsed {age} ago, NOT READY: {found.reason}")
    if found.build != _build(deployment, deployment.console.releases.old):
        return Evidence("--", "rehearsal", f"rehearsed {age} ago, with build {found.build[:6]}: not the one of now")
    return Evidence("ok", "rehearsal", f"rollback rehearsed {age} ago, {found.seconds:.1f} s")


def _space(deployment: Deployment) -> Evidence:
    free = shutil.disk_usage(_existing(deployment.paths.rollback)).free
    least = deployment.console.cadence.min_free
    mark = Evidence("ok", "disk", f"{free / 1e9:.1f} GB free")
    return mark if free >= least else Evidence("--", "disk", f"only {free / 1e9:.2f} GB free, {least / 1e9:.2f} wanted")


def _staged(deployment: Deployment, chosen: Snapshot) -> Evidence:
    missing = [
        covered
        for covered in trees(deployment, chosen)
        if chosen.manifest
        and chosen.manifest.below(covered)
        and not staged_path(deployment, chosen.id, covered).exists()
    ]
    if missing:
        return Evidence("--", "staged", f"{', '.join(missing)} is not staged: it is copied first")
    return Evidence("ok", "staged", "ready to be swapped in, same file system")


def _chosen(deployment: Deployment, name: str | None) -> Snapshot | None:
    if name is None:
        found = choices(deployment, deployment.console.releases.old)
        return found[0] if found else None
    for snapshot in list_snapshots(deployment):
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
        for path, status in walk(deployment.root, covered)
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


def _build(deployment: Deployment, release: str) -> str:
    """The build, or nothing where its files cannot be read: no reason to refuse a way back."""
    try:
        return build_hash(deployment, release)
    except Refused:
        return ""


def _expected(operations: list[Operation], kind: str) -> float | None:
    done = [item.seconds for item in operations if item.kind == kind and item.state == "SUCCEEDED"]
    return done[-1] if done else None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _existing(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
