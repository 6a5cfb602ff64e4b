"""Go or no-go at a gate, recorded with names. A go rests on criteria that are met, or that two people waived."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

from engine.clock import Clock, SystemClock
from engine.config import Deployment
from engine.config.looking import must_write
from engine.errors import LockHeld, Refused
from engine.monitoring import checkpoint as saved
from engine.monitoring.answers import NOTE_LIMIT, SOURCE
from engine.monitoring.board import newest_fresh
from engine.monitoring.criteria import words
from engine.monitoring.facts import UNVERIFIED, Facts, Waiver, fold
from engine.monitoring.gates import Course, courses, not_met
from engine.monitoring.model import Gate
from engine.monitoring.store import SampleStore
from engine.records import FileLock, Record, Tail, account_named, accounts_of, append_event, harmless, plain_name

EVENT = "gate.decided"
DECISION_WAIT = 5.0
"""Seconds that a decision waits for another one to be recorded."""


def decide(
    deployment: Deployment,
    gate: str,
    decision: str,
    *,
    actor: str,
    note: str = "",
    waivers: Sequence[Waiver] = (),
    clock: Clock | None = None,
) -> Record:
    """Record ``go`` or ``no-go``. Refused with every criterion that stands against a go, or when it is not the time.

    Whoever decides at the same time waits here, and then finds what was decided: one decision, not two.
    """
    must_write(deployment, "a decision at a gate")
    clock = clock or SystemClock()
    with FileLock(deployment.paths.decision_lock) as lock:
        if not lock.acquire(DECISION_WAIT):
            raise LockHeld("somebody else decides at a gate right now", f"abaco-ops gate show {gate}, then look again")
        return _decided(deployment, gate, decision, actor, note, waivers, clock)


def _decided(
    deployment: Deployment,
    gate: str,
    decision: str,
    actor: str,
    note: str,
    waivers: Sequence[Waiver],
    clock: Clock,
) -> Record:
    now = clock.now().wall
    course = _course(deployment, gate, now)
    judged = _judged(deployment, gate, clock)
    if course.state == "go" and course.decided is not None:
        raise Refused(
            f"{course.point.title} was decided go by {course.decided.by} at {course.decided.at:%d %b %H:%M:%SZ}",
            "a go is not taken back: abaco-ops rollback, or a note",
        )
    if not course.open:
        raise Refused(
            f"{course.point.title} is not due before {course.due:%d %b %H:%M:%SZ}",
            f"abaco-ops gate show {gate} says what it would fail on",
        )
    waived = tuple(_sound(deployment, one, actor, judged) for one in waivers)
    if decision == "go":
        _may_go(course, judged, waived)
    elif waived:
        raise Refused("a no-go needs no waiver", "leave --waive out")
    data = {
        "gate": gate,
        "decision": decision,
        "by": actor,
        "note": harmless(note.strip(), NOTE_LIMIT),
        "criteria": {one.id: one.status for one in judged.criteria} if judged else _unjudged(course),
        "evidence": {one.id: one.evidence for one in judged.criteria} if judged else {},
        "waivers": [
            {"criterion": one.criterion, "reason": one.reason, "by": one.by, "second": one.second, "known": one.known}
            for one in waived
        ],
    }
    return append_event(deployment.paths.events, EVENT, data, source=SOURCE, actor=actor, clock=clock)


def facts_now(deployment: Deployment) -> Facts:
    """The fold of the audit trail: what the monitor had read of it, and the rest. DamagedRecord, OSError."""
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        known = saved.decode(store.checkpoint(saved.TRAIL), saved.Trail)
    except sqlite3.Error:
        known = saved.Trail()  # no monitor ever ran here, or its file cannot be read
    finally:
        store.close()
    return fold(known.facts, Tail.from_offset(deployment.paths.events, known.offset).new_records())


def courses_now(deployment: Deployment, now: datetime, facts: Facts | None = None) -> tuple[Course, ...]:
    """Every decision point of the watch. Refused when no cutover is watched."""
    facts = facts or facts_now(deployment)
    since = facts.watching_since
    if since is None:
        raise Refused("no cutover is watched: there is no gate to decide", "abaco-ops ready says why not")
    scale = float(deployment.console.time_scale)
    return courses(deployment.checklist, since, now, scale, facts.decisions)


def same_person(one: str, other: str) -> bool:
    """Whether two names are one person's: ``A.Moreno`` and ``a.moreno@ops1`` are; of ``kim (sudo)`` both accounts."""
    return bool(_names(one) & _names(other))


