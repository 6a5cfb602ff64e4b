"""The alert book: what stands open, who took it, what is silenced, and what has still to be told or recorded."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.clock import Instant, parse_iso
from engine.monitoring.facts import another_file
from engine.notify.message import Notice
from engine.records import Record, harmless

TIERS = ("", "warning", "unknown", "critical", "rollback")
"""What a condition can alert about, lightest first; ``unknown``: a value that the verdict needs is missing."""
VERDICT = {"rollback": "ROLL BACK", "critical": "INVESTIGATE", "unknown": "UNKNOWN", "warning": "WATCH"}
MOST_KEPT = 400
"""Notices and happenings kept at most while nothing can be delivered or written; the oldest go first."""


class Firing(msgspec.Struct, frozen=True):
    """A condition that fires now."""

    condition: str
    tier: str
    text: str
    hold: float = 0.0
    """Seconds that it had to hold before it fired."""
    flapping: bool = False


class Taken(msgspec.Struct, frozen=True):
    """An acknowledgement. ``until`` is its label, ``ends`` the boot time that counts; None: until it clears."""

    by: str
    owner: str
    reason: str
    at: datetime
    until: datetime | None = None
    ends: float | None = None


class Silence(msgspec.Struct, frozen=True):
    """Nobody is paged about a condition until then."""

    by: str
    reason: str
    until: datetime
    ends: float


class Standing(msgspec.Struct, frozen=True):
    """One open alert."""

    id: str
    condition: str
    tier: str
    """What fires now."""
    text: str
    opened: datetime
    peak: str = ""
    """The heaviest tier that people were told of, or are about to be; empty: nobody was."""
    level: int = 0
    clock: float | None = None
    """Boot time from which the present level's time to acknowledge counts; None: nobody was told yet."""
    taken: Taken | None = None
    told: tuple[str, ...] = ()
    """Contacts that were told, each once, in order."""
    told_at: datetime | None = None
    later: tuple[tuple[str, float], ...] = ()
    """Contacts that are told when it still stands at this boot time."""
    flapping: bool = False
    count: int = 0
    """How many things happened to it; numbers its notices and happenings."""
    drill: str = ""
    """The drill during which it opened, or grew heavier; empty: it is real."""
    began: float = 0.0
    """Boot time when it was opened."""


class Happening(msgspec.Struct, frozen=True):
    """An event that was decided and is not seen in the audit trail yet."""

    kind: str
    data: dict[str, Any]

    @property
    def key(self) -> tuple[str, str, int]:
        """Tells it from every other."""
        return self.kind, str(self.data.get("alert")), int(self.data.get("n") or 0)


class Early(msgspec.Struct, frozen=True):
    """An acknowledgement of what fires and is not open yet, because an operation runs."""

    taken: Taken
    tier: str = ""
    """What fired when it was written: a heavier one was not taken."""
    beforehand: bool = False
    """Meant for what does not fire yet: kept until its end."""


class Book(msgspec.Struct, frozen=True):
    """Everything that a restart must not forget."""

    alerts: dict[str, Standing] = {}
    """By condition: one each."""
    silences: dict[str, Silence] = {}
    unrecorded: tuple[Happening, ...] = ()
    outbox: tuple[Notice, ...] = ()
    seq: int | None = None
    """The last event of the audit trail that is in it; None: a new book."""
    opened: int = 0
    """How many alerts there ever were."""
    unidentified: float | None = None
    """Boot time since when no release can be identified."""
    early: dict[str, Early] = {}
    drill: str = ""
    """The drill that was begun and not ended: ``latency of v2``."""
    overdue: tuple[str, ...] = ()
    """Gates that were told as overdue, each with when it was due."""
    stopped: dict[str, str] = {}
    """Operations that were told as stopped half-way, each with when, and not yet as going on."""


def rebased(book: Book, shift: float) -> Book:
    """The book with every boot time moved by ``shift`` seconds: after a reboot boot times count from elsewhere."""

    def moved(moment: float | None) -> float | None:
        return None if moment is None else moment + shift

    def standing(one: Standing) -> Standing:
        taken = one.taken and msgspec.structs.replace(one.taken, ends=moved(one.taken.ends))
        later = tuple((contact, at + shift) for contact, at in one.later)
        began = one.began + shift
        return msgspec.structs.replace(one, clock=moved(one.clock), taken=taken, later=later, began=began)

    return msgspec.structs.replace(
        book,
        alerts={name: standing(one) for name, one in book.alerts.items()},
        silences={name: msgspec.structs.replace(one, ends=one.ends + shift) for name, one in book.silences.items()},
        outbox=tuple(msgspec.structs.replace(one, boot=one.boot + shift) for one in book.outbox),
        unidentified=None,
        early={},
    )


