"""Everything that a report rests on, read from the records once; what cannot be read is said, never assumed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.clock import Clock, parse_iso
from engine.config import Deployment
from engine.errors import OpsError
from engine.monitoring.facts import VALIDATIONS_KEPT, Facts, Validation, fold
from engine.monitoring.model import Evaluation
from engine.monitoring.shadow import Shadow, shadow_of
from engine.monitoring.store import HISTORY_EVERY, SampleStore
from engine.operations.journal import list_operations
from engine.operations.model import Operation
from engine.operations.plan import Orders
from engine.records import ChainReport, Record, harmless, records_from_end, sound_records, verify_chain
from engine.reports.files import Cited, cited
from engine.reports.span import LEAD, Span, newest, span_of, stage

FRAMES = 1500
"""States of the console that a report holds at most, beside those that changed the verdict."""
POINTS = 480
"""Points of one plot."""
PLOTTED = ("LAT", "ERR", "MEM", "CPU")
"""Conditions whose metric is plotted."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Point:
    """The values of one metric in one step of a plot."""

    at: datetime
    low: float
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class Chain:
    """What verifying the audit trail's chain found, as far as the report's moment."""

    there: bool
    records: int
    """Records up to the moment."""
    head: str
    """The hash of the last of them."""
    problem: str
    """Empty: every record follows from the one before."""


_NO_RECORDS: tuple[list[Record], int] = ([], 0)
_NO_OPERATIONS: list[Operation] = []
_NO_FRAMES: tuple[Evaluation, ...] = ()
_NO_COUNTS: dict[str, int] = {}


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
    """What the monitor found, oldest first: see FRAMES."""
    last: Evaluation | None
    """The last state that was kept up to the moment, however old."""
    state: Evaluation | None
    """The console at the moment; None when nothing near it was kept."""
    before: Evaluation | None
    """The last state of the old release before the cutover."""
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

    @property
    def patience(self) -> float:
        """Seconds after which a kept evaluation says nothing about a later moment."""
        console = self.deployment.console
        return HISTORY_EVERY + 2 * float(console.cadence.sample * console.stale_after)

    @property
    def coarse(self) -> float:
        """Seconds between two of ``frames`` where not every kept state is looked at; 0: every one is."""
        step = (self.span.end - self.span.begin).total_seconds() / FRAMES
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
    everything = _events(deployment, problems)
    operations = tuple(
        _tried(lambda: list_operations(deployment.paths.operations), _NO_OPERATIONS, problems, "operations")
    )
    span = _span(deployment, everything, operations, now, at, incident)
    events = tuple(event for event in everything if _within(event, span.end))
    later = _later(deployment, everything, span)
    began = tuple(item for item in operations if item.started is not None and item.started <= span.end)
    store = SampleStore(deployment.paths.samples, read_only=True)
    try:
        measured = _measured(deployment, store, span, problems)
    finally:
        store.close()
    return Found(
        deployment=deployment,
        span=span,
        events=events,
        later=later,
        chain=_chain(deployment.paths.events, span.end, problems),
        facts=fold(Facts(), events),
        validations=_validations((*events, *later)),
        operations=began,
        shadow=_shadow(deployment, span, problems),
        plans=_plans(deployment, began),
        incident=_incident(deployment, span, problems),
        files=cited(deployment, span, events, [item.id for item in began], problems),
        problems=tuple(dict.fromkeys(problems)),
        **measured,
    )


def asked(deployment: Deployment, clock: Clock, at: str | None) -> Span:
    """The stretch that ``--at`` asks for, without what it holds. Refused as :func:`span_of` says."""
    problems: list[str] = []
    operations = tuple(_tried(lambda: list_operations(deployment.paths.operations), _NO_OPERATIONS, problems, ""))
    return _span(deployment, _events(deployment, problems), operations, clock.now().wall, at, "")


