"""Who is looking: each open console that may write leaves a small file, so that two people know of each other."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from engine.clock import Clock
from engine.config import Deployment
from engine.records import harmless, write_file
from engine.records.atomic import make_for_group
from engine.records.undecodable import UNDECODABLE
from engine.services.identity import is_alive, own_identity
from engine.services.protocol import Identity

_FILE_MODE = 0o660
_LARGEST = 4096


class Watcher(msgspec.Struct, frozen=True):
    """One open console: whose, from where, since when, and its process."""

    actor: str
    origin: str
    since: datetime
    process: Identity

    def __str__(self) -> str:
        return person(self.actor, self.origin)


def person(actor: str, origin: str) -> str:
    """``k.lee@ops1 from 10.0.0.7``; without the place for one who sits at the machine itself."""
    return harmless(actor if origin == "local" else f"{actor} from {origin}")


def origin_here() -> str:
    """Where the person sits: the SSH client's address, or ``local``."""
    return os.environ.get("SSH_CONNECTION", "").partition(" ")[0] or "local"


@contextlib.contextmanager
def watching(deployment: Deployment, *, actor: str, origin: str, clock: Clock) -> Iterator[None]:
    """Be seen by other consoles meanwhile. Where that cannot be written down, one only is not seen."""
    path: Path | None = None
    with contextlib.suppress(OSError):
        path = _register(deployment, Watcher(actor, origin, clock.now().wall, own_identity()))
    try:
        yield
    finally:
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()


def watchers(deployment: Deployment) -> tuple[Watcher, ...]:
    """Every other console that is open now, the longest first; empty when nobody can tell."""
    found = [watcher for _, watcher in _files(deployment) if watcher is not None and is_alive(watcher.process)]
    return tuple(sorted((item for item in found if item.process.pid != os.getpid()), key=lambda item: item.since))


def watching_in_words(found: tuple[Watcher, ...]) -> str:
    """``K. Lee from 10.0.0.7 is watching``; empty for nobody."""
    names = list(dict.fromkeys(str(watcher) for watcher in found))
    if not names:
        return ""
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{shown} {'is' if len(names) == 1 else 'are'} watching"


def _register(deployment: Deployment, me: Watcher) -> Path:
    place = deployment.paths.consoles
    make_for_group(place)
    for stale, watcher in _files(deployment):
        if watcher is None or not is_alive(watcher.process):
            _remove_own(stale)
    path = place / f"{me.process.pid}-{os.urandom(4).hex()}.json"
    write_file(path, msgspec.json.encode(me), _FILE_MODE, lasts=False)  # it is true for as long as the process lives
    return path


def _remove_own(path: Path) -> None:
    """What a console left that was killed; another user's file is that user's to remove."""
    with contextlib.suppress(OSError):
        if path.lstat().st_uid == os.getuid():
            path.unlink()


def _files(deployment: Deployment) -> list[tuple[Path, Watcher | None]]:
    """Each file and what it says; None for one that says nothing."""
    try:
        paths = sorted(deployment.paths.consoles.glob("*.json"))
    except OSError:
        return []
    return [(path, _read(path)) for path in paths]


def _read(path: Path) -> Watcher | None:
    try:
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size > _LARGEST:
            return None
        return msgspec.json.decode(path.read_bytes(), type=Watcher)
    except (OSError, *UNDECODABLE):
        return None
