"""Which alerts open, grow heavier, go up a level and clear: the alert book after one tick. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from engine.clock import Instant, compact, iso
from engine.config.monitoring import EscalationSection, MatrixRow, MonitoringConfig
from engine.config.notify import NoticeKind, NotifySection
from engine.monitoring.alerts import (
    MOST_KEPT,
    TIERS,
    VERDICT,
    Book,
    Early,
    Firing,
    Happening,
    Standing,
    heard,
    unsilenced,
    with_alert,
)
from engine.monitoring.facts import another_file
from engine.monitoring.page_words import Besides, cleared, rolled_back, unacknowledged, unresolved
from engine.notify.message import HIGHER, Notice, channels_for
from engine.records import Record, harmless

_NOTHING = Besides()


@dataclass(frozen=True, slots=True)
class Rules:
    """As configured. ``scale`` divides every time, as it does those of conditions and checklist."""

    escalation: EscalationSection
    matrix: Sequence[MatrixRow]
    notify: NotifySection
    scale: float = 1.0
    releases: tuple[str, str] = ("", "")
    """The old one and the new one."""

    @classmethod
    def of(cls, config: MonitoringConfig, scale: float, releases: tuple[str, str] = ("", "")) -> Rules:
        """Those of a deployment."""
        return cls(config.escalation, config.matrix, config.notify, scale, releases)

    def row(self, tier: str) -> tuple[str, ...]:
        """Whom the matrix names for a tier."""
        return next((tuple(row.told) for row in self.matrix if row.verdict == VERDICT[tier]), ())

    def priority(self, tier: str) -> str:
        """The priority of a tier."""
        return self.escalation.priorities.get(tier, "P3")

    def patience(self, tier: str) -> float | None:
        """Seconds that an alert of this tier may stay unacknowledged at one level; None: for ever."""
        within = self.escalation.acknowledge_within.get(self.priority(tier))
        return None if within is None else within / self.scale

    def level(self, number: int) -> str:
        """The contact of a level."""
        levels = self.escalation.levels
        return levels[min(number, len(levels) - 1)] if levels else ""


def advance(
    book: Book,
    firing: Iterable[Firing],
    events: Sequence[Record],
    now: Instant,
    rules: Rules,
    *,
    paging: bool,
    besides: Besides = _NOTHING,
) -> Book:
    """The book after one tick. ``paging`` False (an operation runs): what people wrote counts, nobody is told."""
    known = 0 if book.seq is not None and another_file(events, book.seq) else book.seq
    book = _ends(heard(book, events, now), now)
    if known is not None:
        book = _rollbacks(book, events, known, now, rules, besides)
    fires = {one.condition: one for one in firing}
    book = msgspec.structs.replace(book, early=_still_early(book, fires, now))
    if paging:
        for condition in [name for name in book.alerts if name not in fires]:
            book = _cleared(book, book.alerts[condition], now, rules, besides)
        for one in fires.values():
            book = _stands(book, one, now, rules)
        book = _with_besides(book, now, besides)
    return msgspec.structs.replace(book, unrecorded=book.unrecorded[-MOST_KEPT:], outbox=_kept(book.outbox))


def _still_early(book: Book, fires: Mapping[str, Firing], now: Instant) -> dict[str, Early]:
    """What was acknowledged before it was opened stays so while it fires and grows no heavier; what was taken
    beforehand, until its end.
    """
    kept = {}
    for condition, early in book.early.items():
        one, ends = fires.get(condition), early.taken.ends
        if ends is not None and ends <= now.boot:
            continue
        if one is None:
            if early.beforehand:
                kept[condition] = early
            continue
        if early.tier and TIERS.index(one.tier) > TIERS.index(early.tier):
            continue
        kept[condition] = msgspec.structs.replace(early, tier=early.tier or one.tier)
    return kept


def due_at(alert: Standing, now: Instant, rules: Rules) -> datetime | None:
    """When it goes up a level unless somebody takes it (a label); None when it does not."""
    due = _deadline(alert, rules)
    return None if due is None else now.wall + timedelta(seconds=due - now.boot)


def _kept(outbox: tuple[Notice, ...]) -> tuple[Notice, ...]:
    """Pages last longest: where there is no room for all, what has cleared goes first."""
    if len(outbox) <= MOST_KEPT:
        return outbox
    light = [one for one in outbox if one.kind in ("cleared", "update")]
    drop = {one.id for one in light[: len(outbox) - MOST_KEPT]}
    return tuple(one for one in outbox if one.id not in drop)[-MOST_KEPT:]


def _ends(book: Book, now: Instant) -> Book:
    """Acknowledgements and silences end by themselves; the level's clock then begins anew where it was."""
    for condition, silence in book.silences.items():
        if silence.ends <= now.boot:
            book = unsilenced(book, condition, silence.ends)
    for alert in book.alerts.values():
        if alert.taken is not None and alert.taken.ends is not None and alert.taken.ends <= now.boot:
            clock = None if alert.clock is None else alert.taken.ends
            book = with_alert(book, msgspec.structs.replace(alert, taken=None, clock=clock))
    return book


