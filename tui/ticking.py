"""The beat of a screen that nothing else draws anew: one second after whatever drew it last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

SECOND = 1.0


class Ticking:
    """Calls ``tick`` a second after :meth:`start`, and a second after each :meth:`drawn`."""

    def __init__(self, tick: Callable[[], object]) -> None:
        self._tick = tick
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin, on the running event loop."""
        self._next = asyncio.get_running_loop().call_later(SECOND, self._due)

    def drawn(self) -> None:
        """Everything was drawn for another reason: the next beat counts from here. Before the start: nothing."""
        if self._next is not None:
            self._next.cancel()
            self.start()

    def stop(self) -> None:
        """No more beats."""
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _due(self) -> None:
        self.start()  # whatever becomes of this beat, the next one comes
        self._tick()
