"""What is due when, counted from the cutover: scheduled validations and checklist slots. Pure.

A decision point may keep a window: until it is decided go, that window's tasks go on at their cadence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from engine.config.checklist import ChecklistConfig, ScheduleSection, Window
from engine.monitoring.facts import Validation
from engine.monitoring.model import Hourly

DAY = 86400.0
Gone = Mapping[str, datetime]
"""Gate -> when it was decided go."""


class Slot(msgspec.Struct, frozen=True):
    """One time at which something is due."""

    offset: float
    """Seconds from the cutover, unscaled."""
    at: datetime
    until: datetime
    """When the next one is due."""


class Calendar(msgspec.Struct, frozen=True):
    """What is needed to count slots: they depend on which gates were passed."""

    config: ChecklistConfig
    since: datetime
    scale: float
    now: datetime
    gone: Gone

    def at(self, offset: float) -> datetime:
        """The time of an offset."""
        return self.since + timedelta(seconds=offset / self.scale)

    def kept(self, window: Window) -> tuple[float, ...]:
        """Slots that a gate adds to a window: from the gate on, until it is decided go or the next gate comes.

        One that lies ahead is among them, so that it can be seen.
        """
        points = sorted(self.config.decisions, key=lambda point: point.at)
        found: list[float] = []
        for number, point in enumerate(points):
            every = float(window.every or 0.0)
            if point.keep != window.id or not every or self.now < self.at(point.at):
                continue
            end = points[number + 1].at if number + 1 < len(points) else point.at + 28 * DAY
            gone = self.gone.get(point.id)
            until = gone if gone is not None else self.now + timedelta(seconds=every / self.scale)
            count = int((until - self.at(point.at)).total_seconds() * self.scale / every + 1e-9)
            found += [offset for k in range(1, count + 1) if (offset := point.at + k * every) < end]
        return tuple(found)

    def offsets(self, window: Window) -> tuple[float, ...]:
        """All slots of a window, those that a gate added with them."""
        return tuple(sorted({*offsets(window), *self.kept(window)}))

    def log_slots(self) -> tuple[tuple[float, datetime], ...]:
        """Every checklist slot once: offset and time."""
        every = {offset for window in self.config.windows if not window.before for offset in self.offsets(window)}
        return tuple((offset, self.at(offset)) for offset in sorted(every))

    def validations(self) -> tuple[Slot, ...]:
        """The slots of the validations that run by themselves: hourly, and the windows' own."""
        schedule = self.config.schedule
        hours = int(schedule.validation_for / schedule.validation_every + 1e-9)
        found = {k * float(schedule.validation_every) for k in range(1, hours + 1)}
        for window in self.config.windows:
            if not window.before and any(task.measure == "validation" for task in window.tasks):
                found |= set(self.offsets(window))
        return self._slots(sorted(found - {0.0}))

    def hours(self) -> tuple[Slot, ...]:
        """The hourly ones: for as long as they are planned, and those that a gate has added."""
        schedule = self.config.schedule
        every, planned = float(schedule.validation_every), float(schedule.validation_for)
        kept = {
            offset
            for window in self.config.windows
            if any(task.measure == "validation" for task in window.tasks)
            for offset in self.kept(window)
        }
        found = {k * every for k in range(1, int(planned / every + 1e-9) + 1)}
        found |= {offset for offset in kept if abs(offset / every - round(offset / every)) < 1e-9}
        return self._slots(sorted(found), every)

    def _slots(self, found: Sequence[float], length: float | None = None) -> tuple[Slot, ...]:
        """``length``: of each slot; None: to the next one, the last as long as the one before it."""
        slots = []
        for number, offset in enumerate(found):
            end = found[number + 1] if number + 1 < len(found) else offset + (offset - found[number - 1] or DAY)
            slots.append(Slot(offset, self.at(offset), self.at(offset + length if length else end)))
        return tuple(slots)


def served(slot: Slot, validations: Iterable[Validation], release: str) -> Validation | None:
    """The last validation of ``release`` inside a slot; None when there was none."""
    inside = [v for v in validations if slot.at <= v.at < slot.until and v.release == release]
    return inside[-1] if inside else None


class Due(msgspec.Struct, frozen=True):
    """What the schedule asks for now."""

    run: Slot | None
    """The newest slot whose validation was not begun."""
    late: bool
    missed: tuple[Slot, ...]
    """Older slots that nobody served: recorded once, never run after the fact."""


def due_now(slots: Sequence[Slot], now: datetime, begun: datetime | None, *, late_after: float) -> Due:
    """``begun``: the last slot that was begun or recorded as missed; ``late_after`` in seconds."""
    open_slots = [slot for slot in slots if (begun is None or slot.at > begun) and slot.at <= now]
    if not open_slots:
        return Due(None, False, ())
    newest = open_slots[-1]
    if now >= newest.until:  # the last slot of all is long past
        return Due(None, False, tuple(open_slots))
    return Due(newest, (now - newest.at).total_seconds() > late_after, tuple(open_slots[:-1]))


def hourly(slots: Sequence[Slot], validations: Sequence[Validation], release: str, now: datetime) -> Hourly:
    """How many were due and how many passed. WARN is not PASS; one that is still running is due, not passed."""
    due = [slot for slot in slots if slot.at <= now]
    passed = sum(1 for slot in due if (done := served(slot, validations, release)) and done.status == "PASS")
    ahead = next((slot.at for slot in slots if slot.at > now), None)
    return Hourly(passed, len(due), len(slots), ahead)


def hours_planned(schedule: ScheduleSection) -> int:
    """How many hourly validations a watch has at least."""
    return int(schedule.validation_for / schedule.validation_every + 1e-9)


def offsets(window: Window) -> tuple[float, ...]:
    """The slots of a checklist window as configured, in seconds from the cutover, unscaled."""
    found = [float(at) for at in window.at]
    if window.start is not None:
        end = window.end if window.end is not None else window.start
        every = window.every or (end - window.start) or 1.0
        found += [window.start + k * every for k in range(int((end - window.start) / every + 1e-9) + 1)]
    return tuple(sorted(set(found)))


def times(window: Window, calendar: Calendar) -> Iterator[tuple[float, datetime, datetime, datetime]]:
    """Each slot of a window: its offset, when it is due, when it is late, and until when it is open."""
    slots, late_after = calendar.offsets(window), calendar.config.schedule.late_after
    for offset, following in zip(slots, (*slots[1:], None), strict=True):
        due_at = calendar.at(offset)
        # the last slot of a window stays open for as long as the one before it did, an hour where there is none
        length = (following - offset) if following is not None else (offset - slots[-2] if len(slots) > 1 else 3600.0)
        length = min(length, window.every) if window.every else length  # a gate may have added slots much later
        until = due_at + timedelta(seconds=length / calendar.scale)
        yield offset, due_at, min(due_at + timedelta(seconds=late_after / calendar.scale), until), until


def slot_name(offset: float) -> str:
    """``T+7``, ``T+0:30``, ``day 7``: an offset from the cutover as people say it."""
    minutes = round(offset / 60)
    hours, rest = divmod(minutes, 60)
    if minutes > 48 * 60 and minutes % (24 * 60) == 0:
        return f"day {minutes // (24 * 60)}"
    return f"T+{hours}:{rest:02d}" if rest else f"T+{hours}"
