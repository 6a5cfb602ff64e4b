"""Alerts as the audit trail has them: which condition fired, from when to when, and to whom it went up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from engine.clock import parse_iso
from engine.records import Record, harmless
from engine.state.event_words import named

_HEAVY = ("critical", "rollback")


@dataclass(frozen=True, slots=True)
class Fired:
    """A condition that fired, from when to when, as far as the records know."""

    condition: str
    level: str
    text: str
    since: datetime
    until: datetime | None
    """None: it still fired at the moment."""
    id: str = ""
    """Of the alert book; empty: nobody was told of it."""
    raised: str = ""
    """To whom it went up, and when."""


def fired_of(events: Iterable[Record]) -> list[Fired]:
    """Every alert that these events tell of, in the order in which they were opened."""
    made: dict[str, Fired] = {}
    for event in events:
        kind, data = str(event.get("kind")), event.get("data")
        if not kind.startswith("alert.") or not isinstance(data, dict):
            continue
        at = _time(data.get("decided")) or _time(event.get("at"))
        name = harmless(data.get("alert") or "", 80)
        if at is None or not name:
            continue
        before, text = made.get(name), harmless(data.get("text") or "", 200)
        if before is None:
            before = Fired(harmless(data.get("condition") or "?", 60), "W", text, at, None, name)
        level = "C" if before.level == "C" or data.get("tier") in _HEAVY else "W"
        if kind == "alert.opened":
            made[name] = replace(before, level=level, text=text)
        elif kind == "alert.escalated":
            to = harmless(named(data.get("to")).replace("_", " ") or data.get("level") or "?", 80)
            made[name] = replace(before, level=level, text=text, raised=f"{before.raised}, up to {to} {at:%H:%M:%SZ}")
        elif kind == "alert.cleared":
            made[name] = replace(before, until=at)
    return list(made.values())


def _time(said: object) -> datetime | None:
    """When the monitor decided it: an event that could not be written at once bears a later time."""
    try:
        return parse_iso(str(said)) if said else None
    except ValueError:
        return None
