"""From a verdict back to its samples: the run recomputed from ``logs/samples.db`` by the functions that judged it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec

from engine.config import Deployment
from engine.config.monitoring import Condition
from engine.monitoring.conditions import condition_reading, shown
from engine.monitoring.judgement import NO_DATA, condition_limits
from engine.monitoring.marks import BREAK, MARKS, REBOOT, RELEASE, SETTLING
from engine.monitoring.model import TIERS, ConditionReading, Evaluation
from engine.monitoring.reading import Nothing, Value
from engine.monitoring.store import Measured, SampleStore
from engine.monitoring.sustained import Limit, Memory, Run
from engine.monitoring.watched import Watched, after_break, after_reboot, observe

FIRST_LOOK, LONGER = 2000, 8
"""Samples read at first, and how many times as many when these do not settle what fires."""
MOST = 400_000
SHOWN = 400
"""Newest samples that a trace carries; what a run began with stands in its tier anyway."""


class Sampled(msgspec.Struct, frozen=True):
    """One sample, and what it did to the run."""

    at: datetime
    value: float
    beyond: str
    """The heaviest tier whose limit it is beyond; empty: none."""
    good: bool
    """Whether it counts towards clearing."""
    after: float | None
    """Seconds of boot time since the sample before; None: there is none, or it was of another boot."""
    breaks: str
    """Why the count starts again here; empty where it goes on."""
    era: str
    text: str = ""
    """The value as the screen says it."""
    source: str = ""
    """The run, process or validation that it comes from."""


class TierTrace(msgspec.Struct, frozen=True):
    """How the run of one tier was counted."""

    tier: str
    enter: float
    clear: float
    hold: float
    """Seconds it has to span."""
    need: int
    """Samples it has to count."""
    gap: float | None
    """Longest time between two of its samples, in seconds; None: none is too long."""
    firing: bool
    span: float
    count: int
    since: datetime | None
    """First sample of the run beyond the limit; None: the newest sample is not beyond it."""
    clear_hold: float
    clear_need: int
    clear_span: float
    clear_count: int
    higher_is_worse: bool
    inclusive: bool
    """Whether reaching the limit is enough."""


class Trace(msgspec.Struct, frozen=True):
    """A condition, what the monitor said, and what its samples say."""

    id: str
    title: str
    metric: str
    unit: str
    at: datetime
    """When the monitor said it."""
    release: str
    said: str
    """The monitor's evidence."""
    firing: str
    pending: str
    held: float
    agrees: bool | None
    """Whether the samples give the same; None: they cannot tell."""
    note: str
    """Why they differ, or cannot tell; or what else there is to know."""
    reason: str | None
    """Why the value is missing or stale."""
    tiers: tuple[TierTrace, ...]
    samples: tuple[Sampled, ...]
    """Oldest first."""
    counted: int
    """Samples that were read to recompute it."""


@dataclass(frozen=True, slots=True)
class _Told:
    """What the monitor said and under what circumstances."""

    evaluation: Evaluation
    reading: ConditionReading
    condition: Condition
    limits: Mapping[str, Limit]


def trace(deployment: Deployment, store: SampleStore, name: str) -> Trace | None:
    """The newest judgement of a condition, recomputed; None while nothing was judged. sqlite3.Error."""
    with store.at_one_moment():
        evaluation = store.newest_evaluation()
        reading = next((one for one in evaluation.conditions if one.id == name), None) if evaluation else None
        condition = deployment.monitoring.conditions.get(name)
        if evaluation is None or reading is None or condition is None:
            return None
        own = evaluation.judged or evaluation.release or deployment.console.releases.old
        unjudged = condition.of_baseline and own == deployment.console.releases.old
        interval, lost = evaluation.run_interval, evaluation.data_loss
        limits = {} if unjudged else condition_limits(deployment, condition, interval, data_loss=lost)
        told = _Told(evaluation, reading, condition, limits)
        count = FIRST_LOOK
        while True:
            rows, whole = store.newest_samples(condition.metric, count, MARKS)
            both = [_folded(deployment, told, rows, own, firing=firing) for firing in (False, True)]
            settled = _state(both[0]) == _state(both[1])
            if settled or whole or count >= MOST:
                break
            count *= LONGER
        thinned = whole and not settled and store.thinned(condition.metric)
    return _trace(deployment, told, own, rows, both, settled=settled, thinned=thinned, whole=whole)


