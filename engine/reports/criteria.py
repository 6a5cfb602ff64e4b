"""The criteria of the decision that a report serves: met, not met or unknown, and what says so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any

from engine.clock import pretty_duration
from engine.monitoring.model import Evaluation, Gate
from engine.records import harmless
from engine.reports.document import Mark, Row, Section, Table, counted
from engine.reports.found import Found, of_kind
from engine.reports.slots import slot_results
from engine.reports.trail import time_of

MET, NOT_MET, UNKNOWN = "met", "not met", "unknown"
_MARKS: dict[str, Mark] = {MET: "ok", NOT_MET: "C", UNKNOWN: "?"}
_RESTS_ON: dict[str, tuple[str, ...]] = {
    "logs_clean": ("RUN", "AUD"),
    "latency_below_100": ("LAT",),
    "memory_below_200": ("MEM",),
    "errors_below_0_1": ("ERR",),
    "no_memory_growth": ("MEMG",),
    "memory_within_10_percent": ("MEMG",),
    "audit_continuous": ("AUD",),
}
"""Criteria that rest on conditions: their reading is the evidence."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One criterion of a gate."""

    name: str
    answer: str
    evidence: str
    waiver: str = ""

    @property
    def open(self) -> bool:
        """Whether it stands in the way: not met or unknown, and nobody waived it."""
        return self.answer != MET and not self.waiver


@dataclass(frozen=True, slots=True)
class Decided:
    """What was recorded of a gate."""

    at: datetime
    word: str
    by: str
    note: str
    waivers: tuple[dict[str, str], ...]
    criteria: dict[str, str]


def decided(found: Found) -> Decided | None:
    """The newest decision about this report's gate, made before its moment or after it."""
    gate = found.span.gate
    if gate is None:
        return None
    events = [event for event in (*found.events, *found.later) if event.get("kind") == "gate.decided"]
    events = [event for event in events if event["data"].get("gate") == gate.id]
    since = found.span.cutover_at
    events = [event for event in events if since is None or (time_of(event) or since) >= since]
    if not events:
        return None
    data, at = events[-1]["data"], time_of(events[-1])
    assert at is not None
    waivers = data.get("waivers")
    answers = data.get("criteria")
    return Decided(
        at,
        "GO" if data.get("decision") == "go" else "NO-GO",
        harmless(data.get("by") or events[-1].get("actor") or "?", 60),
        harmless(data.get("note") or "", 300),
        tuple(_waiver(item) for item in waivers if isinstance(item, dict)) if isinstance(waivers, list) else (),
        {str(name): str(answer) for name, answer in answers.items()} if isinstance(answers, dict) else {},
    )


def _waiver(item: dict[str, Any]) -> dict[str, str]:
    return {name: harmless(item.get(name) or "", 200) for name in ("criterion", "reason", "by", "second")}


def criteria(found: Found) -> tuple[Criterion, ...]:
    """Every criterion of the gate, as the monitor judged it at the moment, or as it stood when it was decided."""
    gate = found.span.gate
    if gate is None:
        return ()
    made = decided(found)
    waived = {item["criterion"]: item for item in made.waivers} if made else {}
    judged = judged_gate(found)
    return tuple(
        Criterion(name, _answer(found, name, judged, made), _evidence(name, found), _waived(waived.get(name)))
        for name in gate.go_if
    )


def judged_gate(found: Found) -> Gate | None:
    """What the monitor said of this gate last before its time; None when it said nothing near it."""
    gate, state = found.span.gate, found.state
    said = state.next_gate if state is not None else None
    return said if said is not None and gate is not None and said.id == gate.id else None


def _answer(found: Found, name: str, judged: Gate | None, made: Decided | None) -> str:
    """What was recorded with the decision counts; else the monitor's word, which the records may only make worse; what
    neither says is unknown.
    """
    if made is not None and name in made.criteria:
        return made.criteria[name] if made.criteria[name] in _MARKS else UNKNOWN
    words = name.replace("_", " ")
    if judged is None or words in judged.unknown or name in judged.unknown:
        said = UNKNOWN
    else:
        said = NOT_MET if words in judged.would_fail_on or name in judged.would_fail_on else MET
    return max(said, _by_records(found, name) or MET, key=(MET, UNKNOWN, NOT_MET).index)


def _by_records(found: Found, name: str) -> str:
    """What the validation slots say themselves: the monitor judged before the last of them was served."""
    if not name.startswith("hourly_") and name != "validation_5_of_5":
        return ""
    states = [item.status for item in slot_results(found)][-1 if name == "validation_5_of_5" else 0 :]
    if any(state not in ("PASS", "NOT RUN") for state in states):
        return NOT_MET
    return MET if states and "NOT RUN" not in states else UNKNOWN


def _waived(item: dict[str, str] | None) -> str:
    if item is None:
        return ""
    return f"waived by {item['by'] or '?'} and {item['second'] or 'NO SECOND NAME'}: {item['reason'] or 'no reason'}"


