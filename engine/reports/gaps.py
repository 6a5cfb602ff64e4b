"""Everything that the records do not show: no samples, monitor down, slots missed, clock steps, suspends, damage."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from engine.clock import pretty_duration
from engine.config.prometheus import seconds_between
from engine.monitoring.stretch import touching
from engine.records import harmless
from engine.records.counted import counted
from engine.reports.document import Mark, Row, Section, Table
from engine.reports.found import Found, of_kind
from engine.reports.slots import slot_results
from engine.state.event_words import slot_words

_KINDS: dict[str, tuple[str, Mark]] = {
    "clock.stepped": ("the clock stepped", "W"),
    "monitor.absent": ("no monitor ran", "C"),
    "monitor.suspended": ("the monitor was stopped or the machine suspended", "W"),
    "monitor.memory_lost": ("the monitor lost a part of its memory", "C"),
    "audit.trail_lost": ("the audit trail before this was lost", "C"),
    "schedule.missed": ("validation slot missed", "C"),
    "schedule.late": ("validation began late", "W"),
    "records.repaired": ("a torn line was cut off", "W"),
    "service.restarted": ("the service was restarted", "W"),
    "service.failed": ("the service failed", "C"),
}
MOST = 60


def section(found: Found) -> Section:
    """One line each, in order of time; then how much of each metric there is."""
    rows = sorted(_rows(found), key=lambda row: row[0])
    shown = tuple(row for _, row in rows[:MOST])
    if len(rows) > MOST:
        shown = (*shown, Row(("", f"and {len(rows) - MOST} more", "", "", ""), "W"))
    lead = f"{counted(len(rows), 'gap')} in what the records show." if rows else "Nothing is known to be missing."
    if not found.counts:
        lead = "No sample at all was kept of this stretch: what happened in it is unknown."
    table = Table(("from", "", "what", "for", "detail"), shown, "no gap was found")
    return Section("gaps", "Gaps", lead, (table, _received(found)))


def silences(found: Found) -> list[tuple[datetime, datetime]]:
    """Stretches without a sample, those at both ends included."""
    begin, end = found.span.begin, found.span.end
    if not found.counts:
        return [(begin, end)]
    ends = list(found.gaps)
    if found.last is not None and (end - found.last.at).total_seconds() > found.patience:
        ends.append((found.last.at, end))
    return touching(ends)


def _rows(found: Found) -> list[tuple[datetime, Row]]:
    rows = []
    for since, until in silences(found):
        seconds = (until - since).total_seconds()
        rows.append((since, _row(found, since, "no samples", seconds, "the monitor was down, or could not write", "C")))
    for at, event in of_kind(found, *_KINDS):
        words, mark = _KINDS[str(event["kind"])]
        data = event["data"]
        seconds = data.get("seconds")
        detail = data.get("reason") or data.get("what") or _slot(data) or data.get("release") or ""
        took = float(seconds) if isinstance(seconds, int | float) else None
        rows.append((at, _row(found, at, words, took, harmless(detail, 200), mark)))
    told = {_slot(event["data"]) for _, event in of_kind(found, "schedule.missed")}
    for item in slot_results(found):
        if item.status == "MISSED" and item.slot not in told:
            rows.append(
                (item.due, _row(found, item.due, "validation slot missed", None, f"{item.slot}, by the records", "C"))
            )
    return rows


def _slot(data: dict[str, Any]) -> str:
    """The slot that an event of the schedule names, as people say it: ``T+2``."""
    return slot_words(data) if data.get("name") or data.get("slot") else ""


def _row(found: Found, at: datetime, what: str, seconds: float | None, detail: str, mark: Mark) -> Row:
    took = "" if seconds is None else f"{'-' if seconds < 0 else ''}{pretty_duration(abs(seconds))}"
    return Row((f"{at:%d %b %H:%M:%SZ}", found.span.named(at), what, took, detail), mark)


def _received(found: Found) -> Table:
    """Values received of each condition's metric; for those of every sample, the share of what was asked for."""
    seconds = (found.span.end - found.span.begin).total_seconds()
    rows = []
    for name, condition in found.deployment.monitoring.conditions.items():
        count = found.counts.get(condition.metric, 0)
        asked = max(int(seconds / seconds_between(found.deployment.monitoring, condition, found.cadence)), 1)
        share = (
            f"{min(count / asked, 1) * 100:.1f} % of {asked:,}" if condition.per == "sample" else f"per {condition.per}"
        )
        rows.append(Row((name, condition.metric, f"{count:,}", share), "" if count else "?"))
    return Table(("id", "metric", "values", "share"), tuple(rows), "no metric is configured", "Values received")
