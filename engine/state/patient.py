"""Reads the state only when something new is written, or a second has passed: what a screen needs, at half the cost."""

from __future__ import annotations

import os
from collections.abc import Callable

from engine.clock import Clock
from engine.config import Deployment, load_deployment
from engine.config.edited import stamp
from engine.config.looking import only_looking
from engine.errors import OpsError
from engine.records.unchanged import Stamp, stamp_of
from engine.state.model import State, same_but_for_time
from engine.state.reader import StateReader

LONGEST = 0.95
"""Seconds (boot time) after which everything is read again whatever the files say: ages, services, locks."""
AT_REST = 4.95
"""The same where no monitor runs, and the last time nothing was found but that time has passed."""
_Stamps = tuple[Stamp, ...]


class PatientReader:
    """Gives the state it gave before, the very same object, as long as there is nothing to read.

    An edited configuration is used from then on, as the monitor does, and ``taken_up`` is called with it. One with a
    mistake is not, and the monitor says so.
    """

    def __init__(
        self, deployment: Deployment, clock: Clock, taken_up: Callable[[Deployment], object] = lambda _: None
    ) -> None:
        self._clock = clock
        self._taken_up = taken_up
        self._state: State | None = None
        self._read_at, self._longest = 0.0, LONGEST
        self._stamps: _Stamps = ()
        self._config = stamp(deployment)
        self._use(deployment)

    def _use(self, deployment: Deployment) -> None:
        paths = deployment.paths
        self._deployment = deployment
        self._reader = StateReader(deployment, self._clock)
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
            self._see_to_edits()
            before, self._state = self._state, self._reader.read()
            self._stamps, self._read_at = stamps, now
            at_rest = not self._state.monitor.running and same_but_for_time(before, self._state)
            self._longest = AT_REST if at_rest else LONGEST
        return self._state

    def _see_to_edits(self) -> None:
        now = stamp(self._deployment)
        if now == self._config:
            return
        self._config = now
        try:
            edited = load_deployment(self._deployment.root)
        except (OpsError, OSError):
            return
        self._reader.close()
        self._use(only_looking(edited) if self._deployment.looks_only else edited)
        self._taken_up(self._deployment)


def _stamp(path: str) -> Stamp:
    try:
        return stamp_of(os.stat(path))  # noqa: PTH116 - ten of them, twice a second
    except OSError:
        return (0, 0, 0, 0)
