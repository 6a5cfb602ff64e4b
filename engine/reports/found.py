"""Everything that a report rests on, read from the records once; what cannot be read is said, never assumed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from engine.clock import Clock
from engine.config import Deployment
from engine.monitoring.facts import Facts, Validation, fold
from engine.monitoring.model import Evaluation, Gate
from engine.monitoring.shadow import Shadow, shadow_of
from engine.monitoring.store import HISTORY_EVERY
from engine.monitoring.stretch import StretchStore
from engine.operations.journal import list_operations
from engine.operations.model import Operation
from engine.operations.plan import Orders
from engine.records import Record, harmless, sound_records
from engine.records.undecodable import UNDECODABLE
from engine.reports import measured as measuring
from engine.reports.files import Cited, cited
from engine.reports.judged import judged_gate
from engine.reports.measured import Point, measured
from engine.reports.span import Span, newest, span_of, stage
from engine.reports.trail import (
    Chain,
    all_validations,
    asked_for,
    read_chain,
    read_events,
    served_at,
    slot_end,
    time_of,
    told_later,
    within,
)
from engine.reports.tried import NO_RECORDS, tried

_NO_OPERATIONS: list[Operation] = []


@dataclass(frozen=True, slots=True)
class Found:
    """The records of one stretch."""

    deployment: Deployment
    span: Span
    events: tuple[Record, ...]
    """Up to the moment, in order."""
    later: tuple[Record, ...]
    """Recorded after the moment, and yet of it: decisions about this report's gate, and what served its slot."""
    chain: Chain
    facts: Facts
    validations: tuple[Validation, ...]
    """Every one that judged production, oldest first; the facts hold the newest only."""
    operations: tuple[Operation, ...]
    frames: tuple[Evaluation, ...]
    """What the monitor found, oldest first: see FRAMES in measured."""
    last: Evaluation | None
    """The last state that was kept up to the moment, however old."""
    state: Evaluation | None
    """The console at the moment; None when nothing near it was kept."""
    before: Evaluation | None
    """The last state of the old release before the cutover."""
    judged: Gate | None
    """The gate as the monitor judged it; None when it said nothing about it near the moment."""
    series: dict[str, tuple[Point, ...]]
    """Condition -> its plot."""
    gaps: tuple[tuple[datetime, datetime], ...]
    """Stretches without a single sample."""
    counts: dict[str, int]
    shadow: Shadow | None
    plans: tuple[Orders, ...]
    """What the cutovers and rollbacks up to the moment were ordered to do, oldest first."""
    incident: dict[str, Any] | None
    """``incident.json`` of the rollback that is reported."""
    files: tuple[Cited, ...]
    problems: tuple[str, ...]
    led: Evaluation | None = None
    """What the monitor found last before the reported rollback was asked for."""
    asked_at: datetime | None = None
    """When it was."""

    @property
    def patience(self) -> float:
        """Seconds after which a kept evaluation says nothing about a later moment."""
        console = self.deployment.console
        return HISTORY_EVERY + 2 * float(console.cadence.sample * console.stale_after)

    @property
    def coarse(self) -> float:
        """Seconds between two of ``frames`` where not every kept state is looked at; 0: every one is."""
        step = (self.span.end - self.span.begin).total_seconds() / measuring.FRAMES
        return step if step > HISTORY_EVERY else 0.0

    @property
    def cadence(self) -> float:
        """Seconds between two samples."""
        return float(self.deployment.console.cadence.sample)


