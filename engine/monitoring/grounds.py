"""What the records say about a cutover and its way back, for the lines of the checklist that rest on them."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec

from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.disk import free_bytes, size_words
from engine.monitoring.facts import Rehearsed
from engine.monitoring.model import OnDisk
from engine.operations.configuration import hash_of, release_in
from engine.operations.journal import facts_of, read_operation, records_of
from engine.operations.model import ENDED, Operation
from engine.operations.outcome import state_word
from engine.records.regular import read_regular
from engine.records.unchanged import ReadOnce

Measurement = tuple[str, bool | None]
"""What was measured, with its source, and whether it is as it should be; None: nothing was."""


class Cutover(msgspec.Struct, frozen=True):
    """The newest cutover that began, and its log."""

    operation: Operation
    log: str
    """Its name below the deployment; empty when the journal names none."""
    log_bytes: int | None
    """None when the file is not there."""


class Grounds(msgspec.Struct, frozen=True):
    """Read from disk and journals at one moment."""

    free: int | None
    """Bytes free for this user; None when that cannot be read."""
    least_free: int
    """What a cutover needs at least, where the line of the checklist says nothing else."""
    cutover: Cutover | None
    active: str
    """The release of the active configuration; empty when it cannot be read."""
    active_hash: str
    staged_hash: str
    """sha256 of the new release's staged configuration."""
    build: str = ""
    """Of the old release, its first digits or all; empty when it is not known."""