def _state(watched: Watched) -> object:
    return {name: memory.firing for name, memory in watched.memories.items()}, [edge.tier for edge in watched.edges]


def _folded(deployment: Deployment, told: _Told, rows: Sequence[Measured], release: str, *, firing: bool) -> Watched:
    """The condition after all rows, begun as one that ``firing`` or does not: where both end alike, nothing older
    counts.
    """
    rules, scale = deployment.monitoring.sustained, deployment.console.time_scale
    own = told.condition.metric == NO_DATA
    judged = "" if any(row.metric == RELEASE for row in rows) else release
    memories = {name: Memory(firing=firing) for name in told.limits}
    watched = Watched(release=judged, memories=memories)
    grace = settling = float("-inf")

    def step(watched: Watched, row: Measured | None, wall: datetime, boot: float) -> Watched:
        reading = (Value(row.value, wall, boot, row.era),) if row is not None else Nothing()
        may_fire = boot >= grace and (boot >= settling or not own)
        now = Value(0.0, wall, boot, "")
        return observe(
            watched, told.limits, reading, release=judged, now=now, rules=rules, time_scale=scale, may_fire=may_fire
        )

    at = float("-inf")
    for row in rows:
        if row.metric == RELEASE:
            judged = row.era
        elif row.metric == REBOOT:
            watched, grace, settling, at = after_reboot(watched), float("-inf"), float("-inf"), float("-inf")
        elif row.metric == BREAK:
            watched, grace = after_break(watched), row.value
        elif row.metric == SETTLING:
            settling = row.value
        else:
            boot = row.at.boot
            if at < grace < boot:  # the first tick after the grace judges what is there already
                watched = step(watched, None, row.at.wall, grace)
            watched, at = step(watched, row, row.at.wall, boot), boot
    return step(watched, None, told.evaluation.at, told.evaluation.boot)


def _trace(
    deployment: Deployment,
    told: _Told,
    release: str,
    rows: Sequence[Measured],
    both: Sequence[Watched],
    *,
    settled: bool,
    thinned: bool,
    whole: bool,
) -> Trace:
    condition, reading = told.condition, told.reading
    found = [_read(deployment, told, watched) for watched in both]
    agreeing = [index for index, one in enumerate(found) if _same(one, reading)]
    # from the very first sample on nothing fires: only where older ones are gone can it not be told
    decided = settled or (whole and not thinned)
    agrees: bool | None = bool(agreeing) if settled else (0 in agreeing if decided else (None if agreeing else False))
    chosen = agreeing[0] if agreeing else 0
    return Trace(
        id=reading.id,
        title=condition.title,
        metric=condition.metric,
        unit=condition.unit,
        at=told.evaluation.at,
        release=release,
        said=reading.evidence,
        firing=reading.firing,
        pending=reading.pending,
        held=reading.held,
        agrees=agrees,
        note=_note(told, found[chosen], agrees, thinned=thinned),
        reason=reading.reason,
        tiers=tuple(_tier(tier, told.limits[tier], both[chosen], rows) for tier in TIERS if tier in told.limits),
        samples=tuple(_sampled(told, rows))[-SHOWN:],
        counted=sum(row.metric == condition.metric for row in rows),
    )


def _read(deployment: Deployment, told: _Told, watched: Watched) -> ConditionReading:
    rules = deployment.monitoring.sustained
    return condition_reading(
        told.reading.id, told.condition, watched, told.limits, now=told.evaluation.boot, rules=rules, call=""
    )


