"""Writing over SSH only after the console was armed for it: configured, for a while, and never for the way back."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import TYPE_CHECKING

from tui.commands.command import key_of
from tui.lines import Line, put

if TYPE_CHECKING:
    from tui.commands import Command

_FREE = "rollback"
"""The one command that never waits for it."""


class Arming:
    """Whether this console may write now. ``seconds``: how long one arming lasts; None: none is needed."""

    def __init__(self, seconds: float | None = None, clock: Callable[[], float] = monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._until = 0.0

    @classmethod
    def over(cls, origin: str, seconds: float | None) -> Arming:
        """For a person at ``origin``: who sits at the machine itself needs none."""
        return cls(None if origin == "local" else seconds)

    @property
    def needed(self) -> bool:
        """Whether writing has to be armed here at all."""
        return self._seconds is not None

    @property
    def left(self) -> float:
        """Seconds until it ends by itself; 0 when it is not armed."""
        return max(self._until - self._clock(), 0.0)

    def arm(self) -> str:
        """Begin, or begin anew; what to say."""
        if self._seconds is None:
            return "nothing has to be armed here: writing is open"
        self._until = self._clock() + self._seconds
        return f"armed: writing is open for {_minutes(self._seconds)}; {key_of('disarm')} ends it"

    def disarm(self) -> str:
        """End it; what to say."""
        self._until = 0.0
        return "not armed any more" if self.needed else "nothing has to be armed here: writing is open"

    def bars(self, what: str, *, key: str = "", inside: bool = False) -> str:
        """Why ``what`` may not write now, as a sentence; empty when it may.

        ``key``: what is to be pressed again. ``inside``: a sheet is in front, which takes letters as text.
        """
        if self._seconds is None or self.left > 0:
            return ""
        arm = f"{key_of('back')}, {key_of('arm')}" if inside else key_of("arm")
        again = f"{key} again" if key else "again"
        return f"{what} is refused: not armed over SSH; {arm} arms it, then {again}"

    def refusal(self, command: type[Command]) -> str:
        """Why this command may not run now."""
        if command.risk == "view" or command.id == _FREE:
            return ""
        return self.bars(command.title, key=key_of(command.id) if command.keys else "")

    def mark(self) -> Line:
        """What the footer says of it: the countdown, or how to begin; nothing where none is needed."""
        if not self.needed:
            return ()
        return put(f"ARMED {_minutes(self.left)}", "warn") if self.left else put(f"not armed: {key_of('arm')}", "dim")


def _minutes(seconds: float) -> str:
    """``4:59``; a second that has begun counts whole, so that it never reads 0:00 while it is armed."""
    whole = int(-(-seconds // 1))
    return f"{whole // 60}:{whole % 60:02d}"