class GroundsReader:
    """Reads them again at each call, but a cutover that has ended only once, and a file only when it was changed."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._active = ReadOnce(deployment.active_config, lambda path: (release_in(_bytes(path)) or "", _hash(path)))
        self._staged = ReadOnce(deployment.paths.release(deployment.new.release), _hash)
        self._ended: tuple[str, Operation, str] | None = None

    def read(self, build: str = "") -> Grounds:
        """Never raises: what cannot be read is missing. ``build``: of the old release, where it is known."""
        found = OnDisk(_free_at(self._deployment), *self._active.read(), self._staged.read())
        return grounds_of(self._deployment, found, self._cutover(), build)

    def _cutover(self) -> Cutover | None:
        for name in self._names():
            found = self._one(name)
            if found is None or found[0].started is None:
                continue
            return cutover_of(self._deployment, *found)
        return None

    def _names(self) -> list[str]:
        """The cutovers, newest first."""
        try:
            names = [path.name for path in self._deployment.paths.operations.iterdir()]
        except OSError:
            return []
        return sorted((name for name in names if name.endswith("-cutover")), reverse=True)

    def _one(self, name: str) -> tuple[Operation, str] | None:
        if self._ended is not None and self._ended[0] == name:
            return self._ended[1:]
        directory = self._deployment.paths.operations / name
        try:
            operation = read_operation(directory)
            log = str(facts_of(records_of(directory)).get("log") or "")
        except (OSError, OpsError, KeyError, TypeError, ValueError):
            return None
        log = Path(log).name
        if operation.state in ENDED and operation.started is not None:
            self._ended = (name, operation, log)
        return operation, log


def grounds_of(deployment: Deployment, found: OnDisk, cutover: Cutover | None, build: str = "") -> Grounds:
    """The grounds that these make."""
    return Grounds(
        free=found.free,
        least_free=int(deployment.console.cadence.min_free),
        cutover=cutover,
        active=found.active,
        active_hash=found.active_hash,
        staged_hash=found.staged_hash,
        build=build,
    )


def on_disk(deployment: Deployment) -> OnDisk:
    """Read now; never raises."""
    return OnDisk(
        _free_at(deployment),
        release_in(_bytes(deployment.active_config)) or "",
        _hash(deployment.active_config),
        _hash(deployment.paths.release(deployment.new.release)),
    )


def _free_at(deployment: Deployment) -> int | None:
    try:
        return free_bytes(deployment.root)
    except OSError:
        return None


def cutover_of(deployment: Deployment, operation: Operation, log: str) -> Cutover:
    """A cutover with the log that its journal names."""
    log = Path(log).name
    return Cutover(operation, f"logs/{log}" if log else "", _size(deployment.paths.logs / log) if log else None)


def recorded(
    name: str,
    grounds: Grounds,
    *,
    least: int | None,
    proven: tuple[datetime, bool, str] | None,
    back: datetime | None,
    rehearsed: Rehearsed | None = None,
) -> Measurement:
    """One measure that rests on records. ``proven``: when, how and with which snapshot the way back was last examined;
    ``back``: when a rollback last succeeded; ``rehearsed``: the last rehearsal; ``least``: bytes that the line
    asks for.
    """
    if name == "free_space":
        return _free(grounds, least)
    if name == "rehearsed":
        return _rehearsed(rehearsed, back, grounds.build)
    if name == "backups":
        return _backups(proven, rehearsed)
    return _of_cutover(name, grounds, proven)


def _free(grounds: Grounds, least: int | None) -> Measurement:
    if grounds.free is None:
        return "disk: free space cannot be read", False
    limit = grounds.least_free if least is None else least
    return f"disk: {size_words(grounds.free)} free, {size_words(limit)} needed", grounds.free >= limit


def _rehearsed(rehearsed: Rehearsed | None, back: datetime | None, build: str) -> Measurement:
    """The newer of a real rollback and a rehearsal. A proof is neither: it copies and writes nothing.

    A rehearsal with another build of the old release than ``build`` says nothing about the one that is installed.
    """
    if back is not None and (rehearsed is None or back >= rehearsed.at):
        return f"journal: a rollback succeeded at {_at(back)}", True
    if rehearsed is None:
        return "records: neither rolled back nor rehearsed yet (abaco-ops rehearse)", False
    if not rehearsed.ok:
        return f"rehearsed {_on(rehearsed.at)}: NOT READY, {rehearsed.reason}", False
    if build and rehearsed.build and not rehearsed.build.startswith(build):
        return f"rehearsed {_on(rehearsed.at)} with build {rehearsed.build[:6]}, not with {build[:6]} of now", False
    took = "" if rehearsed.seconds is None else f", {rehearsed.seconds:.1f} s"
    return f"rehearsed {_on(rehearsed.at)}: READY{took}", True


def _backups(proven: tuple[datetime, bool, str] | None, rehearsed: Rehearsed | None) -> Measurement:
    """Before the first cutover there is no snapshot; a rehearsal takes one of its own, verifies it and discards it."""
    if proven is None or not proven[2]:
        if rehearsed is not None and rehearsed.ok:
            return f"rehearsed {_on(rehearsed.at)}: a snapshot was taken and verified", True
        return "records: no snapshot was verified yet (abaco-ops rehearse)", False
    return f"snapshot {proven[2]} {'verified' if proven[1] else 'NOT verified'} at {_at(proven[0])}", proven[1]


def _of_cutover(name: str, grounds: Grounds, proven: tuple[datetime, bool, str] | None) -> Measurement:
    if grounds.cutover is None:
        return "journal: no cutover yet", False
    operation, seconds = grounds.cutover.operation, grounds.cutover.operation.seconds
    took = "" if seconds is None else f", {seconds:.1f} s"
    done = sum(step.state == "done" for step in operation.steps)
    if name == "cutover_run":
        return f"{operation.id} {state_word(operation)}{took}", operation.state == "SUCCEEDED"
    if name == "phases":
        return f"{operation.id}: {done} of {len(operation.steps)} steps done", 0 < len(operation.steps) == done
    if name == "duration":
        warned = len(operation.warnings)
        return f"{operation.id}: {warned} warning{'' if warned == 1 else 's'}{took}", operation.ended is not None
    if name == "cutover_log":
        size = grounds.cutover.log_bytes
        told = grounds.cutover.log or "the journal names no log"
        return f"{told}, {size} bytes" if size else f"{told}: not there or empty", bool(size)
    if name == "active_config":
        same = grounds.active_hash != "" and grounds.active_hash == grounds.staged_hash
        told = f"active {grounds.active or '?'} {grounds.active_hash[:6]}, staged {operation.release_to}"
        return f"{told} {grounds.staged_hash[:6]}", same and grounds.active == operation.release_to
    since = operation.started
    if proven is None or since is None or proven[0] < since:
        return f"way back not proven since {operation.id}", False
    return f"way back {'proven' if proven[1] else 'NOT proven'} at {_at(proven[0])}", proven[1]


def _at(moment: datetime) -> str:
    return f"{moment:%H:%M:%S}Z"


def _on(moment: datetime) -> str:
    """With its day: a rehearsal may be of last week."""
    return f"{moment:%d %b %H:%M:%SZ}"


def _bytes(path: Path) -> bytes:
    try:
        return read_regular(path)
    except OSError:
        return b""


def _hash(path: Path) -> str:
    try:
        return hash_of(path)
    except OSError:
        return ""


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
