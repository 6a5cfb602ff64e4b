"""What the audit trail says about now: the watch, the last cutover, the way back, the last events in words."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Container, Iterable
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from engine.clock import parse_iso
from engine.config.checklist import ChecklistConfig
from engine.monitoring.answered import Answered, answered
from engine.monitoring.facts import Facts, fold
from engine.records import Record, harmless
from engine.records.form import version_of
from engine.state.alert_views import DrillView
from engine.state.event_words import Told, in_words, tell
from engine.state.model import Phase, WatchView

NOTES_KEPT = 20

DONE_KEPT = 24
"""Of what was done since the watch was taken, so much is told."""
_DONE = frozenset(
    {
        "ack",
        "silenced",
        "checklist.overridden",
        "drill.started",
        "drill.ended",
        "operation.accepted",
        "operation.go",
        "operation.forced",
        "operation.ended",
        "rollback.rehearsed",
        "service.start",
        "service.stop",
    }
)
"""What people did. A confirmed line of the checklist is counted; notes and decisions stand for themselves."""


class Proof(msgspec.Struct, frozen=True):
    """The newest ``way_back.proven`` or ``rollback.rehearsed`` event, or the last real rollback."""

    ok: bool
    seconds: float | None
    snapshot: str | None
    release: str
    reason: str
    """Why it is not good; when it is, what is worth knowing all the same."""
    at: datetime
    how: str = "proven"
    """``proven``, ``rehearsed`` or ``rolled back``."""
    own_snapshot: bool = False
    """A rehearsal before a cutover: it says nothing about a snapshot that a rollback restores."""
    read_at: datetime | None = None
    build: str = ""
    """Of a rehearsal: with which build of the old release; empty where the record does not say."""


class Trail(msgspec.Struct, frozen=True):
    """The fold of all events so far; :func:`extend` adds more."""

    facts: Facts = msgspec.field(default_factory=Facts)
    """Cutover, way back, validations and answers, folded as the monitor folds them."""
    watch: WatchView = msgspec.field(default_factory=lambda: WatchView(None, None))
    proof: Proof | None = None
    rehearsal: Proof | None = None
    answered: Answered = msgspec.field(default_factory=Answered)
    """Who took which condition, and what is silenced."""
    updated: tuple[datetime, str] | None = None
    """When the last status update was sent, and by whom."""
    notes: tuple[str, ...] = ()
    """Notes since the watch was taken, the newest last."""
    told: Told = msgspec.field(default_factory=Told)
    """The last events, in words."""
    drill: DrillView | None = None
    """The drill that was begun and not ended."""
    done: tuple[str, ...] = ()
    """What people did since the watch was taken, in words, the newest last."""
    ticked: int = 0
    """Lines of the checklist that were confirmed since then."""
    version: int = 1
    """The newest version of a record in it."""


def extend(trail: Trail, events: Iterable[Record]) -> Trail:
    """``trail`` with ``events`` added, in order. An event that lacks what its kind needs changes nothing."""
    known = list(events)
    for event in known:
        # one that lacks what its kind needs is still shown
        with contextlib.suppress(KeyError, TypeError, ValueError):
            trail = _fold(trail, event)
        trail = _with_done(trail, event)
    return replace(
        trail,
        facts=fold(trail.facts, known),
        told=tell(trail.told, known),
        answered=answered(trail.answered, known),
        version=max([trail.version, *map(version_of, known)]),
    )


def _with_done(trail: Trail, event: Record) -> Trail:
    kind = event.get("kind")
    if kind == "watch.taken":
        return replace(trail, done=(), ticked=0)
    if kind == "checklist.done":
        return replace(trail, ticked=trail.ticked + 1)
    if kind in _DONE and not _validates(event):
        return replace(trail, done=(*trail.done, in_words(event))[-DONE_KEPT:])
    return trail


def _validates(event: Record) -> bool:
    """A validation is an operation too, and comes by the hour: its result stands elsewhere."""
    return str(event.get("operation") or "").endswith("-validate")


def phase_of(
    cutover_at: datetime | None,
    rolled_back_at: datetime | None,
    now: datetime,
    *,
    bake: float,
    stabilise: float,
    cutover_runs: bool,
    rollback_open: bool = False,
) -> Phase:
    """The phase of the watch. ``bake`` and ``stabilise``: seconds from the cutover to the end of each.

    ``rollback_open``: one runs, or stopped half-way. Until it has succeeded the old release is not back, whatever an
    earlier one did; while a cutover is watched, its time goes on.
    """
    if cutover_runs:
        return "CUTOVER"
    if rollback_open and (cutover_at is None or (rolled_back_at and rolled_back_at >= cutover_at)):
        return "GOING BACK TO V1"
    if rolled_back_at and (cutover_at is None or rolled_back_at >= cutover_at):
        return "BACK ON V1"
    if cutover_at is None:
        return "BEFORE"
    since = (now - cutover_at).total_seconds()
    if since < bake:
        return "BAKE"
    return "STABILISE" if since < stabilise else "STEADY"


def phase_ends(checklist: ChecklistConfig, gone: Container[str], scale: float) -> tuple[float, float]:
    """Seconds from the cutover to the end of BAKE and to the end of STABILISE; infinite while a gate holds it.

    BAKE lasts until the gate at the end of the hourly validations is decided go, STABILISE to the last gate's go; where
    no gate stands there, the hour alone counts. ``gone``: the gates that were decided go.
    """
    bake = checklist.schedule.validation_for
    last = max((point.at for point in checklist.decisions), default=bake)
    held = {point.at for point in checklist.decisions if point.id not in gone}
    return (math.inf if bake in held else bake / scale), (math.inf if last in held else last / scale)


def _fold(trail: Trail, event: Record) -> Trail:
    at = parse_iso(event["at"])
    data: dict[str, Any] = event["data"]
    kind = event["kind"]
    if kind == "watch.taken":
        return replace(trail, watch=WatchView(harmless(data.get("holder") or event["actor"], 60), at), notes=())
    if kind == "note":
        note = f"{at:%H:%M}Z {harmless(event['actor'], 60)}: {harmless(data['text'], 400)}"
        return replace(trail, notes=(*trail.notes, note)[-NOTES_KEPT:])
    if kind == "update.sent":
        return replace(trail, updated=(at, harmless(event["actor"], 60)))
    if kind == "way_back.proven":
        return replace(trail, proof=_proof(data, at))
    if kind == "rollback.rehearsed":
        own, build = data.get("own_snapshot") is True, harmless(data.get("build") or "", 64)
        found = replace(_proof(data, at), how="rehearsed", own_snapshot=own, build=build)
        return replace(trail, rehearsal=found)
    if kind == "drill.started":
        return replace(trail, drill=_drill(data, at, event["actor"]))
    if kind == "drill.ended":
        return replace(trail, drill=None)
    return trail


def _drill(data: dict[str, Any], at: datetime, actor: object) -> DrillView:
    until = parse_iso(str(data["until"]))
    names = [harmless(data.get(name) or "", 40) for name in ("drill", "release", "expected")]
    return DrillView(names[0], names[1], at, until, names[2], harmless(actor, 60))


def _proof(data: dict[str, Any], at: datetime) -> Proof:
    seconds = data.get("seconds")
    return Proof(
        bool(data["ok"]),
        float(seconds) if seconds is not None else None,
        str(data["snapshot"]) if data.get("snapshot") else None,
        str(data.get("release") or ""),
        harmless(data.get("reason") or data.get("note") or "", 200),
        at,
        read_at=parse_iso(str(data["read_at"])) if data.get("read_at") else None,
    )
