"""Events of the monitor's own that are decided and not in the audit trail yet: each gets there once, whatever happens.

They are written down with the tick that decided them, and told afterwards. A monitor that is killed in between leaves
them to the next one; one that is killed before has decided nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from engine.clock import Clock
from engine.errors import OpsError
from engine.records import Record, append_event, harmless

MOST_KEPT = 400
"""Kept at most while the trail cannot be written; the oldest go first."""


class Untold(msgspec.Struct, frozen=True):
    """One event."""

    kind: str
    data: dict[str, Any]


def unseen(untold: Sequence[Untold], events: Sequence[Record]) -> tuple[Untold, ...]:
    """Those that are not among the trail's new events: what the monitor before told it did not get to cross out."""
    if not untold:
        return ()
    seen = [(event.get("kind"), event.get("data")) for event in events]
    return tuple(one for one in untold if (one.kind, one.data) not in seen)


def told(untold: Sequence[Untold], path: Path, clock: Clock) -> tuple[tuple[Untold, ...], list[str]]:
    """Write them into the trail, in order; those that it did not take, and why."""
    for number, one in enumerate(untold):
        try:
            append_event(path, one.kind, one.data, source="monitor", clock=clock)
        except (OpsError, OSError) as error:
            return tuple(untold[number:]), [f"audit trail: {harmless(error)}"]
    return (), []
