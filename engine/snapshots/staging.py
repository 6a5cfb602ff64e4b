"""The tree that an emergency swaps in: copied and verified ahead of time, on the same file system as its target."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from engine.config import Deployment
from engine.records.atomic import existing, make_directory
from engine.snapshots.catalogue import Snapshot, differences, read_snapshot
from engine.snapshots.copying import copy_tree, sync_tree
from engine.snapshots.exchange import sync_both
from engine.snapshots.manifest import Checkpoint, Entry, SnapshotProblem
from engine.snapshots.owners import give_back_owners
from engine.snapshots.remembered import Remembered
from engine.snapshots.restore import move_tree
from engine.snapshots.take import TREE, Origin, new_snapshot, seal_displaced

_BESIDE = ".abaco-staged-"


def trees(deployment: Deployment, snapshot: Snapshot) -> tuple[str, ...]:
    """The covered paths that are swapped: all but the active configuration, which is one file and is rewritten."""
    covers = snapshot.manifest.covers if snapshot.manifest else ()
    return tuple(covered for covered in covers if covered != deployment.console.paths.active_config)


def staged_root(deployment: Deployment, snapshot: str, covered: str) -> Path:
    """The directory below which ``covered`` is staged: in ``.rollback``, or beside the target on another disk."""
    target = deployment.root / covered
    parent = existing(target.parent)
    if parent.stat().st_dev == existing(deployment.paths.rollback).stat().st_dev:
        return deployment.paths.staged / snapshot
    return target.parent / f"{_BESIDE}{snapshot}"


def staged_path(deployment: Deployment, snapshot: str, covered: str) -> Path:
    """Where the staged copy of ``deployment.root/covered`` stands."""
    return staged_root(deployment, snapshot, covered) / covered


def staged_problem(
    deployment: Deployment,
    snapshot: Snapshot,
    checkpoint: Checkpoint | None = None,
    *,
    but: frozenset[str] = frozenset(),
    remembered: Remembered | None = None,
) -> str:
    """Why the staged trees, ``but`` those swapped in already, cannot be swapped in as they are; empty when they can."""
    for covered in trees(deployment, snapshot):
        if covered in but:
            continue
        entries = _entries(snapshot, covered)
        if not entries:
            continue
        root = staged_root(deployment, snapshot.id, covered)
        if not (root / covered).exists():
            return f"{covered} is not staged"
        problem = differences(root, entries, (covered,), checkpoint, remembered)
        if problem:
            return f"staged: {problem}"
    return ""


def stage(
    deployment: Deployment,
    snapshot: Snapshot,
    origin: Origin,
    checkpoint: Checkpoint | None = None,
    *,
    but: frozenset[str] = frozenset(),
) -> list[str]:
    """Make the staged trees whole, ``but`` these; returns the ids of snapshots that keep what stood there.

    Something else that stands in their place is moved away into a salvaged snapshot, never deleted: it may be
    what an interrupted rollback displaced.
    """
    salvaged = []
    for covered in trees(deployment, snapshot):
        entries = _entries(snapshot, covered)
        if not entries or covered in but:
            continue
        root = staged_root(deployment, snapshot.id, covered)
        if (root / covered).exists():
            if not differences(root, entries, (covered,), checkpoint):
                continue
            salvaged.append(_salvage(deployment, root / covered, covered, origin))
        make_directory((root / covered).parent)
        partial = root.with_name(f"{root.name}.partial")
        _discard_copy(partial)
        copy_tree(snapshot.path / TREE, partial, covered, checkpoint=checkpoint)
        problem = differences(partial, entries, (covered,), checkpoint)
        if problem:
            raise SnapshotProblem(f"staging {covered} went wrong: {problem}", "check the disk")
        give_back_owners(partial, entries)  # what it cannot be given is told when it is swapped in
        sync_tree(partial)
        (partial / covered).rename(root / covered)
        sync_both(partial / covered, root / covered)
        _discard_copy(partial)
    return salvaged


def _salvage(deployment: Deployment, place: Path, covered: str, origin: Origin) -> str:
    directory = new_snapshot(deployment)
    move_tree(place, directory / TREE / covered)
    seal_displaced(deployment, directory, replace(origin, purpose="salvaged"))
    return directory.name


def _discard_copy(partial: Path) -> None:
    """Remove an unfinished copy of a snapshot; its name says that it is nothing else."""
    if partial.exists():
        shutil.rmtree(partial)


def _entries(snapshot: Snapshot, covered: str) -> tuple[Entry, ...]:
    return snapshot.manifest.below(covered) if snapshot.manifest else ()


def discard_staged(deployment: Deployment, keep: str) -> list[str]:
    """Remove staged trees of other snapshots where they are mere copies; says what was left, and why."""
    left = []
    places = sorted(deployment.paths.staged.iterdir()) if deployment.paths.staged.is_dir() else []
    for place in places:
        if place.name == keep:
            continue
        if not any(path.is_file() or path.is_symlink() for path in place.rglob("*")):
            shutil.rmtree(place)
            continue
        snapshot = read_snapshot(deployment, deployment.paths.snapshots / place.name)
        if place.name.endswith(".partial") or (snapshot.manifest and not staged_problem(deployment, snapshot)):
            shutil.rmtree(place)
        else:
            left.append(f"{place} is no copy of a snapshot and was left as it is")
    return left
