"""What people answer during the watch, as events: ticks, overrides, notes, acknowledgements, the watch itself.

Console and command line both write through these functions, and read them back through :func:`extend`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

import msgspec

from engine.clock import Clock, SystemClock, iso, parse_iso, pretty_duration
from engine.config import Deployment
from engine.config.looking import must_write
from engine.errors import Refused
from engine.records import Record, append_event, harmless

SOURCE = "people"
NOTE_LIMIT = 400
_WRITES = {
    "checklist.done": "a tick",
    "checklist.overridden": "an override",
    "note": "a note",
    "ack": "an acknowledgement",
    "silenced": "a silence",
    "watch.taken": "taking the watch",
}


class Answer(msgspec.Struct, frozen=True):
    """How one line of the checklist was answered."""

    key: str
    kind: str
    """``done`` or ``overridden``."""
    who: str
    at: datetime
    measured: str
    note: str


Answers = Mapping[str, tuple[Answer, ...]]
"""Checklist key -> its answers, oldest first."""


def tick(
    deployment: Deployment, key: str, *, measured: str = "", note: str = "", actor: str, clock: Clock | None = None
) -> Record:
    """Confirm one line of the checklist with what was measured."""
    data = {"key": key, "measured": _clean(measured), "note": _clean(note)}
    return _append(deployment, "checklist.done", data, actor, clock)


def override(
    deployment: Deployment, key: str, *, reason: str, measured: str = "", actor: str, clock: Clock | None = None
) -> Record:
    """Close one line against its measurement; Refused without a reason."""
    data = {"key": key, "measured": _clean(measured), "note": _required(reason, "an override needs a reason")}
    return _append(deployment, "checklist.overridden", data, actor, clock)


def note(deployment: Deployment, text: str, *, operation: str = "", actor: str, clock: Clock | None = None) -> Record:
    """Write a note; with the id of an ``operation``, its reason is given so afterwards. Refused when it is empty."""
    data = {"text": _required(text, "the note is empty")}
    return _append(deployment, "note", data | ({"operation": operation} if operation else {}), actor, clock)


def acknowledge(
    deployment: Deployment,
    condition: str,
    *,
    reason: str = "",
    owner: str = "",
    lasts: float | None = None,
    early: bool = False,
    actor: str,
    clock: Clock | None = None,
) -> Record:
    """Say that ``owner`` (who writes, when none is given) has taken a condition, for ``lasts`` seconds or until it
    clears; Refused when there is none of that name. ``early``: before it fires, which needs ``lasts``.
    """
    _known(deployment, condition)
    if lasts is not None and lasts <= 0:
        raise Refused("an acknowledgement for no time acknowledges nothing", "--for 2h, or leave it out")
    if early and lasts is None:
        raise Refused("what is taken before it fires is taken for a time", "--early --for 2h")
    until = None if lasts is None else iso(_now(clock) + timedelta(seconds=lasts))
    data: dict[str, str | bool | None] = {
        "condition": condition,
        "reason": _clean(reason),
        "owner": _clean(owner) or actor,
        "until": until,
    }
    return _append(deployment, "ack", data | ({"early": True} if early else {}), actor, clock)


def silence(
    deployment: Deployment, condition: str, *, reason: str, lasts: float, actor: str, clock: Clock | None = None
) -> Record:
    """Page nobody about a condition for ``lasts`` seconds; Refused without a reason, or for longer than configured."""
    _known(deployment, condition)
    longest = float(deployment.monitoring.silences.longest)
    if not 0 < lasts <= longest:
        over = f"{pretty_duration(lasts - longest)} less than asked for" if lasts > longest else "and more than 0 s"
        raise Refused(
            f"a silence lasts up to {pretty_duration(longest)}, {over}",
            "give --for 30m; a longer one is written anew, so that somebody looks again",
        )
    cleaned = _required(reason, "a silence needs a reason")
    data = {"condition": condition, "reason": cleaned, "until": iso(_now(clock) + timedelta(seconds=lasts))}
    return _append(deployment, "silenced", data, actor, clock)


def end_silence(deployment: Deployment, condition: str, *, actor: str, clock: Clock | None = None) -> Record:
    """End a silence before its time."""
    _known(deployment, condition)
    # until the moment before it is written: it has ended
    data = {"condition": condition, "reason": "ended", "until": iso(_now(clock) - timedelta(milliseconds=1))}
    return _append(deployment, "silenced", data, actor, clock)


def take_watch(deployment: Deployment, *, actor: str, clock: Clock | None = None, before: str = "") -> Record:
    """Take the watch. ``before``: who held it until now."""
    data = {"holder": actor, "from": before} if before else {"holder": actor}
    return _append(deployment, "watch.taken", data, actor, clock)


def extend(answers: Answers, events: Iterable[Record]) -> Answers:
    """``answers`` with what ``events`` say; an event that lacks what it needs changes nothing."""
    more: dict[str, tuple[Answer, ...]] | None = None
    for event in events:
        answer = _answer(event)
        if answer is not None:
            more = dict(answers) if more is None else more
            more[answer.key] = (*more.get(answer.key, ()), answer)
    return answers if more is None else more


def _answer(event: Record) -> Answer | None:
    kinds = {"checklist.done": "done", "checklist.overridden": "overridden"}
    kind, data = kinds.get(str(event.get("kind"))), event.get("data")
    if kind is None or not isinstance(data, dict) or not data.get("key"):
        return None
    try:
        at = parse_iso(str(event["at"]))
    except (KeyError, ValueError):
        return None
    return Answer(
        str(data["key"]),
        kind,
        harmless(event.get("actor") or "?", 60),
        at,
        harmless(data.get("measured") or "", NOTE_LIMIT),
        harmless(data.get("note") or "", NOTE_LIMIT),
    )


def _known(deployment: Deployment, condition: str) -> None:
    known = deployment.monitoring.conditions
    if condition not in known:
        raise Refused(f"there is no condition {harmless(condition, 40)!r}", f"one of: {', '.join(known)}")


def _now(clock: Clock | None) -> datetime:
    return (clock or SystemClock()).now().wall


def _append(
    deployment: Deployment, kind: str, data: Mapping[str, str | bool | None], actor: str, clock: Clock | None
) -> Record:
    must_write(deployment, _WRITES.get(kind, kind))
    return append_event(deployment.paths.events, kind, data, source=SOURCE, actor=actor, clock=clock)


def _clean(text: str) -> str:
    return harmless(text.strip(), NOTE_LIMIT)


def _required(text: str, otherwise: str) -> str:
    cleaned = _clean(text)
    if not cleaned:
        raise Refused(otherwise, "give it as text")
    return cleaned
