"""How a watch has gone since its cutover: hours, uptime, errors, audit, criticals, log lines. Structs and pure folds.

Written down with the checkpoint, so that a gate is judged on the whole watch whoever restarted the monitor meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from engine.clock import Instant
from engine.monitoring.runs import Run, attempted
from engine.records import harmless

if TYPE_CHECKING:  # an evaluation carries a Standing
    from engine.monitoring.model import ConditionReading

HOURS_KEPT = 24
"""Complete hours that are remembered beside the first."""
LISTED = 20
"""Criticals and log lines that are listed; more are counted."""
UNMATCHED = 512


class Hour(msgspec.Struct, frozen=True):
    """Medians of one complete hour of the watch; None where too little was measured."""

    number: int
    """From 1."""
    latency_ms: float | None = None
    resident_mb: float | None = None
    """The resident set: what other processes do does not change it."""
    cpu_percent: float | None = None


class Happened(msgspec.Struct, frozen=True):
    """A critical tier that began to fire, or a line of the service's log that tells of an error."""

    at: datetime
    text: str


class Standing(msgspec.Struct, frozen=True):
    """Everything since the cutover at ``since``. Times in seconds of the boot clock."""

    since: datetime | None = None
    at: datetime | None = None
    """The tick that it goes up to."""
    boot: float = 0.0
    boot_id: str = ""
    up: float = 0.0
    down: float = 0.0
    unwatched: float = 0.0
    """Time in which nobody looked: neither up nor down."""
    longest_unwatched: float = 0.0
    process: str = ""
    replaced: int = 0
    """How often another process was found running."""
    restarts: int = 0
    """Of those that its supervisor recorded, after the cutover."""
    runs: int = 0
    failed: int = 0
    rows: int = 0
    errors: int = 0
    good: Run | None = None
    """The last good run: what a failed one would have read."""
    damaged: int = 0
    """Run records that cannot be read: what those runs did is not known."""
    run_at: datetime | None = None
    last_run: str = ""
    audited: int = 0
    """Runs whose events are in the audit trail."""
    gaps: int = 0
    gap: str = ""
    """The newest run that left no events."""
    trail_lost: str = ""
    """What became of the audit trail since the cutover, where it was lost; acknowledged or not."""
    waiting: tuple[tuple[str, datetime], ...] = ()
    """Runs whose events have not been seen yet, and since when."""
    finished: tuple[str, ...] = ()
    """Runs that the trail knows to have finished, and whose record has not been seen yet."""
    first: Hour | None = None
    hours: tuple[Hour, ...] = ()
    """The newest complete hours, without the first."""
    criticals: tuple[Happened, ...] = ()
    critical_count: int = 0
    firing: tuple[str, ...] = ()
    log_errors: tuple[Happened, ...] = ()
    log_error_count: int = 0
    log_from: datetime | None = None
    """Since when the service's log is followed."""
    log_offset: int = 0
    log_inode: int = 0
    log_problem: str = ""

    @property
    def last_hour(self) -> Hour | None:
        """The newest complete hour, the first left aside."""
        return self.hours[-1] if self.hours else None


def began(since: datetime) -> Standing:
    """A watch that begins."""
    return Standing(since=since)


def time_passed(
    standing: Standing, now: Instant, boot_id: str, *, up: bool | None, process: str, restarts: int, longest: float
) -> Standing:
    """The time since the tick before goes to up, down, or, where the look failed or came too late, unwatched."""
    passed = _since_before(standing, now, boot_id)
    watched = passed <= longest and up is not None
    changes: dict[str, object] = {
        "at": now.wall,
        "boot": now.boot,
        "boot_id": boot_id,
        "restarts": max(standing.restarts, restarts),
    }
    name = "unwatched" if not watched else "up" if up else "down"
    changes[name] = getattr(standing, name) + passed
    if not watched:
        changes["longest_unwatched"] = max(standing.longest_unwatched, passed)
    if process and process != standing.process:
        changes |= {"process": process, "replaced": standing.replaced + bool(standing.process)}
    return msgspec.structs.replace(standing, **changes)


