"""Alerts of the stretch: what fired, who took it, whom it went up to, and every word that went out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from engine.clock import pretty_duration
from engine.records import Record, harmless
from engine.records.counted import counted
from engine.reports.document import Row, Section, Table
from engine.reports.drills import drills
from engine.reports.found import Found, of_kind
from engine.state.event_words import named
from engine.state.fired import Fired, fired_of

Taken = list[tuple[datetime, Record]]
"""Acknowledgements with their time."""


def fired(found: Found) -> tuple[Fired, ...]:
    """Every alert: as the audit trail has it; what nobody was told of, as the states have it that the monitor kept."""
    told = _of_trail(found)
    seen = [one for one in _of_frames(found) if not any(_same(one, other) for other in told)]
    return tuple(sorted((*told, *seen), key=lambda one: (one.since, one.condition)))


def _same(one: Fired, other: Fired) -> bool:
    """Whether a state shows the alert that the trail tells of: it fires a little before it is told of."""
    if one.condition != other.condition:
        return False
    return (other.until is None or one.since <= other.until) and (one.until is None or other.since <= one.until)


def _of_trail(found: Found) -> list[Fired]:
    return [one for one in fired_of(found.events) if one.until is None or one.until >= found.span.begin]


def _of_frames(found: Found) -> list[Fired]:
    """Each condition once for each time that it was entered."""
    seen: dict[tuple[str, datetime], Fired] = {}
    open_now: set[tuple[str, datetime]] = set()
    for frame in found.frames:
        firing = {(alert.condition, alert.since): alert for alert in frame.alerts}
        for key in open_now - firing.keys():
            seen[key] = replace(seen[key], until=frame.at)
        for key, alert in firing.items():
            before = seen.get(key)
            level = "C" if "C" in (alert.level, before.level if before else "") else "W"
            seen[key] = Fired(alert.condition, level, harmless(alert.text, 200), alert.since, None, alert.id)
        open_now = set(firing)
    return list(seen.values())


def section(found: Found) -> Section:
    """What fired and who took it; below, every word that went out about it."""
    acknowledged = list(of_kind(found, "ack"))
    everything = fired(found)
    taken = [_takers(one, acknowledged, everything) for one in everything]
    rows = tuple(
        Row(
            (
                one.condition,
                "critical" if one.level == "C" else "warning",
                f"{one.since:%d %b %H:%M:%SZ}",
                f"{one.until:%d %b %H:%M:%SZ}" if one.until else "still fires",
                _acknowledged(one, by) + one.raised,
                _drilled(found, one) + one.text,
            ),
            "C" if one.level == "C" else "W",
        )
        for one, by in zip(everything, taken, strict=True)
    )
    columns = ("condition", "tier", "since", "until", "taken by", "last evidence")
    open_ones = sum(one.until is None for one in everything)
    nobody = sum(not by for by in taken)
    lead = f"{counted(len(rows), 'alert')}, {open_ones} open at this moment, {nobody} that nobody acknowledged."
    if found.coarse and not any(one.id for one in everything):
        lead += f" Of this long stretch one state in {pretty_duration(found.coarse)} and each change of the verdict was"
        lead += " looked at: a short alert beside a heavier one that nobody was told of may be missing here."
    lead += "" if found.frames else " The monitor kept nothing of this stretch: whether anything fired is unknown."
    table = Table(columns, rows, "nothing fired in what was kept")
    return Section("alerts", "Alerts and acknowledgements", lead, (table, *_told(found)))


def _drilled(found: Found, one: Fired) -> str:
    drill = next((drill for drill in drills(found) if drill.touches(one.since, one.until)), None)
    return f"during DRILL {drill.drill}, not real: " if drill is not None else ""


def _takers(one: Fired, taken: Taken, others: Sequence[Fired]) -> Taken:
    """Who acknowledged it: until the condition fired again, for one may clear while somebody reaches for the key."""
    again = min(
        (other.since for other in others if other.condition == one.condition and other.since > one.since), default=None
    )
    return [
        (at, event)
        for at, event in taken
        if event["data"].get("condition") == one.condition and at >= one.since and (again is None or at < again)
    ]


def _acknowledged(one: Fired, found: Taken) -> str:
    if not found:
        return "nobody"
    at, event = found[-1]
    data = event["data"]
    owner = harmless(data.get("owner") or event.get("actor") or "?", 60)
    reason = f": {harmless(data['reason'], 120)}" if data.get("reason") else ""
    until = f", until {harmless(data['until'], 30)}" if data.get("until") else ""
    after = ", after it had cleared" if one.until is not None and at > one.until else ""
    return f"{owner} {at:%H:%M:%SZ}{until}{after}{reason}"


def _told(found: Found) -> tuple[Table, ...]:
    """Notifications, escalations, status updates and KPI anomalies as they were recorded."""
    rows = []
    for at, event in of_kind(found, *_WENT_OUT):
        data, kind = event["data"], str(event["kind"])
        what = data.get("condition") or data.get("alert") or data.get("kpi") or ""
        to = [data.get("channel"), named(data.get("channels")), named(data.get("to")).replace("_", " ")]
        to += [data.get("owner")] if kind == "kpi.anomaly" else []
        failed = data.get("ok") is False
        word = "NOT delivered" if failed else kind.replace(".", " ")
        detail = data.get("detail") or data.get("text") or data.get("level") or ""
        who = " ".join(str(one) for one in to if one)
        cells = (f"{at:%d %b %H:%M:%SZ}", word, harmless(what, 60), harmless(who, 80), harmless(detail, 200))
        rows.append(Row(cells, "C" if failed else "W" if kind == "kpi.anomaly" else ""))
    if not rows:
        return ()
    return (Table(("at", "what", "of", "to", "detail"), tuple(rows), "", "Told, escalated, delivered"),)


_WENT_OUT = ("alert.opened", "alert.cleared", "alert.escalated", "notified", "update.sent", "kpi.anomaly")
