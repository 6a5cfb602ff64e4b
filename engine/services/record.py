"""What is written about an embedded service: what it is to be (``spec.json``), and how it is (``state.json``)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import msgspec

from engine.records import write_file
from engine.services.protocol import Identity
from engine.services.restarts import RestartPolicy


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


@dataclass(frozen=True, slots=True)
class ServiceFiles:
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
        write_file(self.directory / "spec.json", msgspec.json.encode(spec))

    def read_spec(self) -> ServiceSpec:
        """The specification; OSError or msgspec.DecodeError when there is none."""
        return msgspec.json.decode((self.directory / "spec.json").read_bytes(), type=ServiceSpec)

    def write_record(self, record: ServiceRecord) -> None:
        """Replace the record."""
        write_file(self.directory / "state.json", msgspec.json.encode(record))

    def read_record(self) -> ServiceRecord | None:
        """The record; None when the service was never started here, or when it cannot be read."""
        try:
            return msgspec.json.decode((self.directory / "state.json").read_bytes(), type=ServiceRecord)
        except (OSError, msgspec.DecodeError):
            return None  # then the system alone is asked: processes that carry the mark make it UNSURE
