"""Reads the state only when something new is written, or a second has passed: what a screen needs, at half the cost."""

from __future__ import annotations

import os

from engine.clock import Clock
from engine.config import Deployment
from engine.state.model import State, same_but_for_time
from engine.state.reader import StateReader

LONGEST = 0.95
"""Seconds (boot time) after which everything is read again whatever the files say: ages, services, locks."""
AT_REST = 1.95
"""The same where no monitor runs, and the last time nothing was found but that time has passed."""
_Stamps = tuple[tuple[int, int, int], ...]


class PatientReader:
    """Gives the state it gave before, the very same object, as long as there is nothing to read."""

    def __init__(self, deployment: Deployment, clock: Clock) -> None:
        paths = deployment.paths
        self._clock = clock
        self._reader = StateReader(deployment, clock)
        self._state: State | None = None
        self._read_at, self._longest = 0.0, LONGEST
        self._stamps: _Stamps = ()
        self._watched = tuple(
            str(path)
            for path in (
                paths.events,
                paths.samples,
                paths.samples.with_name(f"{paths.samples.name}-wal"),
                paths.runs,
                paths.shadow,
                paths.operations,
                paths.consoles,
                paths.monitoring_log,
                paths.validation_report,
                deployment.active_config,
            )
        )

    def read(self) -> State:
        """The state now. While an operation runs nothing is spared."""
        stamps, now = tuple(map(_stamp, self._watched)), self._clock.now().boot
        busy = self._state is not None and self._state.operation is not None and self._state.operation.alive
        if self._state is None or busy or stamps != self._stamps or not 0 <= now - self._read_at < self._longest:
            before, self._state = self._state, self._reader.read()
            self._stamps, self._read_at = stamps, now
            at_rest = not self._state.monitor.running and same_but_for_time(before, self._state)
            self._longest = AT_REST if at_rest else LONGEST
        return self._state


def _stamp(path: str) -> tuple[int, int, int]:
    try:
        status = os.stat(path)  # noqa: PTH116 - ten of them, twice a second
    except OSError:
        return (0, 0, 0)
    return status.st_ino, status.st_size, status.st_mtime_ns
