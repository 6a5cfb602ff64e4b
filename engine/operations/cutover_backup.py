"""Phase 1 of a cutover, and the final snapshot of phase 3: what the way back will need."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from engine.clock import compact, iso
from engine.operations.break_glass import write_return
from engine.operations.configuration import hash_of, release_in
from engine.operations.step import Kept, Outcome, StepFailed
from engine.operations.work import Work
from engine.records import sync_directory, write_file
from engine.records.atomic import open_new
from engine.services.build import build_hash
from engine.snapshots import COMPLETE, Origin, new_snapshot, read_snapshot, take_snapshot, verify_snapshot
from engine.snapshots.catalogue import differences
from engine.snapshots.take import TREE

_LAST_LINES = 200


def back_up_config(work: Work) -> Outcome:
    """``pipeline_backup_<ts>.yml`` and ``v1_status_before.log``, for people and older runbooks."""
    rollback = work.deployment.paths.rollback
    data = work.deployment.active_config.read_bytes()
    path = write_new(rollback, f"pipeline_backup_{compact(work.clock.now().wall)}", ".yml", data)
    work.fact("config_backup", path.name)
    if hash_of(path) != work.plan.config_now:
        raise StepFailed(f"{path.name} is not the configuration that was confirmed", "start a new cutover")
    write_file(rollback / f"{work.old}_status_before.log", _status_text(work).encode())
    return Outcome(f"{path.name}, sha256 {work.plan.config_now[:6]}")


def config_backed_up(work: Work) -> bool:
    """Whether the copy is there and right."""
    name = work.facts.get("config_backup")
    return bool(name) and hash_of(work.deployment.paths.rollback / str(name)) == work.plan.config_now


def snapshot_live(work: Work) -> Outcome:
    """A snapshot while the old release goes on working."""
    return _snapshot(work, "live")


def snapshot_final(work: Work) -> Outcome:
    """The snapshot that a rollback restores: nothing runs, nothing changes."""
    active = work.deployment.active_config
    if active.exists() and release_in(active.read_bytes()) == work.new:  # by an attempt that died later on
        what = f"what is live has changed since the final snapshot, and {work.new}'s configuration is active already"
        raise StepFailed(what, "go back to the old release, then start a new cutover")
    outcome = _snapshot(work, "final")
    write_break_glass(work)  # before the new release first starts
    return outcome


def write_break_glass(work: Work) -> None:
    """``RETURN.sh``, for the final snapshot. OSError or OpsError: without it the cutover does not go on."""
    name = str(work.facts["final_snapshot"])
    snapshot = read_snapshot(work.deployment, work.deployment.paths.snapshots / name)
    write_return(work.deployment, work.orders.operation, work.plan, snapshot, work.clock)


def live_snapshot_good(work: Work) -> bool:
    """Whether it is there, whole and right."""
    return _good(work, "live")


def final_snapshot_good(work: Work) -> bool:
    """Whether it is there, whole and right, and still what is live: the old release may have run again meanwhile.

    From the new release's first start on it is the one, whatever is live: what was before cannot be had again.
    """
    return _good(work, "final") and (work.operation().past_no_return or _still_live(work))


def drop_unsealed(work: Work) -> str:
    """Remove what a failed attempt left; a sealed snapshot is kept, it harms nobody."""
    removed, kept = [], []
    for purpose in ("live", "final"):
        name = work.facts.get(f"{purpose}_snapshot")
        path = work.deployment.paths.snapshots / str(name)
        if name and (path / COMPLETE).exists():
            kept.append(str(name))
        elif name and path.is_dir():
            shutil.rmtree(path)
            sync_directory(path.parent)
            removed.append(str(name))
    if removed:
        return f"removed unfinished snapshots: {', '.join(removed)}"
    return Kept(f"sealed, kept: {', '.join(kept)}" if kept else "there is none")


def write_new(directory: Path, stem: str, suffix: str, data: bytes) -> Path:
    """Write a file that did not exist: of two in the same second the later one gets ``_2``."""
    number = 1
    while True:
        path = directory / (f"{stem}{suffix}" if number == 1 else f"{stem}_{number}{suffix}")
        try:
            descriptor = open_new(path)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        sync_directory(directory)
        return path


def _snapshot(work: Work, purpose: str) -> Outcome:
    living = purpose == "live"
    directory = new_snapshot(work.deployment)
    work.fact(f"{purpose}_snapshot", directory.name)
    origin = Origin(
        purpose="live" if living else "final",
        operation=work.orders.operation,
        release=work.old,
        build=build_hash(work.deployment, work.old),
        taken_at=work.clock.now().wall,
    )
    manifest = take_snapshot(work.deployment, origin, directory=directory, checkpoint=work.checkpoint, living=living)
    _point_people_to(work, directory)
    files = len(manifest.files)
    return Outcome(f"snapshot {directory.name}: {files} files, {manifest.bytes} bytes, every hash read back")


def _good(work: Work, purpose: str) -> bool:
    name = work.facts.get(f"{purpose}_snapshot")
    if not name:
        return False
    snapshot = read_snapshot(work.deployment, work.deployment.paths.snapshots / str(name))
    return not verify_snapshot(snapshot, work.checkpoint)


def _still_live(work: Work) -> bool:
    """Whether nothing that it covers has changed since; the switch of the configuration is no such change."""
    manifest = read_snapshot(
        work.deployment, work.deployment.paths.snapshots / str(work.facts["final_snapshot"])
    ).manifest
    if manifest is None:
        return False
    config = work.deployment.console.paths.active_config
    switched = hash_of(work.deployment.active_config) == work.plan.config_then
    covers = tuple(covered for covered in manifest.covers if not (switched and covered == config))
    entries = tuple(entry for covered in covers for entry in manifest.below(covered))
    return not differences(work.deployment.root, entries, covers, work.checkpoint)


def _point_people_to(work: Work, directory: Path) -> None:
    """``metrics_backup``: a relative link into the newest snapshot, where older runbooks look for a directory."""
    rollback = work.deployment.paths.rollback
    link = rollback / "metrics_backup"
    if link.is_dir() and not link.is_symlink():
        link.rename(rollback / f"metrics_backup_{compact(work.clock.now().wall)}_{directory.name}")
    temporary = rollback / f".metrics_backup.{directory.name}.tmp"
    temporary.unlink(missing_ok=True)
    target = Path("snapshots") / directory.name / TREE / work.deployment.console.paths.metrics
    temporary.symlink_to(target)
    temporary.replace(link)
    sync_directory(rollback)


def _status_text(work: Work) -> str:
    service = work.service(work.old)
    status = service.status()
    lines = [
        f"time      {iso(work.clock.now().wall)}",
        f"operation {work.orders.operation}",
        f"service   {status.name}: {status.state}",
        f"process   {status.identity.pid if status.identity else 'none'}",
        f"since     {iso(status.since) if status.since else 'unknown'}",
        f"restarts  {max(len(status.restarts), status.restarts_counted)}",
        f"build     {work.plan.build_from}",
        f"config    {work.plan.config_now}",
        "",
        "last lines of its output:",
        *service.last_lines(_LAST_LINES),
    ]
    return "\n".join(lines) + "\n"