def _since_before(standing: Standing, now: Instant, boot_id: str) -> float:
    if standing.boot_id == boot_id:
        return max(now.boot - standing.boot, 0.0)
    before = standing.at or standing.since or now.wall
    return max((now.wall - before).total_seconds(), 0.0)


def runs_ended(standing: Standing, runs: Iterable[Run], release: str) -> Standing:
    """Runs of the watched release that ended since the cutover are added up, and wait for their events."""
    counted = [run for run in runs if run.release == release and standing.since and run.ended >= standing.since]
    if not counted:
        return standing
    good, rows, errors = standing.good, standing.rows, standing.errors
    for run in counted:
        more, wrong = attempted(run, () if good is None else (good,))
        rows, errors = rows + more, errors + wrong
        good = run if run.ok else good
    return msgspec.structs.replace(
        standing,
        runs=standing.runs + len(counted),
        failed=standing.failed + sum(not run.ok for run in counted),
        rows=rows,
        errors=errors,
        good=good and msgspec.structs.replace(good, outputs=(), incarnation=None),
        run_at=counted[-1].ended,
        last_run=counted[-1].run_id,
        waiting=(*standing.waiting, *((run.run_id, run.ended) for run in counted))[-UNMATCHED:],
    )


def records_damaged(standing: Standing, count: int) -> Standing:
    """Records that say nothing, of runs that ended since the cutover."""
    return msgspec.structs.replace(standing, damaged=standing.damaged + count) if count else standing


def events_seen(standing: Standing, finished: Iterable[str], now: datetime, patience: float) -> Standing:
    """Runs find their event; one that has none ``patience`` seconds after it ended is a gap."""
    known = {*standing.finished, *finished}
    waiting, audited, gaps, gap = [], 0, 0, standing.gap
    for run_id, ended in standing.waiting:
        if run_id in known:
            known.discard(run_id)
            audited += 1
        elif (now - ended).total_seconds() > patience:
            gaps, gap = gaps + 1, run_id
        else:
            waiting.append((run_id, ended))
    kept = tuple(run_id for run_id in (*standing.finished, *finished) if run_id in known)
    return msgspec.structs.replace(
        standing,
        waiting=tuple(waiting),
        finished=tuple(dict.fromkeys(kept))[-UNMATCHED:],
        audited=standing.audited + audited,
        gaps=standing.gaps + gaps,
        gap=gap,
    )


def fired(standing: Standing, conditions: Sequence[ConditionReading], now: datetime) -> Standing:
    """Critical and roll-back tiers that began to fire at this tick."""
    firing = tuple(c.id for c in conditions if c.firing in ("critical", "rollback"))
    new = [c for c in conditions if c.id in firing and c.id not in standing.firing]
    if not new and firing == standing.firing:
        return standing
    added = [Happened(now, harmless(f"{c.id} {c.brief or c.evidence}", 160)) for c in new]
    return msgspec.structs.replace(
        standing,
        firing=firing,
        criticals=(*standing.criticals, *added)[-LISTED:],
        critical_count=standing.critical_count + len(added),
    )


def hour_over(standing: Standing, hour: Hour) -> Standing:
    """One more hour is complete."""
    if hour.number == 1:
        return msgspec.structs.replace(standing, first=hour)
    return msgspec.structs.replace(standing, hours=(*standing.hours, hour)[-HOURS_KEPT:])


def next_hour(standing: Standing) -> int:
    """The number of the hour that is measured next."""
    newest = standing.hours[-1].number if standing.hours else standing.first.number if standing.first else 0
    return newest + 1


def published(standing: Standing) -> Standing:
    """As much of it as everybody reads with each evaluation."""
    return msgspec.structs.replace(standing, hours=standing.hours[-1:], good=None, waiting=(), finished=())