def _names(person: str) -> set[str]:
    """Every form in which a person is known here: as written, each account of an author, the account of a full name."""
    found = {person, *accounts_of(person)}
    found |= {known for name in tuple(found) if (known := account_named(name)) is not None}
    return {plain_name(name) for name in found}


def _known(deployment: Deployment, name: str) -> str:
    """Who knows a name that somebody typed. That proves no consent: it is a signature, not a password."""
    if account_named(name) is not None:
        return "account"
    contacts = {plain_name(form) for id, one in deployment.monitoring.contacts.items() for form in (id, one.name)}
    return "contact" if plain_name(name) in contacts else UNVERIFIED


def _course(deployment: Deployment, gate: str, now: datetime) -> Course:
    found = courses_now(deployment, now)
    for course in found:
        if course.point.id == gate:
            return course
    known = ", ".join(course.point.id for course in found)
    raise Refused(f"there is no gate {harmless(gate, 40)!r}", f"one of: {known}")


def _judged(deployment: Deployment, gate: str, clock: Clock) -> Gate | None:
    """The gate as the monitor judged it last; None without a fresh sample."""
    evaluation = newest_fresh(deployment, clock)
    return next((one for one in evaluation.gates if one.id == gate), None) if evaluation is not None else None


def _unjudged(course: Course) -> Mapping[str, str]:
    return dict.fromkeys(course.point.go_if, "unknown")


def _may_go(course: Course, judged: Gate | None, waived: Sequence[Waiver]) -> None:
    if judged is None:
        raise Refused(
            f"{course.point.title} cannot be passed: nothing is judged without a fresh sample",
            "abaco-ops monitor; then look again",
        )
    if judged.state not in ("due", "overdue"):
        raise Refused(f"{course.point.title}: the monitor has not seen yet that it is due", "look again in a moment")
    names = {one.criterion for one in waived}
    against = [one for one in not_met(judged) if one.id not in names]
    if against:
        listed = "; ".join(f"{words(one.id)} {one.status}: {one.evidence}" for one in against)
        raise Refused(
            f"{course.point.title} cannot be passed: {listed}",
            f"no-go ({course.point.otherwise}), or waive each with a reason and a second name",
        )


def _sound(deployment: Deployment, waiver: Waiver, actor: str, judged: Gate | None) -> Waiver:
    """The waiver as it is recorded. Refused when it waives nothing, or one person alone."""
    name, role = re.sub(r"[ .]", "_", waiver.criterion.strip()), deployment.checklist.waiver_by
    known = {one.id: one for one in judged.criteria} if judged is not None else {}
    if judged is not None and name not in known:
        raise Refused(f"there is no criterion {harmless(name, 60)!r} here", f"one of: {', '.join(known)}")
    if name in known and known[name].status == "met":
        raise Refused(f"{words(name)} is met: there is nothing to waive", "leave the waiver out")
    reason, second = harmless(waiver.reason.strip(), 200), harmless(waiver.second.strip(), 60)
    if not reason:
        raise Refused(f"waiving {words(name)} needs a reason", "--reason TEXT")
    if not second:
        raise Refused(f"waiving {words(name)} needs a second name: the {role}'s", "--second NAME")
    if same_person(second, actor):
        raise Refused(
            f"the second name is your own, {second}: a waiver takes two people", f"the {role} agrees to it by name"
        )
    return Waiver(name, reason, actor, second, _known(deployment, second))
