"""What people ask of a running operation: one small file each, bound to the operation and its worker, used once."""

from __future__ import annotations

import pwd
import secrets
import time
from pathlib import Path
from typing import Literal

import msgspec

from engine.records import harmless, make_directory, sync_directory, write_file
from engine.records.atomic import open_to_read
from engine.records.form import VERSION
from engine.records.undecodable import UNDECODABLE
from engine.services.protocol import Identity

ANSWERS_WITHIN = 5.0
"""Seconds after which a worker that takes no request is said to hang."""
DIRECTORY = "requests"
USED = "used"
_WEIGHT = {"abort": 0, "yield": 1, "go": 2}
_LOOK = 0.02
Want = Literal["abort", "yield", "go"]


class Request(msgspec.Struct, frozen=True):
    """``abort``: undo and end. ``yield``: let go at once, a rollback takes over. ``go``: end the hold."""

    want: Want
    operation: str
    worker: Identity
    nonce: str
    reason: str = ""
    origin: str = ""
    """Where the person sits, as they say; who it is says the file's owner."""
    actor: str = ""
    """Who asks, in full, as they say."""
    v: int = VERSION

    def by(self, owner: str) -> str:
        """Who asked, for people: as they say it where the file's owner bears it out, else both."""
        said = harmless(self.actor, 80)
        if not said or said.partition("@")[0] == owner:
            return said or owner
        return f"{owner} ({said})"


def ask(directory: Path, worker: Identity, want: Want, reason: str = "", origin: str = "", *, actor: str = "") -> Path:
    """Leave a request for the worker of the operation in ``directory``."""
    place = directory / DIRECTORY
    make_directory(place)
    request = Request(want, directory.name, worker, secrets.token_hex(8), reason, origin, actor)
    path = place / f"{want}-{request.nonce}.json"
    write_file(path, msgspec.json.encode(request), 0o660)
    return path


def take(directory: Path, worker: Identity) -> tuple[Request, str] | None:
    """The heaviest request for this worker and who made it (the file's owner), marked as used; None without one.

    A file that names another operation or another worker, that a newer version wrote, or that is no request, is set
    aside unanswered.
    """
    place = directory / DIRECTORY
    waiting: list[tuple[Request, Path]] = []
    for path in sorted(place.glob("*.json")) if place.is_dir() else ():
        request = _read(path)
        if request is None or request.v > VERSION or request.operation != directory.name or request.worker != worker:
            _use(path)
        else:
            waiting.append((request, path))
    if not waiting:
        return None
    request, path = min(waiting, key=lambda item: _WEIGHT[item[0].want])
    author = _owner(path)
    _use(path)
    return request, author


def set_aside(directory: Path) -> None:
    """Whatever else was asked for is answered by what is being done: mark it as used."""
    place = directory / DIRECTORY
    for path in sorted(place.glob("*.json")) if place.is_dir() else ():
        _use(path)


def answered(path: Path, seconds: float) -> bool:
    """Whether the worker takes this request within so many seconds."""
    until = time.monotonic() + seconds
    while path.exists():
        if time.monotonic() >= until:
            return False
        time.sleep(_LOOK)
    return True


def _read(path: Path) -> Request | None:
    try:
        with open_to_read(path) as stream:  # no link, no pipe: it must not hang whoever reads it
            return msgspec.json.decode(stream.read(), type=Request)
    except (OSError, *UNDECODABLE):
        return None


def _use(path: Path) -> None:
    used = path.parent / USED
    make_directory(used)
    path.replace(used / path.name)
    sync_directory(path.parent)


def _owner(path: Path) -> str:
    identifier = path.lstat().st_uid
    try:
        return harmless(pwd.getpwuid(identifier).pw_name)
    except KeyError:
        return str(identifier)
