"""The newest rehearsal of a rollback, as the audit trail tells it."""

from __future__ import annotations

import itertools
from datetime import datetime

import msgspec

from engine.clock import parse_iso
from engine.config import Deployment
from engine.records import Record, harmless, records_from_end

EVENT = "rollback.rehearsed"
_LOOK_BACK = 200_000
"""Events looked through from the end: months of hourly runs, days of the busiest pipeline; a second at most."""


class LastRehearsal(msgspec.Struct, frozen=True):
    """What is remembered of it."""

    at: datetime
    ok: bool
    seconds: float
    build: str
    reason: str


def last_rehearsal(deployment: Deployment) -> LastRehearsal | None:
    """None when there was none, or none that can still be read: that is no rehearsal either."""
    try:
        for event in itertools.islice(records_from_end(deployment.paths.events), _LOOK_BACK):
            if event is not None and event.get("kind") == EVENT:
                return _from(event)
    except (OSError, KeyError, TypeError, ValueError):
        return None
    return None


def _from(event: Record) -> LastRehearsal:
    data = event["data"]
    return LastRehearsal(
        at=parse_iso(str(event["at"])),
        ok=data.get("ok") is True,
        seconds=float(data["seconds"]),
        build=str(data.get("build") or ""),
        reason=harmless(data.get("reason") or "no reason given", 200),
    )
