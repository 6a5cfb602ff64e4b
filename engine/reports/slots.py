"""Every validation slot up to the moment: what it was served by, or that nothing served it. Pure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.monitoring.facts import Validation
from engine.monitoring.schedule import served, slot_name, validation_slots
from engine.reports.document import Mark, Row, Section, Table, counted
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
    span, schedule = found.span, found.deployment.checklist.schedule
    if span.cutover_at is None:
        return ()
    new = found.deployment.console.releases.new
    numbers = {kind: _numbers(found, kind) for kind in ("schedule.missed", "schedule.late")}
    results = []
    for slot in validation_slots(schedule, span.cutover_at, span.scale):
        if slot.at > span.end:
            break
        done = served(slot, found.validations, new)
        offset = slot.number * float(schedule.validation_every)
        late = slot.number in numbers["schedule.late"]
        if done is not None:
            results.append(SlotResult(slot_name(offset), slot.at, done.status, late, done.at, done))
        else:
            over = slot.number in numbers["schedule.missed"] or slot.until <= span.end
            results.append(SlotResult(slot_name(offset), slot.at, "MISSED" if over else "NOT RUN", False, None, None))
    return tuple(results)


def _numbers(found: Found, kind: str) -> set[int]:
    since = found.span.cutover_at
    events = ((at, event["data"].get("slot")) for at, event in of_kind(found, kind))
    return {number for at, number in events if isinstance(number, int) and (since is None or at >= since)}


def section(found: Found) -> Section:
    """Every slot, and for longer stretches a line per day."""
    results = slot_results(found)
    counts = Counter(item.word for item in results)
    said = ", ".join(f"{count} {word}" for word, count in counts.most_common()) or "none was due"
    schedule = found.deployment.checklist.schedule
    of = int(schedule.validation_for / schedule.validation_every + 1e-9)
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