def _stands(book: Book, one: Firing, now: Instant, rules: Rules) -> Book:
    alert = book.alerts.get(one.condition)
    if alert is None:
        name = f"{one.condition}-{compact(now.wall)}-{book.opened + 1}"
        early = book.early.get(one.condition)
        taken = early.taken if early is not None else None
        alert = Standing(
            name, one.condition, one.tier, one.text, now.wall, taken=taken, drill=book.drill, began=now.boot
        )
        rest = {condition: item for condition, item in book.early.items() if condition != one.condition}
        book = msgspec.structs.replace(book, opened=book.opened + 1, early=rest)
        book, alert = _record(book, alert, "alert.opened", now, rules, to=_now_and_later(one, now, rules)[0])
    alert = msgspec.structs.replace(alert, tier=one.tier, text=one.text)
    if one.condition not in book.silences:
        if TIERS.index(one.tier) > TIERS.index(alert.peak):
            book, alert = _heavier(book, alert, one, now, rules)
        elif one.flapping and not alert.flapping:
            alert = msgspec.structs.replace(alert, flapping=True)
            book, alert = _tell(book, alert, "opened", f"flapping: {one.text}", alert.told, now, rules)
        book, alert = _waited(book, alert, now, rules)
        book, alert = _escalated(book, alert, now, rules)
    return with_alert(book, alert)


def _heavier(book: Book, alert: Standing, one: Firing, now: Instant, rules: Rules) -> tuple[Book, Standing]:
    """People are told of a tier that they were not told of; who took a lighter one has not taken this."""
    grown = bool(alert.peak)
    to, later = _now_and_later(one, now, rules)
    changes: dict[str, Any] = {"peak": one.tier, "later": later, "flapping": alert.flapping or one.flapping}
    if grown:
        changes |= {"drill": book.drill or alert.drill}
        changes |= {"taken": None, "clock": now.boot if alert.clock is not None else None}
    alert = msgspec.structs.replace(alert, **changes)
    if grown:
        book, alert = _record(book, alert, "alert.opened", now, rules, to=to)
    return _tell(book, alert, "opened", one.text, to, now, rules)


def _now_and_later(one: Firing, now: Instant, rules: Rules) -> tuple[tuple[str, ...], tuple[tuple[str, float], ...]]:
    """Who is told at once, and who when it still stands later on."""
    row = rules.row(one.tier)
    also = tuple(item.contact for item in rules.escalation.also if one.condition in item.conditions and row)
    waits = {item.contact: item.after for item in rules.escalation.waits if item.verdict == VERDICT[one.tier]}
    left = {contact: waits[contact] / rules.scale - one.hold for contact in row if contact in waits}
    later = tuple((contact, now.boot + seconds) for contact, seconds in left.items() if seconds > 0)
    waiting = {contact for contact, _ in later}
    at_once = dict.fromkeys(contact for contact in (*row, *also) if contact not in waiting)
    return tuple(at_once), later


def _waited(book: Book, alert: Standing, now: Instant, rules: Rules) -> tuple[Book, Standing]:
    due = tuple(contact for contact, at in alert.later if at <= now.boot)
    if not due:
        return book, alert
    alert = msgspec.structs.replace(alert, later=tuple(item for item in alert.later if item[0] not in due))
    if not alert.told:
        return _tell(book, alert, "opened", alert.text, due, now, rules)
    # by the routes it is an alert, since these people were not told yet; on a pager that rang before it is no new one
    return _tell(book, alert, "opened", unresolved(alert, now), due, now, rules, head=HIGHER)


def _deadline(alert: Standing, rules: Rules) -> float | None:
    patience = rules.patience(alert.peak) if alert.peak else None
    if alert.clock is None or alert.taken is not None or patience is None:
        return None
    return alert.clock + patience if alert.level + 1 < len(rules.escalation.levels) else None


def _escalated(book: Book, alert: Standing, now: Instant, rules: Rules) -> tuple[Book, Standing]:
    due = _deadline(alert, rules)
    if due is None or now.boot < due:
        return book, alert
    said = unacknowledged(alert, now.boot - (alert.clock or 0.0))
    alert = msgspec.structs.replace(alert, level=alert.level + 1, clock=now.boot)
    level = rules.level(alert.level)
    book, alert = _record(book, alert, "alert.escalated", now, rules, to=(level,))
    return _tell(book, alert, "escalated", said, (level,), now, rules)


