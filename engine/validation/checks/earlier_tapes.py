"""The tape against those of earlier validations: has its form changed, is there as much of it, is it as new?

Pure functions of a few figures and of the kept lines: no row of the tape is needed.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from engine.config.kpis import ChecksSection
from engine.portfolio.tape_schema import EMPTY
from engine.records import harmless
from engine.validation.history import Kept
from engine.validation.model import Sample, Severity
from engine.validation.parts import Asked, NotRun, Question

TAPES = 10
"""Earlier tapes whose median a volume is set against, the newest of them."""
TRIAL = "a trial on another tape is not set against the live ones"


@dataclass(frozen=True, slots=True)
class TapeNow:
    """What is compared of the tape of now."""

    columns: Callable[[], dict[str, str]]
    """Each with its kind."""
    sha256: str | None
    date: str | None
    latest_rows: int
    at: datetime | None
    """When it was read."""


def earlier_questions(
    now: TapeNow | None, earlier: Callable[[], Sequence[Kept]], section: ChecksSection
) -> list[Question]:
    """All of them. ``earlier``: live validations, oldest first; ``now`` None: they can be named, not asked."""
    weights = section.severity
    table: tuple[tuple[str, str, Severity, Callable[[TapeNow], Asked]], ...] = (
        (
            "schema_drift",
            "columns and kinds are those of the last run",
            weights.schema_drift,
            lambda of: drift(of.columns(), earlier()),
        ),
        ("volume", "there are about as many rows as before", weights.volume, lambda of: volume(of, earlier(), section)),
        (
            "freshness",
            "the tape is as new as it should be",
            weights.freshness,
            lambda of: freshness(of, earlier(), section),
        ),
    )
    return [Question(name, title, weight, partial(_asked, now, ask)) for name, title, weight, ask in table]


def _asked(now: TapeNow | None, ask: Callable[[TapeNow], Asked]) -> Asked:
    if now is None:
        raise NotRun("the tape cannot be read")
    return ask(now)


def drift(columns: dict[str, str], earlier: Sequence[Kept]) -> Asked:
    """What is gone or of another kind is an issue; what is new is told."""
    last = next((one for one in reversed(earlier) if one.columns), None)
    if last is None:
        raise NotRun("no earlier validation is on record")
    gone = [name for name in last.columns if name not in columns]
    new = [name for name in columns if name not in last.columns]
    other = [
        (name, was, columns[name])
        for name, was in last.columns.items()
        if name in columns and EMPTY not in (was, columns[name]) and was != columns[name]
    ]
    issues = [f"the column {harmless(name, 60)} is gone since the last run" for name in gone]
    issues += [f"{harmless(name, 60)} held {was}s in the last run, and now holds {kind}s" for name, was, kind in other]
    told = f", new: {', '.join(harmless(name, 60) for name in new)}" if new else ""
    rows = tuple(Sample(f"{was} became {kind}", name=harmless(name, 60)) for name, was, kind in other)
    return Asked(
        f"{len(columns) - len(new)} columns as in the last run{told}",
        f"the columns of {last.timestamp[:16]}Z",
        len(gone) + len(other),
        len(last.columns),
        tuple(issues),
        rows,
    )


def volume(now: TapeNow, earlier: Sequence[Kept], section: ChecksSection) -> Asked:
    """Rows of the latest date against the median of the last tapes, each counted once."""
    other = {
        _tape(one): one.figures["latest_rows"]
        for one in earlier
        if "latest_rows" in one.figures and (one.tape_sha256 is None or one.tape_sha256 != now.sha256)
    }
    rows = list(other.values())[-TAPES:]
    if len(rows) < section.volume_least:
        raise NotRun(f"{len(rows)} earlier tapes are on record, {section.volume_least} make a median")
    usual = statistics.median(rows)
    apart = 100 * abs(now.latest_rows - usual) / usual if usual else 0.0 if not now.latest_rows else 100.0
    limit = f"within {section.volume_percent:g} % of {usual:,.0f} rows, the median of {len(rows)} tapes"
    said = f"{now.latest_rows:,} rows of the latest date, {usual:,.0f} are usual: {apart:.0f} % apart"
    if apart > section.volume_percent:
        return Asked("", limit, issues=(f"{said}, more than {section.volume_percent:g} %",))
    return Asked(said, limit)


def _tape(one: Kept) -> str:
    return one.tape_sha256 or f"{one.measurement_date} {one.figures.get('rows')}"


def freshness(now: TapeNow, earlier: Sequence[Kept], section: ChecksSection) -> Asked:
    """The latest date must not lie before that of the last run, nor be older than is allowed."""
    if now.date is None:
        raise NotRun("the tape is undated")
    last = next((one.measurement_date for one in reversed(earlier) if one.measurement_date), None)
    if last is None and section.max_age_days is None:
        raise NotRun("no earlier validation is on record, and checks.max_age_days is not set")
    issues = []
    if last is not None and now.date < last:
        issues.append(f"the latest date went back from {harmless(last, 20)} in the last run to {now.date}")
    old = _age(now)
    limits = [f"not before {harmless(last, 20)}"] if last is not None else []
    if section.max_age_days is not None and old is not None:
        limits.append(f"at most {section.max_age_days:g} days old")
        if old > timedelta(days=section.max_age_days):
            issues.append(f"the latest date, {now.date}, is {old.days} days old, more than {section.max_age_days:g}")
    return Asked(f"the latest date is {now.date}", ", ".join(limits), issues=tuple(issues))


def _age(now: TapeNow) -> timedelta | None:
    if now.at is None or now.date is None:
        return None
    return now.at - datetime.fromisoformat(now.date).replace(tzinfo=UTC)
