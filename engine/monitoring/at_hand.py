"""Where now is in the checklist: what is due, then what comes next; what was left open earlier hides neither. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.monitoring.model import ChecklistItem, ItemState

OPEN = ("due", "overdue")
"""States of a line that waits for an answer."""


class Line(Protocol):
    """As much of a line as its place on the screen depends on."""

    @property
    def state(self) -> ItemState:
        """Its state."""
        ...

    @property
    def due_at(self) -> datetime | None:
        """When it is due; None before the cutover."""
        ...


def around_now(lines: Sequence[ChecklistItem], count: int) -> tuple[ChecklistItem, ...]:
    """The ``count`` lines that matter most now: what is due first comes into view, then what comes next."""
    here = at_hand(lines)
    begin = max(min((len(lines) if here is None else here) - count // 3, len(lines) - count), 0)
    return tuple(lines[begin : begin + count])


def at_hand(lines: Sequence[Line]) -> int | None:
    """Where now is in the list; None: nothing waits and nothing comes.

    The first open line of the slot that came last, else the next line to come: what was left open earlier, before the
    cutover too, never hides it. Only where nothing else comes is it the first line that is open at all.
    """
    came = max((line.due_at for line in lines if line.state != "later" and line.due_at is not None), default=None)
    newest = [
        i for i, line in enumerate(lines) if line.state in OPEN and line.due_at is not None and line.due_at == came
    ]
    ahead = [i for i, line in enumerate(lines) if line.state == "later"]
    waiting = [i for i, line in enumerate(lines) if line.state in OPEN]
    return next(iter((*newest, *ahead, *waiting)), None)


def older_open(lines: Sequence[Line]) -> int:
    """How many open lines stand before those at hand."""
    here = at_hand(lines)
    return sum(line.state in OPEN for line in lines[:here]) if here is not None else 0


def cannot_be_confirmed(state: ItemState, measured: str, ok: bool | None) -> str:
    """Why a line is closed with a reason only, and not confirmed, as the end of a sentence; empty: it may be."""
    if state == "missed":
        return "was missed: its time is over, and what was then cannot be confirmed now"
    return f"is not as it should be: {measured or 'nothing was measured'}" if ok is False else ""
