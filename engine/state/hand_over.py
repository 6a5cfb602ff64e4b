"""The watch changes hands: what happened since, for who takes it; a summary to paste, for who gives it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.clock import Clock, SystemClock, parse_iso, pretty_duration
from engine.config import Deployment
from engine.monitoring import answers
from engine.monitoring.criteria import words
from engine.monitoring.deciding import same_person
from engine.monitoring.model import Criterion, Evaluation
from engine.monitoring.stretch import StretchStore, touching
from engine.monitoring.undecodable import Undecodable
from engine.notify.message import DRILL_MARK
from engine.operations.model import state_in_words
from engine.records import Record, harmless, read_lines
from engine.state.event_words import in_words
from engine.state.gate_standing import GateStanding
from engine.state.gates import when
from engine.state.measured import WITHOUT_MONITOR
from engine.state.model import State
from engine.state.told import drill_words, rests_on
from engine.state.watch_time import phase_words, watch_time

NOTHING = "nothing else happened"
MOST = 60
"""Lines of what happened; older ones are counted."""
_KINDS = (
    "alert.",
    "ack",
    "silenced",
    "gate.decided",
    "checklist.",
    "note",
    "operation.accepted",
    "operation.ended",
    "operation.go",
    "schedule.",
    "clock.stepped",
    "monitor.absent",
    "monitor.suspended",
    "monitor.memory_lost",
    "audit.trail_lost",
    "release.tested",
    "rollback.",
    "service.",
    "watch.taken",
    "drill.",
)


@dataclass(frozen=True, slots=True)
class Since:
    """From when on a person has to be told."""

    at: datetime | None
    """None: nobody ever held the watch."""
    why: str


def take(deployment: Deployment, *, actor: str, clock: Clock | None = None) -> list[str]:
    """Take the watch; what happened since, in plain lines. DamagedRecord when the trail cannot be read."""
    clock = clock or SystemClock()
    # of many days, thousands of runs: only what is told of is held
    events = [event for event in read_lines(deployment.paths.events) if told_of(event)]
    since = told_since(events, actor)
    before = _holder(events)
    answers.take_watch(deployment, actor=actor, clock=clock, before=before)
    return happened(deployment, events, since, clock.now().wall)


def told_since(events: Sequence[Record], actor: str) -> Since:
    """Since this person last held the watch and gave it away; else since the present holder took it."""
    taken = [(event, _at(event)) for event in events if event.get("kind") == "watch.taken" and _at(event)]
    own = [number for number, (event, _) in enumerate(taken) if same_person(_taker(event), actor)]
    if own and own[-1] + 1 < len(taken):
        after = taken[own[-1] + 1]
        return Since(after[1], f"you gave the watch to {harmless(_taker(after[0]), 60)}")
    if taken:
        last = taken[-1]
        who = "you" if own else harmless(_taker(last[0]), 60)
        return Since(last[1], f"{who} took the watch")
    return Since(None, "nobody has held the watch yet")


def happened(deployment: Deployment, events: Sequence[Record], since: Since, now: datetime) -> list[str]:
    """Verdict changes, alerts, gates, answers, notes, operations since then; validations that passed are counted. The
    newest stands first.
    """
    begin = since.at or _first(events) or now
    head = f"Since {begin:%d %b %H:%M:%SZ}, {pretty_duration((now - begin).total_seconds())} ago: {since.why}"
    told: list[tuple[datetime, str]] = []
    passed = 0
    for event in events:
        at, kind = _at(event), str(event.get("kind"))
        if at is None or at <= begin:
            continue
        data = event.get("data")
        if kind == "validation.finished" and isinstance(data, dict) and data.get("live", True) is not False:
            passed += data.get("status") == "PASS"
            if data.get("status") == "PASS":
                continue
        elif not kind.startswith(_KINDS):  # a validation that failed is told
            continue
        told.append((at, in_words(event)))
    changes, absences = _watched(deployment, begin, now)
    told += [(one.since, one.words(now)) for one in absences]
    told += [
        (at, f"{at:%H:%M:%S} verdict {before} -> {word}")
        for before, (at, word) in zip([word for _, word in changes], changes[1:], strict=False)
    ]
    told.sort(key=lambda one: one[0], reverse=True)
    lines = [f"{at:%d %b} {text}" for at, text in told]
    cut = [f"   ... and {len(lines) - MOST} before that"] if len(lines) > MOST else []
    shown = lines[:MOST] or [NOTHING]
    verdict = f"verdict was {changes[0][1]}, is {changes[-1][1]}" if changes else "no verdict was recorded"
    counted = f"{verdict}; {passed} validation{'' if passed == 1 else 's'} PASS"
    return [head, f"   {counted}", *(f"   {line}" for line in shown), *cut]


def hand_over_lines(state: State, now: datetime) -> list[str]:
    """The summary of the watch, ready to be pasted."""
    holder, began, since = state.watch.holder, state.watch.since, watch_time(state, now)
    held = f", since {began:%d %b %H:%M:%SZ}" if began else ""
    live = f"{state.release.upper()} live" if state.release else "no release live"
    lines = [
        f"HAND-OVER {state.title} {state.environment}, {now:%d %b %H:%M:%SZ}",
        f"Watch: {f'{holder}{held}' if holder else 'nobody holds it'}",
        f"Verdict: {state.verdict.word}: {state.verdict.why}. "
        f"{live}, {phase_words(state)}{f', {since}' if since else ''}.",
    ]
    if state.drill is not None:
        lines.insert(0, f"{DRILL_MARK}: {drill_words(state.drill, now)}.")
    lines += [f"Open: {text}" for text in _open(state)] or ["Open: nothing"]
    lines += [f"Decided: {_decision(one)}" for one in state.gates if one.decision]
    lines += [f"Silenced: {line}" for line in state.hand_over.silences]
    gate = next((one for one in state.gates if one.state != "go"), None)
    if gate is not None:
        fails = "; ".join(_against(one) for one in gate.against)
        lines.append(f"Next gate: {gate.title}, {when(gate, now)}; " + (f"fails on: {fails}" if fails else "all met"))
    way = state.way_back
    ready = f"{way.release}, {'ready' if way.ready else f'NOT READY: {way.reason}'}"
    if state.release == way.release and not way.ready:
        ready = way.reason  # it names the release; there is nothing that could be ready or not
    lines.append(f"Way back: {ready}, {rests_on(way, now)}" + (f"; {way.note}" if way.note else ""))
    lines += [f"Note: {note}" for note in reversed(state.hand_over.notes)] or ["Notes: none"]
    return lines + [f"Done: {line}" for line in reversed(state.hand_over.done)]


def _against(one: Criterion) -> str:
    return "a needed value is unknown" if one.id == "nothing_unknown" else f"{one.title} {one.status}"


def _decision(gate: GateStanding) -> str:
    """``hour-8 gate GO by K. Lee 02:31Z, waived tests pass with V. President (run on staging): all calm``."""
    at = f" {gate.at:%d %b %H:%MZ}" if gate.at else ""
    waived = "".join(
        f", waived {words(one.criterion)} with {one.second or 'NO SECOND NAME'} ({one.reason or 'no reason'})"
        for one in gate.waivers
    )
    note = f": {gate.note}" if gate.note else ""
    return f"{gate.title} {gate.decision.upper()} by {gate.by}{at}{waived}{note}"


def _open(state: State) -> list[str]:
    """What somebody has to do something about, the heaviest first."""
    found = [f"operation {state.operation.id} {state_in_words(state.operation.state)}"] if state.operation else []
    for alert in state.alerts:
        taken = f"taken by {alert.acknowledged_by}" if alert.acknowledged_by else "nobody has taken it"
        found.append(f"{alert.condition} {alert.text} ({taken})")
    found += [f"{gate.title} waits for a decision" for gate in state.gates if gate.state in ("due", "overdue")]
    lines = [item for item in state.checklist.items if not item.gate and item.state in ("due", "overdue")]
    late = sum(item.state == "overdue" for item in lines)
    if lines:
        named = ", ".join(f"{item.slot} {item.title}" for item in lines[:4])
        found.append(f"{len(lines)} checklist lines, {late} overdue: {named}{', ...' if len(lines) > 4 else ''}")
    return found + [f"problem: {problem}" for problem in state.problems[:3]]


@dataclass(frozen=True, slots=True)
class Absence:
    """A stretch in which no monitor sampled anything."""

    since: datetime
    until: datetime | None
    """None: it lasts."""

    def words(self, now: datetime) -> str:
        """``02:10:00 no samples to 02:20:10 (10m): no monitor ran, or it was stopped, or the machine suspended``."""
        end = f"to {self.until:%H:%M:%S}" if self.until else "since then"
        lasted = pretty_duration(((self.until or now) - self.since).total_seconds())
        said = "no monitor ran, or it was stopped, or the machine suspended"
        return f"{self.since:%H:%M:%S} no samples {end} ({lasted}): {said}"


def _kept_at(store: StretchStore, moment: datetime) -> Evaluation | None:
    """One that cannot be understood is named by the state; the changes of the verdict are known without it."""
    with contextlib.suppress(Undecodable):
        return store.evaluation_at(moment)
    return None


def _watched(
    deployment: Deployment, begin: datetime, now: datetime
) -> tuple[list[tuple[datetime, str]], list[Absence]]:
    """Changes of the verdict, UNKNOWN where nobody looked included, the first as it was at ``begin``; and when nobody
    looked.
    """
    console = deployment.console
    longest = float(console.cadence.sample * console.stale_after)
    store = StretchStore(deployment.paths.samples)
    try:
        kept = store.verdicts(begin, now)
        there = deployment.paths.samples.exists()
        first, last = (_kept_at(store, begin), _kept_at(store, now)) if there else (None, None)
        gaps = store.gaps(first.at if first is not None else begin, now, longest)
    except sqlite3.Error:
        return [], []
    finally:
        store.close()
    found = [Absence(since, until) for since, until in touching(gaps) if until > begin]
    if last is not None and (now - last.at).total_seconds() > longest:
        found.append(Absence(last.at, None))
    told = list(kept)
    for one in found:
        silent_at = one.since + timedelta(seconds=min(WITHOUT_MONITOR * float(console.cadence.sample), longest))
        after = [word for at, word in kept if one.until is not None and at <= one.until + timedelta(seconds=1)]
        told.append((silent_at, "UNKNOWN"))
        if one.until is not None and after:
            told.append((one.until, after[-1]))
    told.sort(key=lambda change: change[0])
    told = told[max(sum(at <= begin for at, _ in told) - 1, 0) :]
    return [one for number, one in enumerate(told) if number == 0 or told[number - 1][1] != one[1]], found


def told_of(event: Record) -> bool:
    """Whether an event is one that a person is told of."""
    kind = str(event.get("kind"))
    return kind == "validation.finished" or kind.startswith(_KINDS)


def _holder(events: Sequence[Record]) -> str:
    last = next((event for event in reversed(events) if event.get("kind") == "watch.taken"), None)
    return harmless(_taker(last), 60) if last is not None else ""


def _taker(event: Record) -> str:
    data = event.get("data")
    return str((data.get("holder") if isinstance(data, dict) else None) or event.get("actor") or "?")


def _first(events: Sequence[Record]) -> datetime | None:
    return next((at for event in events if (at := _at(event)) is not None), None)


def _at(event: Record) -> datetime | None:
    try:
        return parse_iso(str(event["at"]))
    except (KeyError, ValueError):
        return None
