"""What is due when, and how the gates stand, as the facts have it: shares no code with the monitor's calendar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

HOUR, DAY = 3600.0, 86400.0
GATES = {"hour-1": HOUR, "hour-8": 8 * HOUR, "hour-24": DAY, "day-7": 7 * DAY, "day-28": 28 * DAY}
LATE = 900.0
CHECKED = sorted(
    {k * 1800.0 for k in range(11)}
    | {k * HOUR for k in (5, 6, 7, 8, 10, 12, 14, 16, 20, 24)}
    | {k * HOUR for k in range(28, 169, 4)}
    | {k * DAY for k in range(2, 29)}
)
"""The checklist's slots, in seconds from the cutover."""
VALIDATED = sorted({1800.0} | {k * HOUR for k in range(1, 25)} | {k * DAY for k in range(2, 29)})
KEPT = {"hour-8": (1800.0, DAY), "hour-24": (HOUR, 7 * DAY)}
"""Until this gate is decided go, slots go on in these steps after it, up to the next gate."""


@dataclass(frozen=True)
class Decision:
    """What people wrote at a gate."""

    gate: str
    go: bool
    wall: datetime


@dataclass
class Course:
    """The gates of one watch."""

    since: datetime
    decisions: list[Decision] = field(default_factory=list)

    def _made(self, gate: str) -> list[Decision]:
        return [one for one in self.decisions if one.gate == gate]

    def gone(self, gate: str) -> datetime | None:
        """When it was decided go."""
        return next((one.wall for one in self._made(gate) if one.go), None)

    def due(self, gate: str) -> datetime:
        """When it is asked: after a no-go at the next hour, after day 1 at the next day."""
        first, made = self.since + timedelta(seconds=GATES[gate]), self._made(gate)
        if not made or made[-1].go:
            return first
        step = HOUR if GATES[gate] <= DAY else DAY
        passed = int((made[-1].wall - self.since).total_seconds() / step + 1e-9)
        return max(self.since + timedelta(seconds=(passed + 1) * step), first)

    def open(self, wall: datetime) -> list[str]:
        """Those whose time has come."""
        return [gate for gate in GATES if self.gone(gate) is None and wall >= self.due(gate)]

    def shown(self, wall: datetime) -> list[tuple[str, datetime, str]]:
        """What must be in sight: the open ones, those asked again later, the next one ahead."""
        found, ahead = [], False
        for gate in GATES:
            due = self.due(gate)
            if self.gone(gate) is not None:
                continue
            if wall >= due:
                found.append((gate, due, "due" if (wall - due).total_seconds() <= LATE else "overdue"))
            elif self._made(gate):
                found.append((gate, due, "extended"))
            elif not ahead:
                ahead = True
                found.append((gate, due, "ahead"))
        return found

    def kept(self, gate: str, until: datetime) -> set[float]:
        """The slots that a gate which was not decided go has added up to ``until``."""
        step, end = KEPT[gate]
        gone = self.gone(gate)
        last = until if gone is None else min(gone, until)
        count = int((last - self.since).total_seconds() / step + 1e-9)
        return {k * step for k in range(count + 1) if GATES[gate] < k * step < end}

    def kept_row(self, offset: float) -> bool:
        """Whether a gate gives this slot a line of the checklist, and so a row of its own."""
        return any(GATES[gate] < offset < end and not offset % step for gate, (step, end) in KEPT.items())

    def validations(self, last: datetime) -> list[tuple[float, datetime, datetime]]:
        """Every slot of a scheduled validation up to ``last``: offset, from, to the next one."""
        ahead = last + timedelta(seconds=HOUR)
        offsets = sorted({*VALIDATED, *self.kept("hour-24", ahead)})
        times = [self.since + timedelta(seconds=offset) for offset in offsets]
        ends = [*times[1:], times[-1] + timedelta(days=1)]
        return [one for one in zip(offsets, times, ends, strict=True) if one[1] <= last]


@dataclass(frozen=True)
class Looked:
    """One moment at which the monitor looked, and which decisions it could know."""

    wall: datetime
    word: str
    decided: int


def checked(course: Course, looked: Iterable[Looked], patience: float) -> dict[str, tuple[bool, tuple[str, ...]]]:
    """Slot of the checklist -> whether its row says MISSED, and the status that it may have."""
    expected: dict[str, tuple[bool, tuple[str, ...]]] = {}
    done = -1.0
    for one in looked:
        known = Course(course.since, course.decisions[: one.decided])
        age = (one.wall - course.since).total_seconds()
        if age <= done:
            continue
        every = {*CHECKED, *known.kept("hour-8", one.wall)}
        every |= known.kept("hour-24", one.wall)
        for offset in sorted(offset for offset in every if done < offset <= age):
            done = offset
            missed = age - offset > patience
            status = ("NOT RUN",) if missed else (STATUS[one.word],)
            if not missed and one.word == "UNKNOWN":
                status = ("ERROR", "NOT RUN")
            expected[name_of(offset)] = (missed, status)
    return expected


STATUS = {"CONTINUE": "PASS", "WATCH": "WARN", "INVESTIGATE": "FAIL", "ROLL BACK": "FAIL", "UNKNOWN": "ERROR"}


def name_of(offset: float) -> str:
    """A slot as people say it."""
    minutes = round(offset / 60)
    if offset > 48 * HOUR and offset % DAY == 0:
        return f"day {round(offset / DAY)}"
    return f"T+{minutes // 60}" + (f":{minutes % 60:02d}" if minutes % 60 else "")
