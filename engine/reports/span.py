"""Which stretch of the records a report tells of, and which decision it serves. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from engine.config.checklist import DecisionPoint
from engine.errors import Refused
from engine.operations.model import Operation

HOURS: dict[str, float] = {"1h": 3600.0, "8h": 28800.0, "24h": 86400.0, "7d": 604800.0, "28d": 2419200.0}
"""The decision points of the watch, as ``--at`` names them, in seconds from the cutover."""
TITLES = {"1h": "Hour 1", "8h": "Hour 8", "24h": "Hour 24", "7d": "Day 7", "28d": "Day 28"}
AT = (*HOURS, "incident", "now")
LEAD = 0.04
"""Share of the stretch that is shown before the cutover began: the level that the old release left."""


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of the records; ``end`` is the report's moment: nothing later is told, but what was decided of it."""

    at: str
    title: str
    begin: datetime
    end: datetime
    cutover_at: datetime | None
    """The end of the cutover that offsets are counted from."""
    scale: float
    gate: DecisionPoint | None = None
    incident: str = ""
    """The rollback that an incident report tells of."""

    def offset(self, moment: datetime) -> float | None:
        """Seconds from the cutover as the schedule counts them (``time_scale`` times the real ones)."""
        return None if self.cutover_at is None else (moment - self.cutover_at).total_seconds() * self.scale

    def named(self, moment: datetime) -> str:
        """``T+7:12``, ``day 3 04:10``; the time of day where nothing was cut over."""
        seconds = self.offset(moment)
        return f"{moment:%H:%M:%SZ}" if seconds is None else offset_words(seconds)


def offset_words(seconds: float) -> str:
    """An offset from the cutover: ``T+0:30``, ``T-0:05``, from two days on ``day 3 04:10``."""
    minutes = int(abs(seconds) // 60)
    if seconds >= 0 and minutes > 48 * 60:
        return f"day {minutes // 1440} {minutes % 1440 // 60:02d}:{minutes % 60:02d}"
    return f"T{'-' if seconds < 0 and minutes else '+'}{minutes // 60}:{minutes % 60:02d}"


def newest(operations: Sequence[Operation], kind: str, until: datetime) -> Operation | None:
    """The newest operation of a kind that succeeded by then."""
    done = [item for item in operations if item.kind == kind and item.state == "SUCCEEDED" and item.ended]
    return max((item for item in done if item.ended and item.ended <= until), key=_ended, default=None)


def stage(operations: Sequence[Operation], cutover_at: datetime | None, now: datetime, scale: float) -> str:
    """The report that is due now: the last decision point that is past, the incident after a rollback, else now."""
    begun = [item.started for item in operations if item.kind == "rollback" and item.started and item.started <= now]
    if begun and (cutover_at is None or begun[-1] >= cutover_at):
        return "incident"  # one that stopped half-way too
    if cutover_at is None:
        return "now"
    passed = (now - cutover_at).total_seconds() * scale
    return next((at for at, seconds in reversed(HOURS.items()) if passed >= seconds), "now")


def span_of(
    at: str,
    operations: Sequence[Operation],
    decisions: Sequence[DecisionPoint],
    now: datetime,
    *,
    scale: float,
    cutover_at: datetime | None,
    first: datetime | None,
    incident: str = "",
    told: datetime | None = None,
) -> Span:
    """The stretch that ``--at`` asks for. Refused when its moment has not come, or is not there.

    ``first``: the oldest record; ``told``: the last event of the incident's rollback.
    """
    if at == "incident":
        return _of_incident(_rollback(operations, incident), operations, scale, told)
    if incident:
        raise Refused(f"{incident} is given, but the report is for {at}", "an id goes with --at incident")
    if at == "now":
        begin = _begun(operations, cutover_at) or cutover_at or first or now
        return Span("now", "Now", _led(begin, now), now, cutover_at, scale)
    if cutover_at is None:
        raise Refused(f"{at} is counted from a cutover, and none has succeeded", "abaco-ops report --at now")
    end = cutover_at + timedelta(seconds=HOURS[at] / scale)
    back = newest(operations, "rollback", now)
    if back is not None and back.ended and cutover_at <= back.ended < end:
        raise Refused(
            f"{TITLES[at].lower()} never came: {back.id} went back at {back.ended:%d %b %H:%M:%SZ}",
            f"abaco-ops report --at incident {back.id}",
        )
    if end > now:
        raise Refused(f"{TITLES[at].lower()} comes at {end:%d %b %H:%M:%SZ}", "abaco-ops report --at now")
    gate = next((point for point in decisions if abs(point.at - HOURS[at]) < 1.0), None)
    begin = _begun(operations, cutover_at) or cutover_at
    return Span(at, TITLES[at], _led(begin, end), end, cutover_at, scale, gate)


def _of_incident(back: Operation, operations: Sequence[Operation], scale: float, told: datetime | None) -> Span:
    assert back.started is not None
    end = max(moment for moment in (back.ended, told, back.started) if moment is not None)
    earlier = [item for item in operations if item.kind == "cutover" and item.started and item.started < back.started]
    cutover = earlier[-1] if earlier else None
    begin = cutover.started if cutover and cutover.started else back.started
    since = cutover.ended if cutover and cutover.state == "SUCCEEDED" else None
    return Span("incident", f"Incident {back.id}", _led(begin, end), end, since, scale, incident=back.id)


def _rollback(operations: Sequence[Operation], asked: str) -> Operation:
    found = [item for item in operations if item.kind == "rollback" and item.started]
    if asked:
        found = [item for item in found if asked in (item.id, item.id.partition("-")[0])]
    if not found:
        what = f"there is no rollback {asked!r}" if asked else "there was no rollback"
        raise Refused(f"{what}: nothing to report as an incident", "abaco-ops history lists the operations")
    return found[-1]


def _begun(operations: Sequence[Operation], cutover_at: datetime | None) -> datetime | None:
    """When the cutover that ended then began."""
    same = [item for item in operations if item.kind == "cutover" and cutover_at and item.ended == cutover_at]
    return same[-1].started if same else None


def _led(begin: datetime, end: datetime) -> datetime:
    return min(begin - (end - begin) * LEAD, end - timedelta(seconds=1))


def _ended(item: Operation) -> datetime:
    return item.ended or datetime.min.replace(tzinfo=UTC)
