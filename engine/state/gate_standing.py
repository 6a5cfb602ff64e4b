"""How one decision point stands, as screens and reports show it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from engine.monitoring.facts import Waiver
from engine.monitoring.model import Criterion, GateState


class GateStanding(msgspec.Struct, frozen=True):
    """One decision point."""

    id: str
    title: str
    due_at: datetime
    state: GateState
    criteria: tuple[Criterion, ...]
    """Judged where it is open or the next one ahead; else unknown, with the reason."""
    judged_at: datetime | None
    stale: bool
    otherwise: str
    decision: str = ""
    """The newest: ``go`` or ``no-go``; empty: none yet."""
    by: str = ""
    at: datetime | None = None
    note: str = ""
    waivers: tuple[Waiver, ...] = ()
    waiver_by: str = ""
    """Whose second name a waiver needs."""

    @property
    def against(self) -> tuple[Criterion, ...]:
        """The criteria that stand against a go."""
        return tuple(one for one in self.criteria if one.status != "met")
