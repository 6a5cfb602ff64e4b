"""Deliveries and failures as they are recorded: each delivery, and of an outage its begin, its end and its count."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from engine.clock import Clock
from engine.config import Deployment
from engine.errors import OpsError
from engine.records import append_event, harmless

_KEPT = 200


class Recorder:
    """Writes ``notified`` events; what cannot be written now is written later, and none of it is waited for."""

    def __init__(self, deployment: Deployment, clock: Clock, left: Iterable[dict[str, Any]] = ()) -> None:
        """``left``: what the process before did not get to write."""
        self._path = deployment.paths.events
        self._clock = clock
        self._waiting: deque[dict[str, Any]] = deque(left, maxlen=_KEPT)
        self._turn = threading.Lock()
        self.trouble = ""
        """Why the audit trail cannot be written; empty: it can."""

    def record(self, data: dict[str, Any]) -> None:
        """Write it, behind what still waits."""
        self._waiting.append(data)
        self.again()

    def waiting(self) -> tuple[dict[str, Any], ...]:
        """What is not written yet, for whoever goes on after this process."""
        return tuple(list(self._waiting))

    def again(self) -> None:
        """Write what waits."""
        with self._turn:
            while self._waiting:
                try:
                    append_event(self._path, "notified", self._waiting[0], source="monitor", clock=self._clock)
                except (OSError, OpsError) as error:
                    self.trouble = f"audit trail: {harmless(error, 120)}"
                    return
                self._waiting.popleft()
            self.trouble = ""


class Outage:
    """What is wrong with one channel, and since when."""

    def __init__(self, channel: str, recorder: Recorder, clock: Clock) -> None:
        self._channel = channel
        self._recorder = recorder
        self._clock = clock
        self._since: datetime | None = None
        self.failures = 0
        self._detail = ""

    @property
    def words(self) -> str:
        """For the list of problems; empty when nothing is wrong."""
        if self._since is None:
            return ""
        times = "once" if self.failures == 1 else f"{self.failures} times"
        return f"channel {self._channel} failed {times} since {self._since:%H:%M:%S}Z: {self._detail}"

    def failed(self, detail: str, about: dict[str, Any]) -> None:
        """One failure; the first of an outage is recorded."""
        first = self._since is None
        self.refused(detail)
        if first:
            self._recorder.record({**about, "channel": self._channel, "ok": False, "detail": detail})

    def refused(self, detail: str) -> None:
        """A failure that ends its message, and is recorded with it."""
        self.failures += 1
        self._detail = detail
        if self._since is None:
            self._since = self._clock.now().wall

    def over(self, detail: str) -> str:
        """It works: ``detail``, with the failures before it where there were any."""
        if self._since is None:
            return detail
        told = f"{detail}, after {self.failures} failed attempt{'' if self.failures == 1 else 's'}"
        told += f" since {self._since:%H:%M:%S}Z"
        self._since, self.failures, self._detail = None, 0, ""
        return told
