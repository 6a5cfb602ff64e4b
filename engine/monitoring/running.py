"""The process that is being watched: since when it runs, whether it has recorded a run, which tape was read last."""

from __future__ import annotations

from dataclasses import dataclass

from engine.clock import Instant
from engine.config import Deployment
from engine.monitoring.reading import Missing, Nothing, Reading
from engine.monitoring.runs import Run
from engine.services.identity import started_at
from engine.services.protocol import Identity, ServiceStatus

RUN_LEVEL = "run_level"


@dataclass(frozen=True, slots=True)
class Running:
    """The release that is judged, as it runs now."""

    release: str
    identity: Identity | None
    """Its process; None when none of it runs."""
    tape_sha256: str | None
    """The tape that its newest run read."""
    ran: bool = True
    """Whether this process has recorded a run, or had all the time it needs for one."""
    waiting: str = ""
    """What values that need a run of this process wait for; empty when nothing explains that they are missing."""

    @property
    def process(self) -> str:
        """What tells this process apart from any other; empty when none runs."""
        return process_of(self.identity)

    @property
    def basis(self) -> str:
        """What a validation rests on: another process or another tape is another basis."""
        return f"{self.release}|{self.process}|{self.tape_sha256 or ''}"

    def began_before(self, boot: float, boot_id: str) -> bool:
        """Whether the process ran already at that moment."""
        return self.identity is not None and boot_id == self.identity.boot_id and boot >= started_at(self.identity)


def process_of(identity: Identity | None) -> str:
    """The name that run records give to a process; empty for none."""
    return f"{identity.boot_id}:{identity.pid}:{identity.start_time}" if identity else ""


class FirstRuns:
    """Tells a process that has not recorded a run yet from one that should have."""

    def __init__(self, deployment: Deployment, ran: tuple[str, float] = ("", 0.0)) -> None:
        self._console = deployment.console
        self.ran = ran
        """The process that has recorded a run, and since when that is known (boot time)."""

    def look(
        self, release: str, status: ServiceStatus, last: Run | None, now: Instant, *, interval: float | None, busy: bool
    ) -> Running:
        """How the release runs. ``busy``: an operation is under way; ``interval``: seconds between two runs."""
        identity = status.identity if status.state == "RUNNING" else None
        tape, process = last.tape_sha256 if last else None, process_of(identity)
        if last is not None and process and last.process == process and self.ran[0] != process:
            self.ran = (process, now.boot)
        seen = process != "" and self.ran[0] == process
        # its audit trail is judged one sample after the run was seen
        settled = seen and self.ran[1] < now.boot
        patience = interval * self._console.stale_after if interval else float(self._console.cadence.first_run)
        overdue = identity is not None and now.boot - started_at(identity) > patience
        waits = not settled and not overdue and (identity is not None or busy)
        return Running(release, identity, tape, seen or overdue, f"waiting for {release}'s first run" if waits else "")


def awaiting(reading: Reading, waiting: str) -> Reading:
    """``reading``, where it is a needed value that is not there yet, with what it waits for as its reason."""
    if isinstance(reading, Nothing) and reading.needed:
        return Missing(waiting)
    if isinstance(reading, Missing) and reading.needed and not reading.at_once:
        return Missing(waiting)
    return reading
