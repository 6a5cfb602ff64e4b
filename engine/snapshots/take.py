"""Taking a snapshot: tree, then manifest, then COMPLETE, each on the disk before the next is written."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from engine import __version__
from engine.config import Deployment
from engine.config.paths import SEAL
from engine.records.atomic import make_directory, sync_directory, write_file
from engine.records.form import VERSION
from engine.snapshots.copying import copy_file, copy_tree, sync_tree
from engine.snapshots.identity import give_identity, machine_identity, root_hash
from engine.snapshots.manifest import (
    Checkpoint,
    Entry,
    Manifest,
    Probe,
    Purpose,
    SnapshotProblem,
    encoded,
    entries_of,
)
from engine.snapshots.numbers import new_directory
from engine.snapshots.remembered import Remembered

TREE = "tree"
MANIFEST = "manifest.json"
COMPLETE = SEAL
_PROBE = "probe"


@dataclass(frozen=True, slots=True)
class Origin:
    """Who takes a snapshot, of what, for which operation."""

    purpose: Purpose
    operation: str
    release: str
    build: str
    taken_at: datetime


def covers_of(deployment: Deployment) -> tuple[str, ...]:
    """What a snapshot of this deployment holds: the active configuration, and what the configuration covers."""
    return (deployment.console.paths.active_config, *deployment.console.snapshot.covers)


def new_snapshot(deployment: Deployment) -> Path:
    """A fresh, empty, numbered directory for one snapshot."""
    return new_directory(deployment.paths.snapshots, lambda number: f"{number:04d}")


def take_snapshot(
    deployment: Deployment,
    origin: Origin,
    *,
    directory: Path | None = None,
    checkpoint: Checkpoint | None = None,
    living: bool = False,
) -> Manifest:
    """Copy what is covered into ``directory`` (a fresh one when None) and seal it.

    ``living``: services may write meanwhile. SnapshotProblem or OSError leaves a directory without COMPLETE,
    which is never offered.
    """
    place = directory or new_snapshot(deployment)
    make_directory(place / TREE)
    entries: list[Entry] = []
    for covered in covers_of(deployment):
        entries.extend(copy_tree(deployment.root, place / TREE, covered, checkpoint=checkpoint, living=living))
    probe = _keep_probe(deployment, place, checkpoint)
    _check_copies(place / TREE, covers_of(deployment), entries, checkpoint)
    return _seal(deployment, place, origin, covers_of(deployment), tuple(entries), probe)


def seal_displaced(
    deployment: Deployment,
    directory: Path,
    origin: Origin,
    checkpoint: Checkpoint | None = None,
    remembered: Remembered | None = None,
    covers: tuple[str, ...] | None = None,
) -> Manifest:
    """Make a snapshot of a tree that was moved into ``directory/tree`` as it is: hashed there, then sealed.

    There is no copy to be read back: what is listed is what stands there. ``covers``: those of the snapshot that took
    its place, whatever the configuration says by now.
    """
    covers = covers_of(deployment) if covers is None else covers
    entries = entries_of(directory / TREE, covers, checkpoint, remembered=remembered, passing=[])
    return _seal(deployment, directory, origin, covers, entries, None)


def _seal(
    deployment: Deployment,
    directory: Path,
    origin: Origin,
    covers: Iterable[str],
    entries: tuple[Entry, ...],
    probe: Probe | None,
) -> Manifest:
    present = {entry.path for entry in entries}
    covers = tuple(covers)
    manifest = Manifest(
        version=VERSION,
        id=directory.name,
        deployment=deployment.console.deployment.name,
        root=str(deployment.root),
        machine=platform.node(),
        purpose=origin.purpose,
        operation=origin.operation,
        release=origin.release,
        build=origin.build,
        taken_at=origin.taken_at,
        tool=f"abaco-ops {__version__}",
        covers=covers,
        absent=tuple(covered for covered in covers if covered not in present),
        entries=entries,
        probe=probe,
        identity=give_identity(deployment),
        machine_id=machine_identity(),
        root_sha256=root_hash(deployment),
    )
    sync_tree(directory)
    data = encoded(manifest, indent=1)
    write_file(directory / MANIFEST, data)
    write_file(directory / COMPLETE, hashlib.sha256(data).hexdigest().encode() + b"\n")
    sync_directory(directory.parent)
    return manifest


def _check_copies(tree: Path, covers: Iterable[str], entries: Iterable[Entry], checkpoint: Checkpoint | None) -> None:
    """Read everything back: a copy that differs from what was read from the source is no snapshot."""
    found = {(entry.path, entry.sha256, entry.target) for entry in entries_of(tree, covers, checkpoint)}
    meant = {(entry.path, entry.sha256, entry.target) for entry in entries}
    if found != meant:
        differing = sorted({name for name, *_ in found ^ meant})
        raise SnapshotProblem(
            f"the copy in {tree} differs from its source: {', '.join(differing[:5])}", "check the disk"
        )


def _keep_probe(deployment: Deployment, directory: Path, checkpoint: Checkpoint | None) -> Probe | None:
    """Keep a tape on which a restored release can show that it computes, whatever the live one has become."""
    reference = deployment.root / deployment.console.paths.reference_tape
    source = reference if reference.is_file() else deployment.tape
    if not source.is_file() or source.is_symlink():
        return None
    make_directory(directory / _PROBE)
    target = directory / _PROBE / source.name
    digest = copy_file(source, target, checkpoint)
    return Probe(f"{_PROBE}/{source.name}", os.stat(target).st_size, digest)  # noqa: PTH116
