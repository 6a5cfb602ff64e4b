"""The thread that reads the state, off the event loop: whatever the terminal does, reading goes on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

from tui.clock_watch import since_boot

if TYPE_CHECKING:
    from engine.state.model import State

IDLE, BUSY, AT_REST = 0.5, 0.2, 1.0
"""Seconds between two reads; ``AT_REST``: nothing runs that would write, and nothing was written."""


class Reads(Protocol):
    """Whatever gives a state: the engine's StateReader, or a test's."""

    def read(self) -> State:
        """The state now."""
        ...


class StateArrived(Message):
    """A new state; an older one that still waits is replaced."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self.state = state

    def can_replace(self, message: Message) -> bool:
        """Only the newest counts."""
        return isinstance(message, StateArrived)


class ReadFailed(Message):
    """The state could not be read at all; the reason, as a sentence."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class ReaderThread:
    """Reads every half second, more often while an operation runs, less often where nothing does.

    A daemon thread: it never holds up an end.
    """

    def __init__(
        self, make: Callable[[], Reads], send: Callable[[Message], object], then: Callable[[], object]
    ) -> None:
        """``then``: what is done once, a while after the first answer."""
        self.read_at = 0.0
        """Seconds since boot when a read last ended well: a state that is the very same is not sent again."""
        self._make = make
        self._then: Callable[[], object] | None = then
        self._send = send
        self._stop = threading.Event()
        self._now = threading.Event()
        self._thread = threading.Thread(target=self._run, name="state-reader", daemon=True)

    def start(self) -> None:
        """Begin reading, unless it has begun or is over already."""
        if self._thread.ident is None and not self._stop.is_set():
            self._thread.start()

    def stop(self) -> None:
        """Stop after the read that is under way; does not wait for it."""
        self._stop.set()
        self._now.set()

    def hurry(self) -> None:
        """Read at once: something has just been asked for."""
        self._now.set()

    def _run(self) -> None:
        reader: Reads | None = None
        sent: State | None = None
        while not self._stop.is_set():
            pause = IDLE
            try:
                reader = reader or self._make()
                state = reader.read()
                at_rest = state is sent and not state.monitor.running
                if state is not sent:
                    self._send(StateArrived(state))
                sent, self.read_at = state, since_boot()
                alive = state.operation is not None and state.operation.alive
                pause = BUSY if alive else AT_REST if at_rest else IDLE
            except Exception as error:
                sent = None
                self._send(ReadFailed(f"{type(error).__name__}: {error}"))
            self._now.wait(pause)
            self._now.clear()
            if self._then is not None and not self._stop.is_set():
                then, self._then = self._then, None
                then()