def heard(book: Book, events: Iterable[Record], now: Instant) -> Book:
    """The book after what people and the monitor itself wrote into the audit trail. Damaged events change nothing."""
    known = [event for event in events if isinstance(event.get("seq"), int)]
    if book.seq is not None and another_file(known, book.seq):
        book = msgspec.structs.replace(book, seq=0)
    for event in known:
        if book.seq is not None and event["seq"] <= book.seq:
            continue
        try:
            book = _one(book, str(event["kind"]), event, event["data"], now)
        except (KeyError, TypeError, ValueError, AttributeError):
            continue
    return msgspec.structs.replace(book, seq=known[-1]["seq"] if known else book.seq or 0)


def _one(book: Book, kind: str, event: Record, data: dict[str, Any], now: Instant) -> Book:
    if kind == "ack":
        return _acknowledged(book, event, data, now)
    if kind == "silenced":
        return _silenced(book, event, data, now)
    if kind == "notified" and data.get("ok") is True:
        return delivered(book, str(data["notice"]), str(data["channel"]))
    if kind.startswith("alert.") or kind == "gate.overdue":
        key = Happening(kind, data).key
        return msgspec.structs.replace(book, unrecorded=tuple(one for one in book.unrecorded if one.key != key))
    if kind == "drill.started":
        words = harmless(f"{data['drill']} of {data.get('release') or '?'}", 80)
        return msgspec.structs.replace(book, drill=words)
    if kind == "drill.ended":
        return msgspec.structs.replace(book, drill="")
    return book


def _acknowledged(book: Book, event: Record, data: dict[str, Any], now: Instant) -> Book:
    alert = book.alerts.get(str(data["condition"]))
    at = parse_iso(str(event["at"]))
    taken = taken_of(event, data, now)
    if taken.ends is not None and taken.ends <= now.boot:
        return book
    if alert is None:
        early = Early(taken, beforehand=data.get("early") is True and taken.ends is not None)
        return msgspec.structs.replace(book, early={**book.early, str(data["condition"]): early})
    # in a trail that is read again; a clock that was set back since makes no acknowledgement older than its alert
    if at < alert.opened - timedelta(seconds=1) and float(event.get("boot") or 0.0) < alert.began:
        return book
    return with_alert(book, msgspec.structs.replace(alert, taken=taken))


def taken_of(event: Record, data: dict[str, Any], now: Instant) -> Taken:
    """The acknowledgement in an event. What is left of it counts in boot time from ``now``."""
    by = harmless(event.get("actor") or "?", 60)
    until = parse_iso(str(data["until"])) if data.get("until") else None
    ends = now.boot + (until - now.wall).total_seconds() if until else None
    owner, reason = harmless(data.get("owner") or by, 60), harmless(data.get("reason") or "", 400)
    return Taken(by, owner, reason, parse_iso(str(event["at"])), until, ends)


def _silenced(book: Book, event: Record, data: dict[str, Any], now: Instant) -> Book:
    condition, until = str(data["condition"]), parse_iso(str(data["until"]))
    left = (until - now.wall).total_seconds()
    if until <= parse_iso(str(event["at"])):
        return unsilenced(book, condition, now.boot)
    if left <= 0:
        return book
    by, reason = harmless(event.get("actor") or "?", 60), harmless(data.get("reason") or "", 400)
    silence = Silence(by, reason, until, now.boot + left)
    return msgspec.structs.replace(book, silences={**book.silences, condition: silence})


def unsilenced(book: Book, condition: str, at: float) -> Book:
    """The silence is over: the present level's clock begins anew at boot time ``at``."""
    if condition not in book.silences:
        return book
    rest = {name: one for name, one in book.silences.items() if name != condition}
    alert = book.alerts.get(condition)
    if alert is not None and alert.clock is not None:
        book = with_alert(book, msgspec.structs.replace(alert, clock=at))
    return msgspec.structs.replace(book, silences=rest)


def delivered(book: Book, notice: str, channel: str) -> Book:
    """One channel has delivered one notice, or has given it up."""
    left = []
    for one in book.outbox:
        if one.id == notice:
            one = msgspec.structs.replace(one, channels=tuple(name for name in one.channels if name != channel))
        if one.channels:
            left.append(one)
    return msgspec.structs.replace(book, outbox=tuple(left))


def with_alert(book: Book, alert: Standing) -> Book:
    """The book with this alert as it is now."""
    return msgspec.structs.replace(book, alerts={**book.alerts, alert.condition: alert})