def _events(deployment: Deployment, problems: list[str]) -> list[Record]:
    found, damaged = _tried(lambda: _kept(deployment.paths.events), _NO_RECORDS, problems, "audit trail")
    if damaged:
        verb = "s are" if damaged > 1 else " is"
        problems.append(f"audit trail: {damaged} line{verb} no record and not in this report")
    usable = [event for event in found if isinstance(event.get("data"), dict) and time_of(event) is not None]
    if len(usable) < len(found):
        problems.append(f"audit trail: {len(found) - len(usable)} records have no time or no data: not in this report")
    return usable


def _kept(path: Path) -> tuple[list[Record], int]:
    """The records of the trail, oldest first, and how many lines are none. The good runs of a watch, two events every
    few seconds, are passed over: four weeks of them would not fit where a report is made.
    """
    kept: list[Record] = []
    damaged = 0
    for record in records_from_end(path):
        if record is None:
            damaged += 1
        elif not _of_good_run(record):
            kept.append(record)
    kept.reverse()
    return kept, damaged


def _of_good_run(record: Record) -> bool:
    kind, data = record.get("kind"), record.get("data")
    return isinstance(data, dict) and (kind == "run.started" or (kind == "run.finished" and data.get("status") == "ok"))


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


def _measured(deployment: Deployment, store: SampleStore, span: Span, problems: list[str]) -> dict[str, Any]:
    name = deployment.paths.samples.name
    if not deployment.paths.samples.exists():
        problems.append(f"{name} is not there: nothing that was measured can be shown")
    length = (span.end - span.begin).total_seconds()
    console = deployment.console
    longest = float(console.cadence.sample * console.stale_after)
    frames = _tried(lambda: tuple(store.evaluations(span.begin, span.end, length / FRAMES)), _NO_FRAMES, problems, name)
    last, state = _last(deployment, store, span, longest, problems)
    if last is not None and frames and last.at > frames[-1].at:
        frames = (*frames, last)  # of a long stretch not every state is looked at, but the moment's own is
    metrics = {
        one: deployment.monitoring.conditions[one].metric for one in PLOTTED if one in deployment.monitoring.conditions
    }
    return {
        "frames": frames,
        "last": last,
        "state": state,
        "before": _before(deployment, store, span, problems),
        "series": {one: _series(store, metric, span, problems) for one, metric in metrics.items()},
        "gaps": tuple(_tried(lambda: store.gaps(span.begin, span.end, longest), [], problems, name)),
        "counts": _tried(lambda: store.counts(span.begin, span.end), _NO_COUNTS, problems, name),
    }


def _before(deployment: Deployment, store: SampleStore, span: Span, problems: list[str]) -> Evaluation | None:
    if span.cutover_at is None or not deployment.paths.samples.exists():
        return None
    began = span.begin + (span.end - span.begin) * (LEAD / (1 + LEAD))
    kept = _tried(lambda: store.evaluation_at(began), None, problems, "samples.db")
    return kept if kept is not None and kept.release == deployment.console.releases.old else None


def _series(store: SampleStore, metric: str, span: Span, problems: list[str]) -> tuple[Point, ...]:
    return points(_tried(lambda: store.series(metric, span.begin, span.end), [], problems, "samples.db"), span)


def _last(
    deployment: Deployment, store: SampleStore, span: Span, longest: float, problems: list[str]
) -> tuple[Evaluation | None, Evaluation | None]:
    """The last state that was kept up to the moment, and the same where it is near enough to speak of the moment."""
    if not deployment.paths.samples.exists():
        return None, None
    kept = _tried(lambda: store.evaluation_at(span.end), None, problems, "samples.db")
    near = timedelta(seconds=HISTORY_EVERY + 2 * longest)
    live = _tried(store.newest_evaluation, None, problems, "samples.db") if span.at == "now" else None
    if live is not None and live.at <= span.end:
        kept, near = live, timedelta(seconds=longest)
    return kept, kept if kept is not None and span.end - kept.at <= near else None


