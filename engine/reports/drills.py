"""Drills of the stretch: a fault that was ordered, so that nobody takes what it led to for real. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from engine.clock import pretty_duration
from engine.notify.message import DRILL_MARK
from engine.records import harmless
from engine.records.counted import counted
from engine.reports.document import Row, Section, Table
from engine.reports.found import Found
from engine.reports.trail import time_of


@dataclass(frozen=True, slots=True)
class Drilled:
    """One drill, from its beginning to when everything was put right."""

    drill: str
    release: str
    by: str
    since: datetime
    expected: str
    """The verdict that it leads to."""
    until: datetime | None = None
    """None: it had not ended at the moment."""
    ended: str = ""
    """Why it ended, and whether everything is as it was."""

    def holds(self, moment: datetime) -> bool:
        """Whether what was seen then is the drill's."""
        return self.since <= moment and (self.until is None or moment <= self.until)

    def touches(self, since: datetime, until: datetime | None) -> bool:
        """Whether it ran at any time from ``since`` to ``until`` (None: to the moment)."""
        return (self.until is None or since <= self.until) and (until is None or self.since <= until)


def drills(found: Found) -> tuple[Drilled, ...]:
    """Every drill that ran in the stretch, oldest first."""
    made: list[Drilled] = []
    for event in found.events:
        at, data = time_of(event), event["data"]
        name = harmless(data.get("drill") or "?", 40)
        if at is None:
            continue
        if event.get("kind") == "drill.started":
            release, expected = (harmless(data.get(key) or "?", 40) for key in ("release", "expected"))
            made.append(Drilled(name, release, harmless(event.get("actor") or "?", 60), at, expected))
        elif event.get("kind") == "drill.ended" and made and made[-1].until is None and made[-1].drill == name:
            left = "everything is as it was" if data.get("ok") is True else "NOT everything is as it was"
            made[-1] = replace(made[-1], until=at, ended=f"{harmless(data.get('why') or '?', 80)}; {left}")
    return tuple(one for one in made if one.until is None or one.until >= found.span.begin)


def drill_at(found: Found, moment: datetime) -> Drilled | None:
    """The drill that ran then."""
    return next((one for one in drills(found) if one.holds(moment)), None)


def section(found: Found) -> tuple[Section, ...]:
    """The chapter that stands before all others; none where no drill ran."""
    made = drills(found)
    if not made:
        return ()
    rows = tuple(
        Row(
            (
                f"{one.since:%d %b %H:%M:%SZ}",
                pretty_duration((one.until - one.since).total_seconds()) if one.until else "NOT ENDED",
                f"{one.drill} of {one.release}",
                one.expected,
                one.by,
                one.ended,
            ),
            "W" if one.until and "NOT" not in one.ended else "C",
        )
        for one in made
    )
    lead = f"{counted(len(made), 'drill')} in this stretch. What was measured, told and decided meanwhile is not real."
    table = Table(("from", "for", "fault", "leads to", "begun by", "ended"), rows, "")
    return (Section("drills", DRILL_MARK, lead, (table,)),)
