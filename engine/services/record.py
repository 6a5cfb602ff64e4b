"""What is written about an embedded service: what it is to be (``spec.json``), and how it is (``state.json``)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Literal

import msgspec

from engine.records import write_file
from engine.records.undecodable import UNDECODABLE
from engine.services.origin import Origin, origin_of
from engine.services.protocol import Identity
from engine.services.restarts import RestartPolicy

STARTED, NOT_STARTED, LOCK_HELD = 0, 4, 5
"""How a supervisor that is asked to start a service answers: its exit code."""


class ServiceSpec(msgspec.Struct, frozen=True):
    """All that a supervisor has to know; written by whoever starts the service."""

    name: str
    release: str
    build: str
    command: tuple[str, ...]
    root: str
    environment: dict[str, str]
    """Set on top of the inherited one; holds the service's mark."""
    mark: str
    stop_deadline: float
    events: str
    """The audit trail, where restarts are recorded."""
    restart: RestartPolicy = RestartPolicy()


class ServiceRecord(msgspec.Struct, frozen=True):
    """The supervisor's own account; whether it is still true is asked of the system."""

    wanted: Literal["up", "down"]
    stage: Literal["starting", "running", "waiting", "stopping", "stopped", "failed"]
    supervisor: Identity | None
    main: Identity | None = None
    since: str | None = None
    """When the main process started, ISO 8601."""
    restarts: tuple[str, ...] = ()
    reason: str = ""
    killed: bool = False
    """Whether the last stop needed SIGKILL."""
    stop_seconds: float = 0.0
    written_in: str = ""
    """The directory that it was written for: a copy of the deployment has it, too, and not the processes."""


class ServiceFiles(msgspec.Struct, frozen=True):
    """The files of one embedded service."""

    directory: Path

    @property
    def lock(self) -> Path:
        """Held by the supervisor for life, or by whoever stops a service that has lost its supervisor."""
        return self.directory / "lock"

    @property
    def output(self) -> Path:
        """What the service prints."""
        return self.directory / "output.log"

    @property
    def supervisor_output(self) -> Path:
        """What its supervisor prints; empty unless something is wrong with it."""
        return self.directory / "supervisor.log"

    def write_spec(self, spec: ServiceSpec) -> None:
        """Replace the specification."""
        _replace(self.directory / "spec.json", msgspec.json.encode(spec))

    def read_spec(self) -> ServiceSpec:
        """The specification; OSError or msgspec.DecodeError when there is none."""
        return msgspec.json.decode((self.directory / "spec.json").read_bytes(), type=ServiceSpec)

    def write_record(self, record: ServiceRecord) -> None:
        """Replace the record."""
        here = msgspec.structs.replace(record, written_in=str(self.directory))
        _replace(self.directory / "state.json", msgspec.json.encode(here))

    def stamp(self) -> tuple[int, ...]:
        """Which record it is: another one after each :meth:`write_record`; zeros where there is none."""
        try:
            status = (self.directory / "state.json").stat()
        except OSError:
            return (0, 0, 0, 0)
        return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns

    def owner(self) -> int | None:
        """The account (number) that wrote the record: it runs the service, or ran it; None without a record."""
        try:
            return (self.directory / "state.json").lstat().st_uid
        except OSError:
            return None

    def barred(self) -> bool:
        """Whether there is a record that this account may not read: then nothing is known, also not that it stopped."""
        try:
            (self.directory / "state.json").read_bytes()
        except PermissionError:
            return True
        except OSError:
            return False
        return False

    def read_record(self) -> ServiceRecord | None:
        """The record; None when the service was never started here, when it cannot be read, or came with a copy."""
        record = self._any_record()
        origin = self.origin(record) if record is not None else None
        return None if origin is not None and origin.copied else record

    def copied_from(self) -> Path | None:
        """The directory that this record was copied from: what it names runs there, and is not to be touched here."""
        record = self._any_record()
        origin = self.origin(record) if record is not None else None
        return origin.place if origin is not None and origin.copied else None

    def origin(self, record: ServiceRecord) -> Origin | None:
        """Whence the record came; None when it was written here."""
        try:
            return origin_of(record.written_in or self._specified(), self.directory)
        except OSError:
            return None

    def _specified(self) -> str:
        """Where a record of an earlier version was written, which does not say it: what its service was started with
        names the deployment.
        """
        try:
            return str(Path(self.read_spec().root, *self.directory.parts[-3:]))
        except (OSError, *UNDECODABLE):
            return ""

    def _any_record(self) -> ServiceRecord | None:
        try:
            return msgspec.json.decode((self.directory / "state.json").read_bytes(), type=ServiceRecord)
        except (OSError, *UNDECODABLE):
            return None  # then the system alone is asked: processes that carry the mark make it UNSURE


def _replace(path: Path, data: bytes) -> None:
    """Replace a small file; on a full disk in place, in the block it has already: that must not stop a rollback.

    A reader that meets the middle of that sees no record and asks the system alone.
    """
    try:
        write_file(path, data, mine=True)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not path.exists():
            raise
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.pwrite(descriptor, data, 0)
            os.ftruncate(descriptor, len(data))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