def _same(found: ConditionReading, said: ConditionReading) -> bool:
    held = abs(found.held - said.held) < 0.01
    return (found.firing, found.pending, found.flapping) == (said.firing, said.pending, said.flapping) and held


def _note(told: _Told, found: ConditionReading, agrees: bool | None, *, thinned: bool) -> str:
    if not told.limits:
        return "measured on the old release, and not judged there"
    if agrees:
        return ""
    if agrees is None:
        return "whether it fired before cannot be recomputed: older samples are kept by the minute only"
    words = found.firing or "nothing"
    why = "older samples are kept by the minute only" if thinned else "samples or marks of that time are missing"
    return f"the kept samples give: {words} fires, {found.pending or 'nothing'} pending, held {found.held:g} s; {why}"


def _tier(name: str, limit: Limit, watched: Watched, rows: Sequence[Measured]) -> TierTrace:
    memory = watched.memories.get(name, Memory())
    beyond, good = memory.beyond, memory.good
    return TierTrace(
        tier=name,
        enter=limit.enter,
        clear=limit.clear,
        hold=limit.hold,
        need=limit.need,
        gap=limit.gap if limit.gap != float("inf") else None,
        firing=memory.firing,
        span=beyond.span if beyond else 0.0,
        count=beyond.count if beyond else 0,
        since=_began(beyond, rows),
        clear_hold=limit.clear_hold,
        clear_need=limit.clear_need,
        clear_span=good.span if good else 0.0,
        clear_count=good.count if good else 0,
        higher_is_worse=limit.higher_is_worse,
        inclusive=limit.inclusive,
    )


def _began(run: Run | None, rows: Sequence[Measured]) -> datetime | None:
    if run is None:
        return None
    return next((row.at.wall for row in reversed(rows) if row.at.boot == run.first and row.era == run.era), None)


def _sampled(told: _Told, rows: Sequence[Measured]) -> Iterator[Sampled]:
    """Every sample of the metric, with what breaks the run before it."""
    gap = next((limit.gap for limit in told.limits.values()), float("inf"))
    before: Measured | None = None
    marked = ""
    for row in rows:
        if row.metric in MARKS:
            marked = _mark(row, marked)
            continue
        if before is not None and row.at.boot <= before.at.boot and not marked:
            continue  # older than the newest: it was not counted
        after = None if before is None or marked == _REBOOTED else row.at.boot - before.at.boot
        breaks = marked
        if not breaks and before is not None and row.era != before.era:
            breaks = _other(before.era, row.era)
        if not breaks and after is not None and after > gap:
            breaks = f"gap of {after:g} s, {gap:g} s are allowed"
        beyond = next((tier for tier in TIERS if tier in told.limits and told.limits[tier].beyond(row.value)), "")
        lead = told.limits.get(told.reading.firing or told.reading.pending or _lightest(told.limits))
        good = lead is not None and lead.good(row.value)
        said = shown(told.condition, row.value)
        yield Sampled(row.at.wall, row.value, beyond, good, after, breaks if before is not None else "", row.era, said)
        before, marked = row, ""


_REBOOTED = "the machine was started again"


def _mark(row: Measured, marked: str) -> str:
    if row.metric == REBOOT:
        return _REBOOTED
    if row.metric == RELEASE:
        return marked or f"{row.era} is judged from here on"
    if row.metric == BREAK:
        return marked or "a suspend or a step of the clock"
    return marked  # a start or an operation breaks no run


def _other(before: str, after: str) -> str:
    if before.partition(":")[0] != after.partition(":")[0]:
        return f"another release: {after.partition(':')[0]}"
    return f"another process: pid {pid_of(before) or '?'} -> {pid_of(after) or '?'}"


def pid_of(era: str) -> str:
    """The pid in an era (``release:boot:pid:start``); empty where it names no process."""
    parts = era.split(":")
    return parts[2] if len(parts) == 4 else ""


def _lightest(limits: Mapping[str, Limit]) -> str:
    return next((tier for tier in reversed(TIERS) if tier in limits), "")
