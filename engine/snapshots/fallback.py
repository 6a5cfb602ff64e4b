"""Newer snapshots that are passed over for an older one: never silently, for something does not come back then."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from engine.config import Deployment
from engine.config.may_write import account_here
from engine.records.undecodable import UNDECODABLE
from engine.snapshots.catalogue import UNREADABLE, Snapshot, newest_first
from engine.snapshots.identity import identity_of_deployment
from engine.snapshots.manifest import Manifest, SnapshotProblem, decoded, walk
from engine.snapshots.take import MANIFEST, TREE, covers_of

_NAMED = 3


class PassedOver(msgspec.Struct, frozen=True):
    """A snapshot that is newer than the one restored, and why it is not the one."""

    id: str
    reason: str
    not_back: tuple[str, ...]
    """Files that it holds and the one restored does not."""

    def __str__(self) -> str:
        """One line for a person."""
        said = f"snapshot {self.id} is newer and cannot be restored: {self.reason}"
        if not self.not_back:
            return said
        more = f" and {len(self.not_back) - _NAMED} more" if len(self.not_back) > _NAMED else ""
        return f"{said}; only it holds {', '.join(self.not_back[:_NAMED])}{more}: not restored"


def passed_over(
    deployment: Deployment,
    release: str,
    chosen: Snapshot | None,
    damaged: Mapping[str, str] | None = None,
    but: frozenset[str] = frozenset(),
) -> list[PassedOver]:
    """The snapshots newer than ``chosen`` (None: all) that could have been restored were they whole, newest first.

    ``damaged`` are those whose files were found wrong, with the reason; ``but`` are known to be something else.
    """
    found = []
    for snapshot in newest_first(deployment):
        if chosen is not None and snapshot.id <= chosen.id:
            break
        reason = snapshot.problem or (damaged or {}).get(snapshot.id, "")
        manifest = snapshot.manifest or _claimed(snapshot)
        if reason and snapshot.id not in but and _for_the_way_back(manifest, release):
            found.append(PassedOver(snapshot.id, reason, _not_back(deployment, snapshot, manifest, chosen)))
    return found


def unread(passed: Iterable[PassedOver]) -> PassedOver | None:
    """The newest that this account cannot read: it may be whole, and an older one lacks what only it holds."""
    return next((item for item in passed if item.reason.startswith(UNREADABLE)), None)


def let_read(deployment: Deployment, snapshot_id: str) -> str:
    """Who can restore a snapshot that this account cannot read, and how it is opened to this one."""
    try:
        owner = (deployment.paths.snapshots / snapshot_id).owner()
    except (OSError, KeyError):
        owner = "its owner"
    who = "as root" if owner in ("root", account_here()) else f"as {owner} or as root"
    group = deployment.console.deployment.group or "GROUP"
    share = f"abaco-ops init {deployment.root} --share {group}"
    return f"roll back {who}, or let the group read it, as root: {share}"


def _claimed(snapshot: Snapshot) -> Manifest | None:
    """What a manifest says that cannot be trusted; None when it says nothing."""
    try:
        return decoded((snapshot.path / MANIFEST).read_bytes(), Manifest)
    except (OSError, *UNDECODABLE):
        return None


def _for_the_way_back(manifest: Manifest | None, release: str) -> bool:
    return manifest is None or (manifest.purpose in ("live", "final") and manifest.release == release)


def _not_back(
    deployment: Deployment, snapshot: Snapshot, manifest: Manifest | None, chosen: Snapshot | None
) -> tuple[str, ...]:
    if manifest is not None and manifest.identity not in ("", identity_of_deployment(deployment)):
        return ()  # another deployment's files are not missed here
    known = {entry.path: entry.sha256 for entry in chosen.manifest.files} if chosen and chosen.manifest else {}
    if manifest is not None:
        return tuple(entry.path for entry in manifest.files if known.get(entry.path) != entry.sha256)
    tree = snapshot.path / TREE
    try:
        names = [name for covered in covers_of(deployment) for name, _ in walk(tree, covered)]
    except (OSError, SnapshotProblem):
        return ()
    return tuple(name for name in names if name not in known and not (tree / name).is_dir())
