"""Which snapshots there are, which of them can be trusted, and which are kept."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.config.may_write import account_here
from engine.errors import OpsError
from engine.records.atomic import sync_directory
from engine.records.form import VERSION
from engine.records.undecodable import UNDECODABLE
from engine.snapshots.identity import foreign, taken_here
from engine.snapshots.manifest import (
    Checkpoint,
    Entry,
    Manifest,
    SnapshotProblem,
    decoded,
    entries_of,
    sha256_of,
    unsafe,
)
from engine.snapshots.remembered import Remembered
from engine.snapshots.take import COMPLETE, MANIFEST, TREE

UNREADABLE = "cannot be read by "
"""How the problem of a snapshot begins that may be whole, for all that this account can tell."""


class Snapshot(msgspec.Struct, frozen=True):
    """One snapshot's directory: its manifest, or the reason why it is not offered."""

    id: str
    path: Path
    manifest: Manifest | None
    problem: str = ""

    @property
    def restorable(self) -> bool:
        """Sealed, ours, and of the kind that a rollback restores."""
        return self.manifest is not None and self.manifest.purpose in ("final", "live")


def read_snapshot(deployment: Deployment, path: Path) -> Snapshot:
    """Read the manifest and check its seal, not yet the files. Never raises: a problem is an answer."""
    try:
        manifest = _sealed_manifest(path)
    except (OSError, OpsError, *UNDECODABLE) as error:
        return Snapshot(path.name, path, None, _in_words(error))
    problem = _foreign(deployment, path, manifest)
    return Snapshot(path.name, path, None if problem else manifest, problem)


def list_snapshots(deployment: Deployment) -> list[Snapshot]:
    """All of them, oldest first, damaged ones included with their reason."""
    return list(newest_first(deployment))[::-1]


def newest_first(deployment: Deployment) -> Iterator[Snapshot]:
    """All of them, newest first, each read when its turn comes: a hundred manifests at once are 30 MB."""
    directory = deployment.paths.snapshots
    if not directory.is_dir():
        return
    found = (path for path in directory.iterdir() if path.name.isdigit() and path.is_dir() and not path.is_symlink())
    for path in sorted(found, key=lambda path: path.name, reverse=True):
        yield read_snapshot(deployment, path)


def differences(
    tree: Path,
    entries: tuple[Entry, ...],
    covers: tuple[str, ...],
    checkpoint: Checkpoint | None,
    remembered: Remembered | None = None,
    passing: list[str] | None = None,
) -> str:
    """How what stands below ``tree`` differs from these entries, in words; empty when it does not.

    Every file is read and hashed, unless it is ``remembered``; names that should not be there count too. Times and
    modes do not.
    """
    return different(entries, entries_of(tree, covers, checkpoint, remembered=remembered, passing=passing))


def different(entries: Iterable[Entry], there: Iterable[Entry]) -> str:
    """How what is ``there`` differs from these entries, in words; empty when it does not."""
    meant = {entry.path: entry for entry in entries}
    found = {entry.path: entry for entry in there}
    for path in sorted(meant.keys() - found.keys()):
        return f"{path} is missing"
    for path in sorted(found.keys() - meant.keys()):
        return f"{path} does not belong there"
    for path, entry in meant.items():
        other = found[path]
        if (other.type, other.sha256, other.target) != (entry.type, entry.sha256, entry.target):
            return f"{path} has another content"
    return ""


def verify_snapshot(
    snapshot: Snapshot, checkpoint: Checkpoint | None = None, remembered: Remembered | None = None
) -> str:
    """Hash every file of a snapshot (but those ``remembered``); the reason why it is not good, or an empty text."""
    if snapshot.manifest is None:
        return snapshot.problem
    manifest = snapshot.manifest
    try:
        # what was set aside may hold pipes and sockets, which have no content; what is restored must not
        passing: list[str] | None = None if snapshot.restorable else []
        there = snapshot.path / TREE
        problem = differences(there, manifest.entries, manifest.covers, checkpoint, remembered, passing)
        if not problem and manifest.probe and sha256_of(snapshot.path / manifest.probe.path) != manifest.probe.sha256:
            problem = "its probe tape has another content"
    except (OSError, SnapshotProblem) as error:
        return _in_words(error)
    return problem


def choices(deployment: Deployment, release: str) -> Iterator[Snapshot]:
    """What a rollback to ``release`` may restore, best first, each read when its turn comes.

    Newest first: the final snapshot of a cutover is newer than its live one, and the live one of the last cutover
    is nearer to what was than the final one of an earlier cutover.
    """
    return (
        snapshot
        for snapshot in newest_first(deployment)
        if snapshot.restorable and snapshot.manifest and snapshot.manifest.release == release
    )


def prune(deployment: Deployment, in_use: frozenset[str], checkpoint: Checkpoint | None = None) -> list[str]:
    """Remove the oldest restorable snapshots beyond ``snapshot.keep`` and return their ids.

    Side and salvaged snapshots hold what nobody else has: they are never removed here. Nothing is removed
    unless the newest one kept verifies, and those in use stay.
    """
    restorable = [snapshot for snapshot in list_snapshots(deployment) if snapshot.restorable]
    kept, old = restorable[-deployment.console.snapshot.keep :], restorable[: -deployment.console.snapshot.keep]
    if not old or all(verify_snapshot(snapshot, checkpoint) for snapshot in reversed(kept)):
        return []
    removed = []
    for snapshot in old:
        if snapshot.id in in_use:
            continue
        (snapshot.path / COMPLETE).unlink(missing_ok=True)  # first: a half removed one must not look whole
        sync_directory(snapshot.path)
        shutil.rmtree(snapshot.path)
        removed.append(snapshot.id)
    sync_directory(deployment.paths.snapshots)
    return removed


def _sealed_manifest(path: Path) -> Manifest:
    if not (path / COMPLETE).is_file():
        raise SnapshotProblem("not complete: it was never sealed")
    data = (path / MANIFEST).read_bytes()
    seal = (path / COMPLETE).read_text(encoding="ascii", errors="replace").strip()
    if hashlib.sha256(data).hexdigest() != seal:
        raise SnapshotProblem("its manifest is not the one that was sealed")
    return decoded(data, Manifest)


def _foreign(deployment: Deployment, path: Path, manifest: Manifest) -> str:
    if manifest.version > VERSION:
        return f"a newer abaco-ops took it: its manifest is of version {manifest.version}, this one knows {VERSION}"
    if manifest.deployment != deployment.console.deployment.name:
        return f"it is of another deployment: {manifest.deployment}"
    stranger = foreign(deployment, manifest.identity)
    told = not manifest.identity and taken_here(deployment, manifest.operation, manifest.id, manifest.taken_at)
    if stranger and not told:
        return stranger
    if manifest.id != path.name:
        return f"it is a copy of snapshot {manifest.id}"
    if manifest.purpose in ("live", "final") and not _holds_configuration(deployment, manifest):
        return f"it holds no configuration: {deployment.console.paths.active_config} was no file when it was taken"
    names = [entry.path for entry in manifest.entries] + list(manifest.covers)
    if any(unsafe(name) for name in names) or (manifest.probe and unsafe(manifest.probe.path)):
        return "its manifest names paths outside the tree"
    return ""


def _holds_configuration(deployment: Deployment, manifest: Manifest) -> bool:
    entry = manifest.entry(deployment.console.paths.active_config)
    return entry is not None and entry.type == "file"


def _in_words(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return f"{UNREADABLE}{account_here()}: {error.filename}"
    return error.what if isinstance(error, OpsError) else f"{type(error).__name__}: {error}"