def _cleared(book: Book, alert: Standing, now: Instant, rules: Rules, besides: Besides) -> Book:
    """It is over: recorded, and told once to everyone who was told of it, unless it is silenced."""
    alert = msgspec.structs.replace(alert, text=cleared(alert, now, besides))
    book, alert = _record(book, alert, "alert.cleared", now, rules, to=alert.told)
    if alert.condition not in book.silences:
        book, alert = _tell(book, alert, "cleared", alert.text, alert.told, now, rules)
    alerts = {name: one for name, one in book.alerts.items() if name != alert.condition}
    return msgspec.structs.replace(book, alerts=alerts)


def _record(
    book: Book, alert: Standing, kind: str, now: Instant, rules: Rules, *, to: Sequence[str]
) -> tuple[Book, Standing]:
    alert = msgspec.structs.replace(alert, count=alert.count + 1)
    data: dict[str, Any] = {
        "alert": alert.id,
        "n": alert.count,
        "condition": alert.condition,
        "tier": alert.tier,
        "priority": rules.priority(alert.peak or alert.tier),
        "text": harmless(alert.text),
        "level": rules.level(alert.level),
        "to": list(to),
        "decided": iso(now.wall),
    }
    if alert.condition in book.silences:
        data |= {"silenced": True}
    return msgspec.structs.replace(book, unrecorded=(*book.unrecorded, Happening(kind, data))), alert


def _tell(
    book: Book,
    alert: Standing,
    kind: NoticeKind,
    text: str,
    to: Sequence[str],
    now: Instant,
    rules: Rules,
    *,
    head: str = "",
) -> tuple[Book, Standing]:
    """A notice to ``to``, by the channels that the routes give; nobody to tell: none."""
    if not to:
        return book, alert
    tier = alert.peak or alert.tier
    told = tuple(dict.fromkeys((*alert.told, *to)))
    clock = now.boot if alert.clock is None else alert.clock
    alert = msgspec.structs.replace(alert, count=alert.count + 1, told=told, told_at=now.wall, clock=clock)
    notice = Notice(
        id=f"{alert.id}.{alert.count}",
        kind=kind,
        text=harmless(text, 600),
        to=tuple(to),
        at=now.wall,
        boot=now.boot,
        alert=alert.id,
        condition=alert.condition,
        tier=tier,
        priority=rules.priority(tier),
        verdict=VERDICT[tier],
        level=rules.level(alert.level),
        drill=alert.drill,
        since=alert.opened,
        head=head,
    )
    return sent(book, notice, rules), alert


def _with_besides(book: Book, now: Instant, besides: Besides) -> Book:
    """Who reads that going back is recommended reads in the same message whether we can."""
    if not besides.way_back:
        return book

    def said(one: Notice) -> Notice:
        if one.boot != now.boot or one.kind not in ("opened", "escalated"):
            return one
        way_back = besides.way_back if one.tier == "rollback" else one.way_back
        return msgspec.structs.replace(one, way_back=way_back, release=besides.release)

    return msgspec.structs.replace(book, outbox=tuple(said(one) for one in book.outbox))


def sent(book: Book, notice: Notice, rules: Rules) -> Book:
    """The book with this notice to deliver, where a route leads it to a channel."""
    notice = msgspec.structs.replace(notice, channels=channels_for(rules.notify, notice))
    return msgspec.structs.replace(book, outbox=(*book.outbox, notice)) if notice.channels else book


def _rollbacks(book: Book, events: Sequence[Record], known: int, now: Instant, rules: Rules, besides: Besides) -> Book:
    """A rollback that was performed, or needs a person, is told at once, whatever else holds."""
    section = rules.escalation
    for event in events:
        data, seq = event.get("data"), event.get("seq")
        if event.get("kind") != "operation.ended" or not isinstance(data, dict) or not isinstance(seq, int):
            continue
        state = str(data.get("state"))
        if seq <= known or data.get("kind") != "rollback" or state not in ("SUCCEEDED", "NEEDS_HUMAN"):
            continue
        to = tuple(section.rolled_back) or rules.row("rollback")
        if state == "NEEDS_HUMAN":
            to = (*to, *(section.rollback_failed or section.levels[-1:]))
        notice = Notice(
            f"rollback-{seq}",
            "rollback",
            harmless(rolled_back(event, data, besides.asked, rules.releases), 600),
            tuple(dict.fromkeys(to)),
            now.wall,
            now.boot,
            priority="P1",
            verdict="ROLL BACK",
            drill=book.drill,
        )
        book = sent(book, notice, rules)
    return book
