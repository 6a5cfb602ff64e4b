"""The newest events of the audit trail in words; the runs of a release, recorded every few seconds, share a line."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.clock import pretty_duration
from engine.monitoring.kept import TOGETHER
from engine.operations.model import state_in_words
from engine.records import Record, harmless

LAST_EVENTS = 60


class Runs(msgspec.Struct, frozen=True):
    """Good runs of one release, one after another, with nothing else between."""

    release: str
    since: str
    """``09:12:04``."""
    until: str
    count: int

    def words(self) -> str:
        """``09:13:00 v2 published 12 runs since 09:12:04``."""
        runs = "a run" if self.count == 1 else f"{self.count} runs since {self.since}"
        return harmless(f"{self.until} {self.release} published {runs}", 300)


class Told(msgspec.Struct, frozen=True):
    """The newest events, oldest first; :func:`tell` adds more."""

    items: tuple[str | Runs, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """One line each."""
        return tuple(item.words() if isinstance(item, Runs) else item for item in self.items)


def tell(told: Told, events: Iterable[Record]) -> Told:
    """``told`` with ``events`` added, in order."""
    kept: deque[str | Runs | Record] = deque(told.items, maxlen=LAST_EVENTS)
    for event in events:
        kind, data = event.get("kind"), _data(event)
        if kind == "run.started" or (kind == "way_back.proven" and data.get("ok") is True):
            continue
        if kind == "run.finished" and data.get("status") == "ok":
            _add_run(kept, str(data.get("release", "?")), event)
        else:
            kept.append(event)
    return Told(tuple(item if isinstance(item, str | Runs) else in_words(item) for item in kept))


def _add_run(kept: deque[str | Runs | Record], release: str, event: Record) -> None:
    """``event`` may stand for several runs, where the monitor keeps them so."""
    last, clock = kept[-1] if kept else None, _clock(event)
    together = event.get(TOGETHER) or {"since": event.get("at"), "count": 1}
    if isinstance(last, Runs) and last.release == release:
        kept[-1] = replace(last, until=clock, count=last.count + together["count"])
    else:
        kept.append(Runs(release, _clock({"at": together["since"]}), clock, together["count"]))


def in_words(event: Record) -> str:
    """One event as a line: time, what happened, and who did it where a person may have."""
    kind, data = str(event.get("kind", "?")), _data(event)
    say = _WORDS.get(kind)
    words = say(data, str(event.get("operation") or "an operation")) if say else _as_it_is(event, kind, data)
    who = f" ({event.get('actor', '?')})" if say is None or kind in BY_PEOPLE else ""
    return harmless(f"{_clock(event)} {words}{who}{_filled_in(data)}", 300)


def _filled_in(data: dict[str, Any]) -> str:
    """An event that the trail had missed stands where it was filled in, and happened earlier."""
    if data.get("back_filled") is not True:
        return ""
    return f" [filled in from the journal, happened {_clock({'at': data.get('journal_at')})}Z]"


def _as_it_is(event: Record, kind: str, data: dict[str, Any]) -> str:
    shown = " ".join(f"{key}={value}" for key, value in data.items() if isinstance(value, str | int | float | bool))
    return " ".join(part for part in (kind, str(event.get("operation") or ""), shown) if part)


def _accepted(data: dict[str, Any], operation: str) -> str:
    return f"{operation} accepted" + (f": {data['reason']}" if data.get("reason") else "")


def _go(data: dict[str, Any], operation: str) -> str:
    return f"{operation} told to go from {data.get('origin', '?')}" + (
        f": {data['reason']}" if data.get("reason") else ""
    )


def _ended(data: dict[str, Any], operation: str) -> str:
    state, seconds, later = str(data.get("state", "?")), data.get("seconds"), data.get("later")
    spent = f" after {seconds:.1f} s" if isinstance(seconds, int | float) else ""
    if data.get("resolved") is not None:
        return f"{operation} stopped{spent}, CLOSED BY HAND: {data['resolved']}; found: {data.get('found', '?')}"
    if state == "ROLLED_BACK":
        by = f" by {data['by']}" if data.get("by") else ""
        then = f" {pretty_duration(later)} later" if isinstance(later, int | float) else ""
        return f"{operation} stopped{spent}, ROLLED BACK{by}{then}"
    if data.get("kind") == "validate" and state in ("SUCCEEDED", "ABORTED") and data.get("found"):
        return f"{operation} {data['found']}{spent}"
    return f"{operation} {state_in_words(state)}{spent}"


def _validated(data: dict[str, Any], _operation: str) -> str:
    checks = data.get("checks")
    checks = checks if isinstance(checks, dict) else {}
    passed = sum(status == "PASS" for status in checks.values())
    others = ", ".join(f"{name} {status}" for name, status in checks.items() if status != "PASS")
    kind = "scheduled validation" if data.get("scheduled") else "validation"
    if data.get("live", True) is False:
        kind = "trial on another tape: validation"
    words = f"{kind} of {data.get('release', '?')} {data.get('status', '?')} {passed}/{len(checks)}"
    return f"{words}: {others}" if others else words


def _not_proven(data: dict[str, Any], _operation: str) -> str:
    return f"way back NOT proven: {data.get('reason') or 'no reason given'}"


def _rehearsed(data: dict[str, Any], _operation: str) -> str:
    if data.get("ok") is not True:
        return f"rollback rehearsed: NOT READY: {data.get('reason') or 'no reason given'}"
    seconds = data.get("seconds")
    took = f", {seconds:.1f} s" if isinstance(seconds, int | float) else ""
    return f"rollback rehearsed: READY{took}" + (f"; {data['note']}" if data.get("note") else "")


def _run(data: dict[str, Any], _operation: str) -> str:
    return f"{data.get('release', '?')} run {str(data.get('status', '?')).upper()}"


def _ticked(data: dict[str, Any], _operation: str) -> str:
    said = "; ".join(str(data[key]) for key in ("measured", "note") if data.get(key))
    return f"confirmed {data.get('key', '?')}" + (f": {said}" if said else "")


def _overridden(data: dict[str, Any], _operation: str) -> str:
    return f"overridden {data.get('key', '?')}: {data.get('note', '')}"


def _acknowledged(data: dict[str, Any], _operation: str) -> str:
    return f"{data.get('condition', '?')} acknowledged" + (f": {data['reason']}" if data.get("reason") else "")


def _silenced(data: dict[str, Any], _operation: str) -> str:
    until = str(data.get("until", ""))
    if data.get("reason") == "ended":
        return f"{data.get('condition', '?')} silenced no more"
    return f"{data.get('condition', '?')} silenced until {until[11:16]}Z: {data.get('reason', '')}"


def _alerted(what: str) -> Callable[[dict[str, Any], str], str]:
    def say(data: dict[str, Any], _operation: str) -> str:
        to = named(data.get("to")).replace("_", " ")
        quiet = "; silenced" if data.get("silenced") else ""
        told = f"; to {to}" if to and not quiet else ""
        mark = f"{data.get('priority', '')} {data.get('condition', '?')}".strip()
        return f"alert {what} {mark}: {data.get('text', '')}{told}{quiet}"

    return say


def _notified(data: dict[str, Any], _operation: str) -> str:
    about = " ".join(str(data[key]) for key in ("about", "alert") if data.get(key))
    to = named(data.get("to")).replace("_", " ")
    if data.get("ok") is not True:
        return f"channel {data.get('channel', '?')} FAILED: {data.get('detail', '')} ({about})"
    return f"told by {named(data.get('channel')) or '?'}{f' to {to}' if to else ''}: {about}, {data.get('detail', '')}"


def _tested(data: dict[str, Any], _operation: str) -> str:
    channels = data.get("channels")
    found = channels if isinstance(channels, dict) else {}
    said = [f"{name} {'ok' if isinstance(one, dict) and one.get('ok') else 'FAILED'}" for name, one in found.items()]
    return f"alert channels tested: {', '.join(said) or 'none'}"


def _update_sent(data: dict[str, Any], _operation: str) -> str:
    channels = named(data.get("channels"))
    return f"status update sent by {channels or 'hand'}"


def _reported(data: dict[str, Any], _operation: str) -> str:
    return f"report {data.get('report', '?')} written: {data.get('path', '?')}"


def _archived(data: dict[str, Any], _operation: str) -> str:
    rotated = f"; the monitoring log became {data['rotated']}" if data.get("rotated") else ""
    return (
        f"archive {data.get('archive', '?')} written: {data.get('path', '?')}, {data.get('files', '?')} files{rotated}"
    )


def _service(what: str) -> Callable[[dict[str, Any], str], str]:
    def say(data: dict[str, Any], _operation: str) -> str:
        name = data.get("release") or data.get("service") or "service"
        return f"{name} {what}" + (f": {data['reason']}" if data.get("reason") else "")

    return say


def _decided(data: dict[str, Any], _operation: str) -> str:
    words = f"{data.get('gate', '?')} gate decided {str(data.get('decision', '?')).upper()}"
    waivers = data.get("waivers")
    if isinstance(waivers, list) and waivers:
        named = [
            f"{one.get('criterion', '?')} with {one.get('second', '?')}" for one in waivers if isinstance(one, dict)
        ]
        words += f", waived {', '.join(named)}"
    return words + (f": {data['note']}" if data.get("note") else "")


def _release_tested(data: dict[str, Any], _operation: str) -> str:
    said = "passed" if data.get("ok") is True else f"FAILED: {data.get('reason') or 'no reason given'}"
    return f"tests of {data.get('release', '?')} {said}"


def _watch_taken(data: dict[str, Any], _operation: str) -> str:
    return f"watch taken by {data.get('holder', '?')}" + (f" from {data['from']}" if data.get("from") else "")


def _slot(what: str) -> Callable[[dict[str, Any], str], str]:
    return lambda data, _operation: f"validation of {slot_words(data)} {what}"


def _noted(data: dict[str, Any], _operation: str) -> str:
    on = f" on {data['operation']}" if data.get("operation") else ""
    return f"note{on}: {data.get('text', '')}"


def slot_words(data: dict[str, Any]) -> str:
    """A slot by the name that people say; an older record has its number alone, and slots come by the hour."""
    return str(data.get("name") or (f"T+{data['slot']}" if data.get("slot") else "?"))


def _seconds(what: str) -> Callable[[dict[str, Any], str], str]:
    return lambda data, _operation: f"{what} by {data.get('seconds', '?')} s"


def _stood_still(data: dict[str, Any], _operation: str) -> str:
    return f"the monitor was stopped or the machine suspended for {data.get('seconds', '?')} s"


def _memory_lost(data: dict[str, Any], _operation: str) -> str:
    lost = data.get("lost")
    parts = ", ".join(f"{name} ({', '.join(map(str, what))})" for name, what in dict(lost or {}).items())
    return f"the monitor lost a part of its memory: {parts or '?'}"


def _drill_began(data: dict[str, Any], _operation: str) -> str:
    return (
        f"DRILL {data.get('drill', '?')} of {data.get('release', '?')} begun, to {str(data.get('until', '?'))[11:19]}"
    )


def _drill_ended(data: dict[str, Any], _operation: str) -> str:
    restored = data.get("restored")
    said = "; ".join(map(str, restored)) if isinstance(restored, list) else ""
    left = "" if data.get("ok") is True else " and NOT everything is as it was"
    return f"DRILL {data.get('drill', '?')} ended, {data.get('why', '?')}{left}" + (f": {said}" if said else "")


_WORDS: dict[str, Callable[[dict[str, Any], str], str]] = {
    "operation.accepted": _accepted,
    "operation.holding": lambda _data, operation: f"{operation} holds before phase 3, waits for go",
    "operation.go": _go,
    "operation.ended": _ended,
    "operation.forced": lambda data, _operation: str(data.get("detail", "")),
    "validation.finished": _validated,
    "way_back.proven": _not_proven,
    "rollback.rehearsed": _rehearsed,
    "run.finished": _run,
    "checklist.done": _ticked,
    "checklist.overridden": _overridden,
    "ack": _acknowledged,
    "silenced": _silenced,
    "alert.opened": _alerted("opened"),
    "alert.escalated": _alerted("ESCALATED"),
    "alert.cleared": _alerted("cleared"),
    "notified": _notified,
    "notify.tested": _tested,
    "update.sent": _update_sent,
    "kpi.anomaly": lambda data, _operation: f"KPI anomaly, for {data.get('owner', '?')}: {data.get('text', '?')}",
    "note": _noted,
    "watch.taken": _watch_taken,
    "report.written": _reported,
    "archive.written": _archived,
    "evidence.saved": lambda data, _operation: f"evidence of {data.get('screen', '?')} saved: {data.get('path', '?')}",
    "gate.decided": _decided,
    "gate.overdue": lambda data, _operation: f"{data.get('text', '?')}; told: {named(data.get('to'))}",
    "release.tested": _release_tested,
    "schedule.missed": _slot("MISSED: the monitor did not run"),
    "schedule.late": _slot("LATE: runs now"),
    "clock.stepped": _seconds("the clock stepped"),
    "monitor.absent": lambda data, _operation: f"no monitor ran for {data.get('seconds', '?')} s",
    "monitor.suspended": _stood_still,
    "monitor.memory_lost": _memory_lost,
    "audit.trail_lost": lambda data, _operation: f"the audit trail was LOST: {data.get('what', '?')}",
    "rollback.tell": lambda data, _operation: str(data.get("text", "")),
    "drill.started": _drill_began,
    "drill.ended": _drill_ended,
    "service.restarted": _service("RESTARTED"),
    "service.failed": _service("FAILED"),
    "service.adopted": _service("adopted again by its supervisor"),
    "service.start": _service("started by hand"),
    "service.stop": _service("stopped by hand"),
}
BY_PEOPLE = frozenset(
    {
        "operation.accepted",
        "operation.go",
        "rollback.rehearsed",
        "checklist.done",
        "checklist.overridden",
        "ack",
        "silenced",
        "notify.tested",
        "update.sent",
        "note",
        "gate.decided",
        "drill.started",
        "service.start",
        "service.stop",
        "report.written",
        "archive.written",
        "evidence.saved",
    }
)


def named(names: object) -> str:
    """What may be one name or a list of them, in words."""
    return ", ".join(str(one) for one in names) if isinstance(names, list | tuple) else str(names or "")


def _data(event: Record) -> dict[str, Any]:
    data = event.get("data")
    return data if isinstance(data, dict) else {}


def _clock(event: Record) -> str:
    return harmless(str(event.get("at", ""))[11:19] or "--:--:--", 8)
