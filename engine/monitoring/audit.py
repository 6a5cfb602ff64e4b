"""Do finished runs leave their events? Judged one tick after the run record was seen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from engine.records import Record

CONTINUOUS, GAPS, LOST, LOST_TWICE = 0.0, 1.0, 2.0, 3.0
REMEMBERED = 512


class SeenEvents:
    """The newest runs that the audit trail knows to have started and finished."""

    def __init__(self) -> None:
        self._order: deque[tuple[str, str]] = deque()
        self._seen: set[tuple[str, str]] = set()

    def add(self, events: Iterable[Record]) -> None:
        """Note every run event."""
        for event in events:
            kind, data = event.get("kind"), event.get("data")
            if kind not in ("run.started", "run.finished") or not isinstance(data, dict):
                continue
            key = (str(kind), str(data.get("run_id")))
            if key not in self._seen:
                self._seen.add(key)
                self._order.append(key)
            while len(self._order) > REMEMBERED:
                self._seen.discard(self._order.popleft())

    def level(self, run_id: str, lost_before: bool) -> float:
        """How a finished run stands in the trail; ``lost_before``: the run before it left nothing either."""
        started, finished = ("run.started", run_id) in self._seen, ("run.finished", run_id) in self._seen
        if finished:
            return CONTINUOUS if started else GAPS
        return LOST_TWICE if lost_before else LOST