def look(deployment: Deployment, clock: Clock, at: str | None, incident: str = "") -> Found:
    """Read the stretch that ``--at`` asks for (None: the report that is due now). Refused as :func:`span_of` says.

    A damaged trail, a missing ``samples.db`` or nothing at all is no reason to refuse: the report says so.
    """
    now = clock.now().wall
    problems: list[str] = []
    everything = read_events(deployment, problems)
    operations = tuple(
        tried(lambda: list_operations(deployment.paths.operations), _NO_OPERATIONS, problems, "operations")
    )
    span = _span(deployment, everything, operations, now, at, incident)
    events = tuple(event for event in everything if within(event, span.end))
    later = told_later(deployment, everything, span)
    began = tuple(item for item in operations if item.started is not None and item.started <= span.end)
    store = StretchStore(deployment.paths.samples)
    try:
        seen = measured(deployment, store, span, problems)
        asked_at = asked_for(span, everything, operations)
        led = tried(lambda: store.evaluation_at(asked_at), None, problems, "samples.db") if asked_at else None
        judged = judged_gate(store, span, served_at(later), seen["state"], slot_end(deployment, span), problems)
    finally:
        store.close()
    return Found(
        deployment=deployment,
        span=span,
        events=events,
        later=later,
        chain=read_chain(deployment.paths.events, span.end, problems),
        facts=fold(Facts(), events),
        validations=all_validations((*events, *later)),
        operations=began,
        judged=judged,
        shadow=_shadow(deployment, span, problems),
        plans=_plans(deployment, began),
        incident=_incident(deployment, span, problems),
        files=cited(deployment, span, events, [item.id for item in began], problems),
        problems=tuple(dict.fromkeys(problems)),
        led=led,
        asked_at=asked_at,
        **seen,
    )


def asked(deployment: Deployment, clock: Clock, at: str | None) -> Span:
    """The stretch that ``--at`` asks for, without what it holds. Refused as :func:`span_of` says."""
    problems: list[str] = []
    operations = tuple(tried(lambda: list_operations(deployment.paths.operations), _NO_OPERATIONS, problems, ""))
    return _span(deployment, read_events(deployment, problems), operations, clock.now().wall, at, "")


def _span(
    deployment: Deployment,
    events: list[Record],
    operations: tuple[Operation, ...],
    now: datetime,
    at: str | None,
    incident: str,
) -> Span:
    scale = float(deployment.console.time_scale)
    done = newest(operations, "cutover", now)
    # the journal wins over the event that it should have left
    cutover_at = done.ended if done else fold(Facts(), events).cutover_at
    if at is None:
        at = "incident" if incident else stage(operations, cutover_at, now, scale)
    times = [time_of(event) for event in events]
    back = incident or _last_rollback(operations)
    told = [
        when
        for event, when in zip(events, times, strict=True)
        if when and back and str(event.get("operation") or "").startswith(back)
    ]
    return span_of(
        at,
        operations,
        deployment.checklist.decisions,
        now,
        scale=scale,
        cutover_at=cutover_at,
        first=min((when for when in times if when), default=None),
        incident=incident,
        told=max(told, default=None),
    )


def _last_rollback(operations: tuple[Operation, ...]) -> str:
    return next((item.id for item in reversed(operations) if item.kind == "rollback" and item.started), "")


def _shadow(deployment: Deployment, span: Span, problems: list[str]) -> Shadow | None:
    records, _ = tried(lambda: sound_records(deployment.paths.shadow), NO_RECORDS, problems, "shadow runs")
    for record in reversed(records):
        try:
            found = shadow_of(record)
        except ValueError:
            continue
        if found.at <= span.end:
            return found
    return None


def _plans(deployment: Deployment, operations: tuple[Operation, ...]) -> tuple[Orders, ...]:
    found = []
    for item in operations:
        if item.kind != "validate":
            with contextlib.suppress(OSError, *UNDECODABLE):  # one that cannot be read is not cited, see files
                data = (deployment.paths.operation(item.id) / "plan.json").read_bytes()
                found.append(msgspec.json.decode(data, type=Orders))
    return tuple(found)


def _incident(deployment: Deployment, span: Span, problems: list[str]) -> dict[str, Any] | None:
    if not span.incident:
        return None
    path = deployment.paths.operation(span.incident) / "incident.json"
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        problems.append(f"{span.incident} has left no incident.json: its proof cannot be cited")
    except (OSError, *UNDECODABLE) as error:
        problems.append(harmless(f"{span.incident}/incident.json: {error}"))
    return None


def of_kind(found: Found, *kinds: str) -> Iterator[tuple[datetime, Record]]:
    """The events of these kinds inside the stretch, with their time."""
    for event in found.events:
        at = time_of(event)
        if event.get("kind") in kinds and at is not None and at >= found.span.begin:
            yield at, event
