"""Every validation slot up to the moment: what it was served by, or that nothing served it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.monitoring.facts import Validation
from engine.monitoring.schedule import Calendar, hours_planned, served, slot_name
from engine.records.counted import counted
from engine.reports.document import Mark, Row, Section, Table
from engine.reports.found import Found, of_kind

MARKS: dict[str, Mark] = {"PASS": "ok", "WARN": "W", "FAIL": "C", "ERROR": "C", "NOT RUN": "?", "MISSED": "C"}


@dataclass(frozen=True, slots=True)
class SlotResult:
    """One slot. ``status`` is MISSED where nothing served it."""

    slot: str
    due: datetime
    status: str
    late: bool
    at: datetime | None
    validation: Validation | None

    @property
    def word(self) -> str:
        """``PASS``, ``LATE PASS``, ``MISSED``."""
        return f"LATE {self.status}" if self.late and self.status != "MISSED" else self.status


def slot_results(found: Found) -> tuple[SlotResult, ...]:
    """The slots whose time had come, the one at the moment itself included once it was served."""
    span = found.span
    if span.cutover_at is None:
        return ()
    new = found.deployment.console.releases.new
    names = {kind: _names(found, kind) for kind in ("schedule.missed", "schedule.late")}
    results = []
    for slot in _calendar(found, span.cutover_at).hours():
        if slot.at > span.end:
            break
        done, name = served(slot, found.validations, new), slot_name(slot.offset)
        if done is not None:
            results.append(SlotResult(name, slot.at, done.status, name in names["schedule.late"], done.at, done))
        else:
            over = name in names["schedule.missed"] or slot.until <= span.end
            results.append(SlotResult(name, slot.at, "MISSED" if over else "NOT RUN", False, None, None))
    return tuple(results)


def _calendar(found: Found, since: datetime) -> Calendar:
    """The slots of this watch as they stood at the moment: gates that were not passed have added some."""
    gone = {one.gate: one.at for one in found.facts.decided if one.decision == "go" and one.at >= since}
    return Calendar(found.deployment.checklist, since, found.span.scale, found.span.end, gone)


def _names(found: Found, kind: str) -> set[str]:
    since = found.span.cutover_at
    events = ((at, event["data"].get("name")) for at, event in of_kind(found, kind))
    return {name for at, name in events if isinstance(name, str) and (since is None or at >= since)}


def section(found: Found) -> Section:
    """Every slot, and for longer stretches a line per day."""
    results = slot_results(found)
    counts = Counter(item.word for item in results)
    said = ", ".join(f"{count} {word}" for word, count in counts.most_common()) or "none was due"
    of = max(hours_planned(found.deployment.checklist.schedule), len(results))
    rows = tuple(
        Row(
            (
                item.slot,
                f"{item.due:%d %b %H:%M:%SZ}",
                item.word,
                f"{item.at:%H:%M:%SZ}" if item.at else "-",
                _checks(item.validation),
            ),
            "W" if item.late and item.status == "PASS" else MARKS.get(item.status, "?"),
        )
        for item in results
    )
    slots = Table(("slot", "due", "result", "ended", "checks"), rows, "no slot was due: nothing was cut over")
    lead = f"{counted(len(results), 'slot')} due of {of}: {said}. WARN is not PASS, and neither is what did not run."
    return Section("validations", "Validations by the hour", lead, (slots, *_other(found, results)))


def _checks(validation: Validation | None) -> str:
    if validation is None:
        return "nothing served this slot"
    others = ", ".join(f"{name} {status}" for name, status in validation.checks.items() if status != "PASS")
    return f"{validation.passed_checks} PASS" + (f"; {others}" if others else "")


def _other(found: Found, results: tuple[SlotResult, ...]) -> tuple[Table, ...]:
    """Validations outside the slots: a line each, or by the day where there are many."""
    inside = [item.validation for item in results if item.validation is not None]
    begin = found.span.begin
    others = [item for item in found.validations if item.at >= begin and item not in inside]
    if not others:
        return ()
    if found.span.end - begin > timedelta(days=2):
        days: dict[str, Counter[str]] = {}
        for item in others:
            days.setdefault(f"{item.at:%Y-%m-%d}", Counter())[f"{item.release} {item.status}"] += 1
        rows = [
            Row((day, ", ".join(f"{count} {word}" for word, count in sorted(words.items()))), _worst(words))
            for day, words in days.items()
        ]
        return (Table(("day", "results"), tuple(rows), "", "Outside the hourly slots, by the day"),)
    rows = [
        Row((f"{item.at:%d %b %H:%M:%SZ}", item.release, item.status, _checks(item)), MARKS.get(item.status, "?"))
        for item in others[-40:]
    ]
    return (Table(("ended", "release", "result", "checks"), tuple(rows), "", "Outside the slots"),)


def _worst(words: Counter[str]) -> Mark:
    order: tuple[Mark, ...] = ("C", "?", "W", "ok")
    marks = [MARKS.get(word.partition(" ")[2], "?") for word in words]
    return next(mark for mark in order if mark in marks)
