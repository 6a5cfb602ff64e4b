"""When the sheet of an operation that stopped half-way opens by itself: once, and only when it really has stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.state.model import State
    from tui.app import ConsoleApp

SETTLED_AFTER = 1.0
"""Seconds it must have stood still: a rollback that takes over, or a worker that goes on, passes through this."""


def stopped(state: State) -> str:
    """The operation that stopped half-way and waits for a person; empty when none does."""
    operation = state.operation
    if operation is None or operation.alive or operation.kind == "validate":
        return ""
    return operation.id if operation.state in ("INTERRUPTED", "NEEDS_HUMAN") else ""


class Offering:
    """Remembers what has been offered; one that went on and stopped again is offered again."""

    def __init__(self) -> None:
        self._seen, self._since = "", 0.0
        self._offered = ""

    @property
    def waits(self) -> bool:
        """Whether an operation stood still when it was looked last: that it goes on has to be seen too."""
        return bool(self._seen)

    def due(self, operation: str, now: float, *, free: bool) -> bool:
        """Whether to open it now (``now``: a monotonic time, s); ``free``: nothing else is being filled in."""
        if operation != self._seen:
            self._seen, self._since, self._offered = operation, now, ""
        if not operation or not free or self._offered == operation or now - self._since < SETTLED_AFTER:
            return False
        self._offered = operation
        return True


def see_to(app: ConsoleApp, state: State) -> None:
    """Where an operation stands still, or stood still until now: open its sheet, or close it."""
    if stopped(state) or app.offers.waits:
        from tui.screens.offer import offer_once  # the start does not wait for it

        offer_once(app, state)