def points(series: list[tuple[datetime, float]], span: Span) -> tuple[Point, ...]:
    """A series as at most POINTS points, each with the lowest, mean and highest value of its step."""
    step = max((span.end - span.begin).total_seconds() / POINTS, 0.001)
    groups: dict[int, list[tuple[datetime, float]]] = {}
    for at, value in series:
        groups.setdefault(int((at - span.begin).total_seconds() / step), []).append((at, value))
    found = []
    for group in groups.values():
        values = [value for _, value in group]
        found.append(Point(group[len(group) // 2][0], min(values), sum(values) / len(values), max(values)))
    return tuple(found)


def _chain(path: Path, end: datetime, problems: list[str]) -> Chain:
    report: ChainReport | None = _tried(lambda: verify_chain(path), None, problems, "audit trail")
    last = _tried(lambda: _newest_until(path, end), None, problems, "audit trail")
    seq = last.get("seq") if last else 0
    known = seq if isinstance(seq, int) else 0
    head = harmless(last.get("hash") if last else "", 64)
    if report is None:
        return Chain(False, known, head, "it cannot be read")
    whole = report.intact or report.records >= known > 0
    return Chain(path.exists(), known, head, "" if whole else report.problem)


def _newest_until(path: Path, end: datetime) -> Record | None:
    return next((one for one in records_from_end(path) if one is not None and _within(one, end)), None)


def _later(deployment: Deployment, events: list[Record], span: Span) -> tuple[Record, ...]:
    """A slot that is due at the moment is served after it, and a decision follows its evidence."""
    if span.gate is None:
        return ()
    until = span.end + timedelta(seconds=float(deployment.checklist.schedule.validation_every) / span.scale)
    found = []
    for event in events:
        at, data, kind = time_of(event), event["data"], event.get("kind")
        if at is None or at <= span.end:
            continue
        serves = kind == "validation.finished" and data.get("scheduled") is True and at < until
        if serves or (kind == "gate.decided" and data.get("gate") == span.gate.id):
            found.append(event)
    return tuple(found)


def _validations(events: tuple[Record, ...]) -> tuple[Validation, ...]:
    """The fold keeps so many at once: in pieces of that length none is lost, however long the watch."""
    finished = [event for event in events if event.get("kind") == "validation.finished"]
    pieces = [finished[start : start + VALIDATIONS_KEPT] for start in range(0, len(finished), VALIDATIONS_KEPT)]
    return tuple(found for piece in pieces for found in fold(Facts(), piece).validations)


def _shadow(deployment: Deployment, span: Span, problems: list[str]) -> Shadow | None:
    records, _ = _tried(lambda: sound_records(deployment.paths.shadow), _NO_RECORDS, problems, "shadow runs")
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
            with contextlib.suppress(OSError, msgspec.MsgspecError):  # one that cannot be read is not cited, see files
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
    except (OSError, msgspec.MsgspecError) as error:
        problems.append(harmless(f"{span.incident}/incident.json: {error}"))
    return None


def time_of(event: Record) -> datetime | None:
    """When an event was recorded; None when it does not say."""
    try:
        return parse_iso(str(event["at"]))
    except (KeyError, ValueError):
        return None


def of_kind(found: Found, *kinds: str) -> Iterator[tuple[datetime, Record]]:
    """The events of these kinds inside the stretch, with their time."""
    for event in found.events:
        at = time_of(event)
        if event.get("kind") in kinds and at is not None and at >= found.span.begin:
            yield at, event


def _within(event: Record, end: datetime) -> bool:
    at = time_of(event)
    return at is not None and at <= end


def _tried(read: Callable[[], T], otherwise: T, problems: list[str], what: str) -> T:
    try:
        return read()
    except (OSError, sqlite3.Error, OpsError, ValueError) as error:
        problems.append(harmless(f"{what}: {error.what if isinstance(error, OpsError) else error}"))
        return otherwise
