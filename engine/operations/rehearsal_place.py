"""Where a rehearsal puts its copies: places of its own, named so that nothing else can be taken for them."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path

from engine.config import Deployment
from engine.records import existing, make_directory, sync_directory
from engine.snapshots import covers_of

_MARK = ".abaco-rehearsal-"
_TOKEN = re.compile(r"[0-9a-f]{8}")
_ROOM = "rehearsal"


class Place:
    """One rehearsal's places. Whoever makes one holds the rehearsal's lock: what stands there already is a dead one's.

    No rollback, no snapshot and no staging ever looks at these names.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._token = secrets.token_hex(4)

    @property
    def own(self) -> Path:
        """The directory below ``.rollback``."""
        return self._deployment.paths.rollback / _ROOM / self._token

    def beside(self, target: Path) -> Path:
        """A directory in the same directory as ``target``, or in the nearest parent that is there."""
        return existing(target.parent) / f"{_MARK}{self._token}"

    def tree_root(self, covered: str) -> Path:
        """Below which ``covered`` is staged: on the file system of its target, as a rollback's own tree is."""
        target = self._deployment.root / covered
        if existing(target.parent).stat().st_dev == self._deployment.paths.rollback.stat().st_dev:
            return self.own / "staged"
        return self.beside(target) / "staged"

    def configuration(self) -> Path:
        """The temporary beside the active configuration."""
        active = self._deployment.active_config
        return active.with_name(f".{active.name}{_MARK}{self._token}")

    def make(self) -> None:
        """OSError when it cannot be made."""
        make_directory(self.own)

    def discard(self) -> str:
        """Remove what this rehearsal put there; what could not be removed, in words."""
        return _remove(path for path in _standing(self._deployment) if path.name.endswith(self._token))

    def discard_leftovers(self) -> str:
        """Remove what rehearsals that were killed put there; what could not be removed, in words."""
        return _remove(_standing(self._deployment))


def _standing(deployment: Deployment) -> Iterator[Path]:
    """Everything that bears a rehearsal's name, where a rehearsal puts things."""
    yield from _named(deployment.paths.rollback / _ROOM, "")
    parents = {existing((deployment.root / covered).parent) for covered in covers_of(deployment)}
    for parent in sorted(parents):
        yield from _named(parent, _MARK)
    active = deployment.active_config
    yield from _named(active.parent, f".{active.name}{_MARK}")


def _named(directory: Path, prefix: str) -> list[Path]:
    if not directory.is_dir():
        return []
    found = (path for path in directory.iterdir() if path.name.startswith(prefix))
    return sorted(path for path in found if _TOKEN.fullmatch(path.name.removeprefix(prefix)))


def _remove(paths: Iterator[Path]) -> str:
    left = []
    for path in list(paths):
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
            with contextlib.suppress(OSError):
                sync_directory(path.parent)
        except OSError as error:
            left.append(f"{path}: {error.strerror or error}")
    return f"copies of a rehearsal are left: {'; '.join(left)}" if left else ""
