"""What the running release wrote about its runs, and whether its own check can judge them now."""

from __future__ import annotations

import contextlib
from typing import Any

import msgspec

from engine.config.release import ReleaseConfig
from engine.operations.commands import CommandResult
from engine.operations.work import Work
from engine.records import Record
from engine.services.protocol import Identity
from engine.snapshots.manifest import sha256_of


class _Reader:
    """The run records, whole lines only, each once."""

    def __init__(self, work: Work) -> None:
        self._path = work.deployment.paths.runs
        self._seen = 0

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
        for line in data[:end].splitlines():
            with contextlib.suppress(msgspec.DecodeError, msgspec.ValidationError):
                records.append(msgspec.json.decode(line, type=dict[str, Any]))
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

    def arrived(self, identity: Identity) -> bool:
        """Whether it is there; looks only at what is new since the last call. OSError."""
        for record in () if self.record else self._reader.new_records():
            if self._only_ok and record.get("status") != "ok":
                continue
            if record.get("release") == self._release and _is(record.get("incarnation"), identity):
                self.record = record
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
