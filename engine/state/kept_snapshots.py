"""The snapshots as the console lists them: what each is for, which one a rollback would choose, which are refused."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime

from engine.clock import Clock
from engine.config import Deployment
from engine.records import harmless
from engine.snapshots import Snapshot, choices, newest_first, staged_path, staged_problem, trees, verify_snapshot
from engine.snapshots.catalogue import UNREADABLE


@dataclass(frozen=True, slots=True)
class KeptFile:
    """One file of a snapshot, as its manifest has it."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class KeptSnapshot:
    """One snapshot; of one that is refused only its id is sure."""

    id: str
    purpose: str
    release: str
    build: str
    operation: str
    taken_at: datetime | None
    files: int
    """How many."""
    bytes: int
    absent: tuple[str, ...]
    """Covered paths that did not exist when it was taken."""
    problem: str
    """Why it is not offered: foreign, not sealed, another manifest; empty when it is whole as far as its seal says."""
    restorable: bool
    """Of the kind that a rollback restores, and not refused."""
    chosen: bool
    """The one that a rollback would take now."""
    staged: str
    """``staged``, or what is not; empty where nothing needs to be."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What reading and hashing every file of a snapshot found."""

    at: datetime
    seconds: float
    problem: str
    """Empty: every file is as it was sealed."""
    staged_problem: str
    """Of its staged trees; empty when they are whole, or none are needed."""

    @property
    def word(self) -> str:
        """For one with a problem: what this account may not read is not said to be damaged."""
        return "NOT READ" if self.problem.startswith(UNREADABLE) else "DAMAGED"


def kept_snapshots(deployment: Deployment) -> tuple[KeptSnapshot, ...]:
    """All snapshots, newest first. Reads manifests and seals, not the files. OSError."""
    best = next((one.id for one in choices(deployment, deployment.console.releases.old)), "")
    return tuple(_view(deployment, one, best) for one in newest_first(deployment))


def kept_files(deployment: Deployment, snapshot_id: str) -> tuple[KeptFile, ...]:
    """The files of one snapshot as its manifest has them; none when it is refused or not there any more."""
    found = _found(deployment, snapshot_id)
    if found is None or found.manifest is None:
        return ()
    return tuple(KeptFile(harmless(each.path, 400), each.size, each.sha256) for each in found.manifest.files)


def verify_kept(deployment: Deployment, snapshot_id: str, clock: Clock) -> Verified:
    """Read and hash every file of one snapshot, and of what is staged of it."""
    began = time.monotonic()
    found = _found(deployment, snapshot_id)
    if found is None:
        return Verified(clock.now().wall, 0.0, "it is not there any more", "")
    problem = verify_snapshot(found)
    staged = "" if problem or not _is_staged(deployment, found) else staged_problem(deployment, found)
    return Verified(clock.now().wall, time.monotonic() - began, harmless(problem, 400), harmless(staged, 400))


def _found(deployment: Deployment, snapshot_id: str) -> Snapshot | None:
    return next((one for one in newest_first(deployment) if one.id == snapshot_id), None)


def _view(deployment: Deployment, one: Snapshot, best: str) -> KeptSnapshot:
    manifest = one.manifest
    if manifest is None:
        problem = harmless(one.problem or "refused", 400)
        return KeptSnapshot(one.id, "", "", "", "", None, 0, 0, (), problem, False, False, "")
    return KeptSnapshot(
        id=one.id,
        purpose=manifest.purpose,
        release=harmless(manifest.release, 40),
        build=manifest.build[:6],
        operation=harmless(manifest.operation, 60),
        taken_at=manifest.taken_at,
        files=sum(each.type == "file" for each in manifest.entries),
        bytes=manifest.bytes,
        absent=tuple(harmless(path, 200) for path in manifest.absent),
        problem="",
        restorable=one.restorable,
        chosen=one.id == best,
        staged=_staged(deployment, one) if one.restorable else "",
    )


def _staged(deployment: Deployment, one: Snapshot) -> str:
    """By what stands there; whether it is whole only reading tells."""
    entries = {entry.path for entry in one.manifest.entries} if one.manifest else set()
    wanted = [covered for covered in trees(deployment, one) if any(_below(path, covered) for path in entries)]
    there = [covered for covered in wanted if staged_path(deployment, one.id, covered).exists()]
    if len(there) == len(wanted):
        return "staged" if wanted else ""
    return "not staged" if not there else f"staged without {', '.join(sorted(set(wanted) - set(there)))}"


def _is_staged(deployment: Deployment, one: Snapshot) -> bool:
    return one.restorable and _staged(deployment, one) == "staged"


def _below(path: str, covered: str) -> bool:
    return path == covered or path.startswith(f"{covered}/")
