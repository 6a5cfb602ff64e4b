"""A screen kept as evidence: its picture, its text, and where the records stood, in a directory of its own."""

from __future__ import annotations

import os
import re
import secrets
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine import __version__
from engine.clock import Clock, compact, iso
from engine.config import Deployment
from engine.config.personal import state_directory
from engine.errors import OpsError, Refused
from engine.records import append_event, harmless, make_directory, sync_directory, write_file
from engine.records.atomic import make_one
from engine.state.position import RecordPosition, record_position

EVENT = "evidence.saved"
DIRECTORY = "evidence"


@dataclass(frozen=True, slots=True)
class Shot:
    """What was on the screen."""

    picture: str
    """SVG."""
    text: str
    screen: str
    """Its name: dashboard, kpis, ..."""
    size: str
    shown_at: str
    """The moment that was shown, ISO 8601; in a replay one of the past."""
    verdict: str
    release: str
    operation: str
    replay: bool


class Position(msgspec.Struct, frozen=True):
    """``position.json``: when, who, where, what was shown, and how far the records had come."""

    version: str
    saved_at: str
    shown_at: str
    replay: bool
    who: str
    origin: str
    host: str
    root: str
    deployment: str
    environment: str
    screen: str
    size: str
    verdict: str
    release: str
    operation: str
    records: RecordPosition


@dataclass(frozen=True, slots=True)
class Kept:
    """Where it was kept; ``notes``: why there and not below the logs, or what could not be recorded."""

    path: Path
    notes: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join([f"evidence: {self.path}", *self.notes])


def keep_screen(deployment: Deployment, shot: Shot, *, actor: str, origin: str, clock: Clock) -> Kept:
    """Keep it below ``logs/evidence``, all of it or nothing.

    Where only looking is allowed, or the logs cannot be written, among this person's own files, else in a temporary
    directory; Refused when not even that can be written. Only what stands below the logs is told to the audit trail.
    """
    now = clock.now().wall
    name = f"{compact(now)}Z-{_slug(shot.verdict)}-{secrets.token_hex(2)}"
    files = {
        "screen.svg": shot.picture.encode("utf-8", "backslashreplace"),
        "screen.txt": f"{shot.text}\n".encode("utf-8", "backslashreplace"),
        "position.json": _position(deployment, shot, actor, origin, iso(now)),
    }
    notes: list[str] = []
    if deployment.read_only:
        notes.append("only looking is allowed here, so among your own files")
    else:
        try:
            path = _write(deployment.paths.logs / DIRECTORY, name, files)
            return Kept(path, _told(deployment, path, shot, actor, clock))
        except OSError as error:
            notes.append(f"{deployment.paths.logs} cannot be written: {harmless(error.strerror or error)}")
    for place in (state_directory() / DIRECTORY, Path(tempfile.gettempdir()) / f"abaco-ops-{os.getuid()}" / DIRECTORY):
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            return Kept(_write(place, name, files), tuple(notes))
        except OSError as error:
            notes.append(f"{place} neither: {harmless(error.strerror or error)}")
    raise Refused(f"the evidence is kept nowhere: {'; '.join(notes)}", "make room, or mend the mode of one of them")


def _slug(verdict: str) -> str:
    return re.sub(r"[^a-z]+", "-", verdict.lower()).strip("-")[:20] or "unknown"


def _position(deployment: Deployment, shot: Shot, actor: str, origin: str, saved_at: str) -> bytes:
    console = deployment.console.deployment
    position = Position(
        version=__version__,
        saved_at=saved_at,
        shown_at=shot.shown_at,
        replay=shot.replay,
        who=actor,
        origin=origin,
        host=socket.gethostname(),
        root=str(deployment.root),
        deployment=console.name,
        environment=console.environment,
        screen=shot.screen,
        size=shot.size,
        verdict=shot.verdict,
        release=shot.release,
        operation=shot.operation,
        records=record_position(deployment),
    )
    return msgspec.json.format(msgspec.json.encode(position), indent=2) + b"\n"


def _write(directory: Path, name: str, files: dict[str, bytes]) -> Path:
    """All files under a name that nobody sees before they are whole. OSError, also where a symlink is in the way."""
    make_directory(directory)
    if directory.is_symlink():
        raise OSError(40, "is a symbolic link", str(directory))
    hidden, path = directory / f".{name}.tmp", directory / name
    make_one(hidden)
    try:
        for file, data in files.items():
            write_file(hidden / file, data)
        hidden.rename(path)
    except BaseException:
        for file in files:
            (hidden / file).unlink(missing_ok=True)
        hidden.rmdir()
        raise
    sync_directory(directory)
    return path


def _told(deployment: Deployment, path: Path, shot: Shot, actor: str, clock: Clock) -> tuple[str, ...]:
    data = {"path": str(path.relative_to(deployment.root)), "screen": shot.screen, "verdict": shot.verdict}
    try:
        append_event(deployment.paths.events, EVENT, data, source="people", actor=actor, clock=clock)
    except (OpsError, OSError) as error:
        return (harmless(f"the audit trail cannot be written: {getattr(error, 'what', error)}"),)
    return ()
