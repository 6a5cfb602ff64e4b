"""The audit trail as a report reads it: what was recorded up to its moment, and whether its chain holds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from engine.clock import parse_iso
from engine.config import Deployment
from engine.monitoring.facts import VALIDATIONS_KEPT, Facts, Validation, fold
from engine.operations.model import Operation
from engine.records import ChainReport, Record, harmless, records_from_end, verify_chain
from engine.reports.span import Span
from engine.reports.tried import NO_RECORDS, tried


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


def read_events(deployment: Deployment, problems: list[str]) -> list[Record]:
    """Every event with a time and data, oldest first; what is left out is counted in ``problems``."""
    found, damaged = tried(lambda: _kept(deployment.paths.events), NO_RECORDS, problems, "audit trail")
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


def read_chain(path: Path, end: datetime, problems: list[str]) -> Chain:
    """Verify the whole trail, and say how it stands as far as ``end``."""
    report: ChainReport | None = tried(lambda: verify_chain(path), None, problems, "audit trail")
    last = tried(lambda: _newest_until(path, end), None, problems, "audit trail")
    seq = last.get("seq") if last else 0
    known = seq if isinstance(seq, int) else 0
    head = harmless(last.get("hash") if last else "", 64)
    if report is None:
        return Chain(False, known, head, "it cannot be read")
    whole = report.intact or report.records >= known > 0
    return Chain(path.exists(), known, head, "" if whole else report.problem)


def _newest_until(path: Path, end: datetime) -> Record | None:
    return next((one for one in records_from_end(path) if one is not None and within(one, end)), None)


def told_later(deployment: Deployment, events: list[Record], span: Span) -> tuple[Record, ...]:
    """A slot that is due at the moment is served after it, and a decision follows its evidence; a rollback's reason may
    be given when there is time for it.
    """
    if span.incident:
        return tuple(event for event in events if _reason_of(event, span))
    if span.gate is None:
        return ()
    until, new, passed = slot_end(deployment, span), deployment.console.releases.new, False
    found = []
    for event in events:
        at, data, kind = time_of(event), event["data"], event.get("kind")
        if at is None or at <= span.end:
            continue
        own = data.get("scheduled") is True and data.get("occasion") != "change"  # that one looks at another matter
        serves = kind == "validation.finished" and own and at < until and not passed
        # one that failed is run again; one that passed has served the slot
        passed = passed or (serves and data.get("status") == "PASS" and data.get("release") == new)
        if serves or (kind == "gate.decided" and data.get("gate") == span.gate.id):
            found.append(event)
    return tuple(found)


def _reason_of(event: Record, span: Span) -> bool:
    """Whether it is a note about the rollback that is reported, written after it."""
    about = event.get("kind") == "note" and event["data"].get("operation") == span.incident
    return about and not within(event, span.end)


def asked_for(span: Span, events: list[Record], operations: tuple[Operation, ...]) -> datetime | None:
    """When the rollback of an incident was asked for: its first record anywhere. None for other reports."""
    if not span.incident:
        return None
    times = [time_of(event) for event in events if event.get("operation") == span.incident]
    times += [item.started for item in operations if item.id == span.incident]
    return min((at for at in times if at is not None), default=None)


def slot_end(deployment: Deployment, span: Span) -> datetime:
    """When the slot that is due at the moment is over."""
    return span.end + timedelta(seconds=float(deployment.checklist.schedule.validation_every) / span.scale)


def served_at(later: tuple[Record, ...]) -> datetime | None:
    """When the slot of the moment was served, by its re-run where there was one; None: it was not."""
    served = [event for event in later if event.get("kind") == "validation.finished"]
    return time_of(served[-1]) if served else None


def all_validations(events: tuple[Record, ...]) -> tuple[Validation, ...]:
    """The fold keeps so many at once: in pieces of that length none is lost, however long the watch."""
    finished = [event for event in events if event.get("kind") == "validation.finished"]
    pieces = [finished[start : start + VALIDATIONS_KEPT] for start in range(0, len(finished), VALIDATIONS_KEPT)]
    return tuple(found for piece in pieces for found in fold(Facts(), piece).validations)


def time_of(event: Record) -> datetime | None:
    """When an event was recorded; None when it does not say."""
    try:
        return parse_iso(str(event["at"]))
    except (KeyError, ValueError):
        return None


def within(event: Record, end: datetime) -> bool:
    """Whether it was recorded by then."""
    at = time_of(event)
    return at is not None and at <= end
