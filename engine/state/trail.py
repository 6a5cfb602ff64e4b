"""What the audit trail says about now: the watch, the last cutover, the way back, the last events in words."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from engine.clock import parse_iso
from engine.monitoring.facts import Facts, fold
from engine.records import Record, harmless
from engine.state.event_words import Told, tell
from engine.state.model import DrillView, Phase, WatchView


@dataclass(frozen=True, slots=True)
class Proof:
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


@dataclass(frozen=True, slots=True)
class Trail:
    """The fold of all events so far; :func:`extend` adds more."""

    facts: Facts = field(default_factory=Facts)
    """Cutover, way back, validations and answers, folded as the monitor folds them."""
    watch: WatchView = field(default_factory=lambda: WatchView(None, None))
    proof: Proof | None = None
    rehearsal: Proof | None = None
    acknowledged: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    """Condition -> who acknowledged it last, and when."""
    told: Told = field(default_factory=Told)
    """The last events, in words."""
    drill: DrillView | None = None
    """The drill that was begun and not ended."""


def extend(trail: Trail, events: Iterable[Record]) -> Trail:
    """``trail`` with ``events`` added, in order. An event that lacks what its kind needs changes nothing."""
    known = list(events)
    for event in known:
        # one that lacks what its kind needs is still shown
        with contextlib.suppress(KeyError, TypeError, ValueError):
            trail = _fold(trail, event)
    return replace(trail, facts=fold(trail.facts, known), told=tell(trail.told, known))


def phase_of(
    cutover_at: datetime | None,
    rolled_back_at: datetime | None,
    now: datetime,
    *,
    bake: float,
    stabilise: float,
    cutover_runs: bool,
) -> Phase:
    """The phase of the watch. ``bake`` and ``stabilise``: seconds from the cutover to the end of each."""
    if cutover_runs:
        return "CUTOVER"
    if rolled_back_at and (cutover_at is None or rolled_back_at >= cutover_at):
        return "BACK ON V1"
    if cutover_at is None:
        return "BEFORE"
    since = now - cutover_at
    if since < timedelta(seconds=bake):
        return "BAKE"
    return "STABILISE" if since < timedelta(seconds=stabilise) else "STEADY"


def _fold(trail: Trail, event: Record) -> Trail:
    at = parse_iso(event["at"])
    data: dict[str, Any] = event["data"]
    kind = event["kind"]
    if kind == "watch.taken":
        return replace(trail, watch=WatchView(harmless(data.get("holder") or event["actor"], 60), at))
    if kind == "ack":
        taken = (harmless(event["actor"], 60), at)
        return replace(trail, acknowledged={**trail.acknowledged, str(data["condition"]): taken})
    if kind == "way_back.proven":
        return replace(trail, proof=_proof(data, at))
    if kind == "rollback.rehearsed":
        found = replace(_proof(data, at), how="rehearsed", own_snapshot=data.get("own_snapshot") is True)
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
