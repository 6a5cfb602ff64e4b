"""What is due when, counted from the cutover: hourly validations and checklist slots. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from engine.config.checklist import ChecklistConfig, ScheduleSection, Window
from engine.monitoring.facts import Validation
from engine.monitoring.model import Hourly


@dataclass(frozen=True, slots=True)
class Slot:
    """One time at which something is due."""

    number: int
    """From 1."""
    at: datetime
    until: datetime
    """When the next one is due."""


@lru_cache(maxsize=16)
def validation_slots(schedule: ScheduleSection, since: datetime, scale: float) -> tuple[Slot, ...]:
    """The slots of the validations that run by themselves."""
    every = schedule.validation_every / scale
    count = int(schedule.validation_for / schedule.validation_every + 1e-9)
    return tuple(
        Slot(k, since + timedelta(seconds=k * every), since + timedelta(seconds=(k + 1) * every))
        for k in range(1, count + 1)
    )


def served(slot: Slot, validations: Iterable[Validation], release: str) -> Validation | None:
    """The last validation of ``release`` inside a slot; None when there was none."""
    inside = [v for v in validations if slot.at <= v.at < slot.until and v.release == release]
    return inside[-1] if inside else None


@dataclass(frozen=True, slots=True)
class Due:
    """What the schedule asks for now."""

    run: Slot | None
    """The newest slot whose validation was not begun."""
    late: bool
    missed: tuple[Slot, ...]
    """Older slots that nobody served: recorded once, never run after the fact."""


def due_now(slots: Sequence[Slot], now: datetime, begun: int, *, late_after: float) -> Due:
    """``begun``: number of the last slot that was begun or recorded as missed; ``late_after`` in seconds."""
    open_slots = [slot for slot in slots if slot.number > begun and slot.at <= now]
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


def offsets(window: Window) -> tuple[float, ...]:
    """The slots of a checklist window, in seconds from the cutover, unscaled."""
    found = [float(at) for at in window.at]
    if window.start is not None:
        end = window.end if window.end is not None else window.start
        every = window.every or (end - window.start) or 1.0
        found += [window.start + k * every for k in range(int((end - window.start) / every + 1e-9) + 1)]
    return tuple(sorted(set(found)))


def log_slots(config: ChecklistConfig, since: datetime, scale: float) -> tuple[tuple[float, datetime], ...]:
    """Every checklist slot once: offset (unscaled seconds) and time."""
    every = {offset for window in config.windows if not window.before for offset in offsets(window)}
    return tuple((offset, since + timedelta(seconds=offset / scale)) for offset in sorted(every))


def slot_name(offset: float) -> str:
    """``T+7``, ``T+0:30``, ``day 7``: an offset from the cutover as people say it."""
    minutes = round(offset / 60)
    hours, rest = divmod(minutes, 60)
    if minutes > 48 * 60 and minutes % (24 * 60) == 0:
        return f"day {minutes // (24 * 60)}"
    return f"T+{hours}:{rest:02d}" if rest else f"T+{hours}"
