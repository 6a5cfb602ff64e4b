"""Whether a newer abaco-ops has written in a deployment. Nothing of a record is read but its version."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from engine import __version__
from engine.config.may_write import return_by_hand
from engine.config.paths import Paths
from engine.errors import Refused
from engine.records.atomic import open_to_read
from engine.records.form import VERSION, version_of
from engine.records.lines import decode
from engine.records.unchanged import Stamp, stamp_of
from engine.records.undecodable import UNDECODABLE

NEWER = "a newer abaco-ops works here"
_END = 256 * 1024
"""Bytes at the end of a file of records that are looked at."""


class _Evaluation(msgspec.Struct):
    v: int = 1


class _Facts(msgspec.Struct):
    version: int = 1


class _Trail(msgspec.Struct):
    facts: _Facts = msgspec.field(default_factory=_Facts)


def newer_words(version: int) -> str:
    """That records of this version were written, in words; empty when it is known here."""
    if version <= VERSION:
        return ""
    return f"{NEWER}: its records are of version {version}, {__version__} knows {VERSION}"


def newer_here(paths: Paths) -> str:
    """The same for what the audit trail, the journals and the monitor's newest state say. Damage is none."""
    return newer_words(max((*_of_trail(paths), *_of_operations(paths), *_of_state(paths)), default=1))


def refuse_newer(paths: Paths, what: str) -> None:
    """Refused where a newer abaco-ops has written. ``what`` begins the sentence."""
    newer = newer_here(paths)
    if newer:
        script = return_by_hand(paths)
        by_hand = f"; the way back without this program: {script}" if script else ""
        raise Refused(f"{what} writes, and {newer}", f"use that version; this one only looks{by_hand}")


class Watched:
    """The same for the monitor, which goes on working here: before each look at everything else, and what has not
    changed since is not read again. Its own state nobody else writes while it holds its lock.
    """

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._seen: dict[Path, Stamp] = {}

    def look(self) -> str:
        """In words; empty when no newer one has written since the last look."""
        return newer_words(max(self._since(), default=1))

    def _since(self) -> Iterator[int]:
        for path in (self._paths.events, *_journals(self._paths)):
            with contextlib.suppress(OSError):
                now = stamp_of(path.stat())
                if now != self._seen.get(path):
                    self._seen[path] = now
                    yield from _versions(_last_lines(path))


def _of_trail(paths: Paths) -> Iterator[int]:
    """Of what stands at its end; of what stands before that the monitor has kept it."""
    yield from _versions(_last_lines(paths.events))


def _of_operations(paths: Paths) -> Iterator[int]:
    """A journal begins with the version that planned it; another may have gone on with it."""
    for path in _journals(paths):
        yield from _versions(_last_lines(path))


def _journals(paths: Paths) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        for directory in paths.operations.iterdir():
            yield from (directory / name for name in ("plan.json", "journal.jsonl"))


def _of_state(paths: Paths) -> Iterator[int]:
    """Of what the monitor judged last, and of what it has read of the trail."""
    import sqlite3  # a screen shows its first picture without it

    if not paths.samples.exists():
        return
    uri = f"{paths.samples.absolute().as_uri()}?mode=ro"
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(uri, uri=True, timeout=1.0)) as state:
        for query, form in _KEPT:
            with contextlib.suppress(TypeError, *UNDECODABLE):
                row = state.execute(query).fetchone()
                if row and row[0]:
                    found = msgspec.json.decode(row[0], type=form)
                    yield found.v if isinstance(found, _Evaluation) else found.facts.version


_KEPT: tuple[tuple[str, type[_Evaluation | _Trail]], ...] = (
    ("SELECT evaluation FROM newest WHERE id = 0", _Evaluation),
    ("SELECT data FROM checkpoints WHERE name = 'trail'", _Trail),
)


def _last_lines(path: Path) -> list[bytes]:
    with contextlib.suppress(OSError), open_to_read(path) as stream:
        stream.seek(max(os.fstat(stream.fileno()).st_size - _END, 0))
        return stream.read().splitlines()
    return []


def _versions(lines: Iterable[bytes]) -> Iterator[int]:
    for line in lines:
        with contextlib.suppress(ValueError):  # cut off, or damaged
            yield version_of(decode(line))
