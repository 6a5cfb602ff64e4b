"""What the running release wrote about its runs, and whether its own check can judge them now."""

from __future__ import annotations

import os
from typing import Any

from engine.config.release import ReleaseConfig
from engine.operations.commands import CommandResult
from engine.operations.work import Work
from engine.records import Record
from engine.records.lines import decode
from engine.services.identity import started_at
from engine.services.protocol import Identity
from engine.snapshots.manifest import sha256_of

_A_RECORD = 1 << 16
"""With less room than this (bytes) on their disk, run records cannot be waited for."""


class _Reader:
    """The run records, whole lines only, each once."""

    def __init__(self, work: Work) -> None:
        self._path = work.deployment.paths.runs
        self._seen = 0
        self.damaged = 0

    def new_records(self) -> list[Record]:
        """What is new since the last call; a damaged line is passed over. OSError."""
        try:
            with self._path.open("rb") as stream:
                stream.seek(self._seen)
                data = stream.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._seen += end
        records: list[Record] = []
        for line in data[:end].split(b"\n")[:-1]:
            try:
                records.append(decode(line))
            except ValueError:
                self.damaged += 1
        return records


class FirstRun:
    """Waits for the first run that the process just started writes into the run records.

    A damaged line elsewhere in the file is passed over: what counts is that this run is there.
    """

    def __init__(self, work: Work, release: str, *, only_ok: bool = False) -> None:
        self._reader = _Reader(work)
        self._release = release
        self._only_ok = only_ok
        self.record: Record | None = None

    @property
    def damaged(self) -> int:
        """How many damaged lines were passed over."""
        return self._reader.damaged

    def arrived(self, identity: Identity) -> bool:
        """Whether it is there; looks only at what is new since the last call. OSError."""
        for record in () if self.record else self._reader.new_records():
            if self._only_ok and record.get("status") != "ok":
                continue
            if record.get("release") == self._release and _is(record.get("incarnation"), identity):
                self.record = record
                break
        return self.record is not None


class Published:
    """The outputs of the process just started, for when its run records cannot be written anywhere.

    An output says which release wrote it, not which process: what counts is that it is newer than the process, and
    that no other process of that release is left.
    """

    def __init__(self, work: Work, release: str) -> None:
        self._directory = work.deployment.metrics
        self._runs = work.deployment.paths.runs
        self._release = release
        self._boot_at = work.clock.now().wall.timestamp() - work.clock.now().boot
        self.record: Record | None = None
        self.path = ""

    @property
    def records_blocked(self) -> bool:
        """Whether nobody can append a run record now: no right, or no room."""
        place = self._runs if self._runs.exists() else self._runs.parent
        try:
            disk = os.statvfs(place)
        except OSError:
            return True
        return not os.access(place, os.W_OK) or disk.f_bavail * disk.f_frsize < _A_RECORD

    def arrived(self, identity: Identity) -> bool:
        """Whether an output of the release is there that is newer than the process."""
        since = self._boot_at + started_at(identity)
        for path in sorted(self._directory.rglob("*.json"), reverse=True):
            try:
                found = decode(path.read_bytes()) if path.stat().st_mtime > since else {}
            except (OSError, ValueError):
                continue
            if found.get("release") == self._release and found.get("run_id"):
                self.record, self.path = {**found, "status": "ok"}, path.name
                break
        return self.record is not None


def _is(incarnation: Any, identity: Identity) -> bool:
    if not isinstance(incarnation, dict):
        return False
    return (incarnation.get("pid"), incarnation.get("start_time")) == (identity.pid, identity.start_time)


def verify_published(work: Work, release: ReleaseConfig) -> CommandResult:
    """The release's verify command. Where it fails on a tape newer than the last run, once more after the next run.

    A tape that arrives between a run and its check is everyday, and no fault of the release.
    """
    result = work.run(release.programs.verify, release.release)
    if result.passed or not tape_moved_on(work, release.release):
        return result
    work.narrate(f"the tape is newer than {release.release}'s last run: waiting for the next one")
    work.until(lambda: not tape_moved_on(work, release.release), work.deployment.console.cadence.first_run)
    return work.run(release.programs.verify, release.release)


def tape_moved_on(work: Work, release: str) -> bool:
    """Whether the live tape is another one than the newest run of the release read; False where that is unknown."""
    runs = [run for run in _Reader(work).new_records() if run.get("release") == release]
    tape = runs[-1].get("tape_sha256") if runs else None
    if not isinstance(tape, str):
        return False
    try:
        return sha256_of(work.deployment.tape) != tape
    except OSError:
        return False
