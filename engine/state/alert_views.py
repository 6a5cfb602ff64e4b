"""What people are told of: alerts, the drill that is no real night, status updates."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

Level = Literal["ok", "W", "C", "stale", "missing"]


class DrillView(msgspec.Struct, frozen=True):
    """A fault that was ordered: what is seen meanwhile is not real."""

    drill: str
    release: str
    begun_at: datetime
    ends_at: datetime
    expected: str
    """The verdict that it leads to."""
    by: str


class AlertView(msgspec.Struct, frozen=True):
    """A condition that fires, and whether someone has taken it."""

    condition: str
    level: Level
    text: str
    since: datetime
    acknowledged_by: str | None
    """Who owns it; None: nobody has taken it."""
    id: str = ""
    tier: str = ""
    priority: str = ""
    called: str = ""
    """The role that is called at the present level of escalation."""
    told: tuple[str, ...] = ()
    """The roles that were told."""
    told_at: datetime | None = None
    reached: bool = True
    """False: what was told went into a log and to the consoles' bell only."""
    escalates_at: datetime | None = None
    """When it goes up a level unless somebody takes it; None: it does not."""
    escalates_to: str = ""
    acknowledged_until: datetime | None = None
    acknowledged_reason: str = ""
    silenced_by: str = ""
    silenced_until: datetime | None = None
    silenced_reason: str = ""
    rings: bool = False
    """Whether a console rings for it, once: a P1 or P2 that nobody has taken."""


class UpdateView(msgspec.Struct, frozen=True):
    """The status updates for the team."""

    due_at: datetime | None
    """When the one was due that is not sent yet; None: none is."""
    next_at: datetime | None
    sent_at: datetime | None
    sent_by: str = ""
