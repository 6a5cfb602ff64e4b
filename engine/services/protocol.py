"""What every service backend can do, and what it answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

ServiceState = Literal["RUNNING", "STOPPED", "FAILED", "UNSURE"]


class Identity(msgspec.Struct, frozen=True):
    """One process, told apart from any later one with the same pid."""

    pid: int
    start_time: int
    """Clock ticks since boot, field 22 of ``/proc/PID/stat``."""
    boot_id: str


UNSUPERVISED = "runs without a supervisor"
"""Of a release that nothing starts again when it dies."""


class ServiceStatus(msgspec.Struct, frozen=True):
    """A service as it is now.

    FAILED: it gave up restarting, or its last end was no clean stop. UNSURE: what is known and what runs do
    not agree; no other release may start meanwhile.
    """

    name: str
    state: ServiceState
    identity: Identity | None
    """The service's main process, when RUNNING."""
    since: datetime | None
    restarts: tuple[datetime, ...] = ()
    """When it was restarted by its supervisor, newest last."""
    supervised: bool = False
    """Whether a supervisor watches it now."""
    reason: str = ""
    """Why it is FAILED or UNSURE."""
    restarts_counted: int = 0
    """How many restarts its supervisor counts since it was last started on purpose, where it keeps a count."""
    restarts_unread: str = ""
    """Why ``restarts`` has fewer moments than that, and what helps; empty: it has them all."""


class StopResult(msgspec.Struct, frozen=True):
    """How a stop went; ``left`` names every process that is still there (then nothing else may start)."""

    stopped: bool
    killed: bool
    """True when the deadline passed and SIGKILL was needed."""
    seconds: float
    left: tuple[str, ...] = ()


class Service(Protocol):
    """One release's service. Every call has a deadline; none raises for what a service can do wrong."""

    @property
    def name(self) -> str:
        """The service's name."""
        ...

    def status(self) -> ServiceStatus:
        """How it is now, read from the system, not remembered."""
        ...

    def sign(self) -> tuple[object, ...]:
        """Cheap to ask: other than before wherever its own records say another thing than before."""
        ...

    def start(self) -> ServiceStatus:
        """Start it, or find it running; two callers never make two services. OpsError when it cannot start."""
        ...

    def stop(self) -> StopResult:
        """Stop it and everything it started: asked first, killed at the deadline, then looked for."""
        ...

    def last_lines(self, count: int) -> list[str]:
        """The last lines of its output, made harmless."""
        ...

    def obstacle(self) -> str:
        """Why it could not be started or ended, as far as that shows beforehand; empty when nothing shows."""
        ...

    def refusal(self) -> str:
        """Why this account may not start and end it; empty where it may. Asks who decides, and changes nothing."""
        ...

    def members(self, identity: Identity) -> Sequence[int]:
        """Pids of all that belongs to its main process ``identity``, that one first; empty when it is gone."""
        ...
