"""Before a cutover: is there room for it and for its way back, and can every place be written to. Doctor and plan ask
the same, without writing.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.operations import places
from engine.operations.reserve import reserve_problem
from engine.operations.room import BLOCK, Need, Room, Surroundings, Tree, needs
from engine.records import existing
from engine.snapshots import covers_of
from engine.snapshots.manifest import walk


class Preflight(msgspec.Struct, frozen=True):
    """What was found. ``names``: files, directories and links that snapshots cover."""

    rooms: tuple[Room, ...]
    refused: tuple[str, ...]
    """Places that cannot be written to, one line each."""
    names: int

    @property
    def lacking(self) -> tuple[str, ...]:
        """File systems without enough room, one line each."""
        return tuple(room.problem for room in self.rooms if room.problem)

    @property
    def room(self) -> str:
        """Free and needed on each file system, in one line."""
        first, *others = self.rooms
        return "; ".join([str(first), *(f"{room.place}: {room}" for room in others)])


def preflight(deployment: Deployment, *, probing: bool) -> Preflight:
    """Measure room and, ``probing`` or only looking, every place. OSError, SnapshotProblem."""
    trees = [_measured(deployment, covered) for covered in covers_of(deployment)]
    # as its unit's user the worker has other rights than whoever plans: it looks itself, before it touches anything
    by_unit = deployment.console.services.operation_unit is not None
    found = places.problems(deployment, probing=probing) if probing or not by_unit else []
    return Preflight(_rooms(deployment, trees), tuple(found), sum(tree.names for tree in trees))


def rooms(deployment: Deployment) -> tuple[Room, ...]:
    """The room on each file system that a cutover writes to; nothing is changed. OSError, SnapshotProblem."""
    return _rooms(deployment, [_measured(deployment, covered) for covered in covers_of(deployment)])


def _rooms(deployment: Deployment, trees: list[Tree]) -> tuple[Room, ...]:
    by_device = {_device(path): path for path in reversed(_where(deployment))}
    around = Surroundings(
        rollback_device=_device(deployment.paths.rollback),
        logs_device=_device(deployment.paths.logs),
        probe_bytes=_probe_bytes(deployment),
        min_free=deployment.console.cadence.min_free,
        reserve_kept=not reserve_problem(deployment),
    )
    return tuple(_held(need, by_device[need.device], deployment.root) for need in needs(trees, around))


def _where(deployment: Deployment) -> list[Path]:
    covered = [(deployment.root / name).parent for name in covers_of(deployment)]
    return [deployment.paths.rollback, deployment.paths.logs, *covered]


def _held(need: Need, path: Path, root: Path) -> Room:
    found = os.statvfs(existing(path))
    name = str(path.relative_to(root)) if path != root else path.name
    return Room(need, name, found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def _measured(deployment: Deployment, covered: str) -> Tree:
    device = _device((deployment.root / covered).parent)
    staged = covered != deployment.console.paths.active_config
    sizes = [status.st_size for _, status in walk(deployment.root, covered)]
    return Tree(device, sum(-(-value // BLOCK) * BLOCK for value in sizes), len(sizes), staged)


def _probe_bytes(deployment: Deployment) -> int:
    for path in (deployment.root / deployment.console.paths.reference_tape, deployment.tape):
        if path.is_file():
            return path.stat().st_size
    return 0


def _device(path: Path) -> int:
    return existing(path).stat().st_dev