def _evidence(name: str, found: Found) -> str:
    """The figures behind a criterion, from the records."""
    state = found.state
    if name.startswith("hourly_"):
        return _hourly(found)
    if name == "validation_5_of_5":
        last = found.validations[-1] if found.validations else None
        return f"{last.status} {last.passed_checks} at {last.at:%d %b %H:%M:%SZ}" if last else "no validation"
    if name in ("no_critical_event", "stable"):
        return _critical(found)
    if name == "uptime_100":
        return _uptime(found)
    if name == "tests_pass":
        return _tests(found)
    if state is None:
        return "the monitor kept nothing near this moment"
    if name == "kpis_in_range":
        out = [kpi.title for kpi in state.kpis if not kpi.in_range or kpi.stale]
        return f"out of range or missing: {', '.join(out)}" if out else "all in range"
    if name in _RESTS_ON:
        return "; ".join(_reading(state, one) for one in _RESTS_ON[name])
    if name == "medians_within_5_percent_of_hour_1":
        return _medians(found)
    return "see the checklist" if name == "checklist_done" else ""


def _reading(state: Evaluation, name: str) -> str:
    reading = next((item for item in state.conditions if item.id == name), None)
    if reading is None:
        return f"{name} is not watched"
    return f"{name} {reading.text}" + (f" ({reading.reason})" if reading.reason else "")


def _hourly(found: Found) -> str:
    results = slot_results(found)
    passed = sum(item.status == "PASS" for item in results)
    others = [f"{item.slot} {item.word}" for item in results if item.status != "PASS"]
    more = f"; {', '.join(others[:6])}" + (f" and {len(others) - 6} more" if len(others) > 6 else "") if others else ""
    return f"{passed} of {len(results)} PASS{more}"


def critical_times(found: Found) -> Iterator[tuple[datetime, str]]:
    """When a critical or roll-back tier of a condition began to fire, since the cutover, as the monitor kept it."""
    since, seen = found.span.cutover_at, set[str]()
    for frame in found.frames:
        if since is not None and frame.at < since:
            continue
        now = {item.id for item in frame.conditions if item.firing in ("critical", "rollback")}
        for name in sorted(now - seen):
            yield frame.at, name
        seen = now


def _critical(found: Found) -> str:
    times = list(critical_times(found))
    told = ", ".join(f"{name} at {found.span.named(at)}" for at, name in times[:4])
    more = f" and {len(times) - 4} more" if len(times) > 4 else ""
    if not found.frames:
        return "the monitor kept nothing of this stretch"
    return f"critical: {told}{more}" if times else "no critical or roll-back tier fired in what was kept"


def _medians(found: Found) -> str:
    """Medians of the last hour against those of the first, of what is plotted."""
    span = found.span
    if span.cutover_at is None:
        return ""
    hour, told = timedelta(hours=1 / span.scale), []
    for name, points in found.series.items():
        first = [point.mean for point in points if span.cutover_at <= point.at <= span.cutover_at + hour]
        last = [point.mean for point in points if span.end - hour <= point.at <= span.end]
        if first and last:
            told.append(f"{name} {median(first):.4g} -> {median(last):.4g}")
        else:
            told.append(f"{name} missing")
    return "medians, hour 1 -> last hour: " + (", ".join(told) or "nothing was sampled")


def _uptime(found: Found) -> str:
    restarts = list(of_kind(found, "service.restarted", "service.failed"))
    down = sum((until - since).total_seconds() for since, until in found.gaps)
    said = counted(len(restarts), "restart or failure", "restarts and failures")
    return f"{said} of the service; {pretty_duration(down)} without samples, of which nothing is known"


def _tests(found: Found) -> str:
    for item in reversed(found.operations):
        step = next((step for step in item.steps if step.name == "test_new"), None)
        if item.kind == "cutover" and step is not None:
            return f"{item.id}: {step.detail or step.state}; no later run of the tests is recorded"
    return "no record of a test run"


def section(found: Found) -> Section | None:
    """The chapter about the gate; None for a report that serves no gate."""
    gate, made = found.span.gate, decided(found)
    if gate is None:
        return None
    rows = tuple(
        Row(
            (item.name.replace("_", " "), item.answer, item.evidence, item.waiver),
            "W" if item.waiver and item.answer != MET else _MARKS[item.answer],
        )
        for item in criteria(found)
    )
    answers = [item.answer for item in criteria(found)]
    met, failed, unknown = (answers.count(word) for word in (MET, NOT_MET, UNKNOWN))
    lead = f"{met} of {len(answers)} met, {failed} not met, {unknown} unknown."
    lead += " What is unknown is not met." if UNKNOWN in answers else ""
    basis = (
        "as recorded with the decision"
        if made and made.criteria
        else "as the monitor judged them last, held against the records"
    )
    table = Table(("criterion", "answer", "evidence", "waiver"), rows, "this gate asks for nothing")
    return Section("criteria", f"Criteria of the {gate.title}", f"{lead} They stand {basis}.", (table,))
