"""What the console has seen of the state: the newest one, when it was read, and whether it still says anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from tui.clock_watch import ClockWatch, since_boot
from tui.look import honest

if TYPE_CHECKING:
    from engine.state.model import State


class Seen:
    """``past``: it never grows old. ``read_at``: when it was found to be so still (seconds since boot)."""

    def __init__(self, *, past: bool, clock_watch: ClockWatch | None, read_at: Callable[[], float]) -> None:
        self._past = past
        self.clock_watch = clock_watch
        self._read_at = read_at
        self.state: State | None = None
        self.arrived = 0.0
        """When it came, in seconds since boot."""
        self._content = 0

    def take(self, state: State, *, trouble: bool) -> tuple[State | None, bool]:
        """A state was read: the one before it, and whether it says anything new. ``trouble``: reading had failed."""
        from engine.state.model import same_but_for_time  # whoever gives a state has loaded it

        before, new = self.state, trouble or not same_but_for_time(self.state, state)
        self.state, self.arrived = state, since_boot()
        self._content += new
        return before, new

    def shown(self, now: datetime) -> State | None:
        """The newest state, as it may be shown at ``now``."""
        if self.state is None or self._past:
            return self.state
        stands = self.clock_watch.stands() if self.clock_watch is not None else 0.0
        confirmed = max(self._read_at() - self.arrived, 0.0)
        waited = since_boot() - self.arrived - confirmed
        return honest(self.state, now, waited=waited, stands=stands, confirmed=confirmed)

    def content_of(self, state: State) -> int | None:
        """The number of what it says, apart from its own moment; None for one that was made for this moment only."""
        return self._content if state is self.state and not self._past else None
