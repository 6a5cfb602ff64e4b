"""The State in plain lines: what ``status`` prints, and what ``follow`` says when something changed."""

from __future__ import annotations

import re
from datetime import datetime

from engine.clock import pretty_duration
from engine.monitoring.model import KpiReading, ResourceReading
from engine.operations.model import CLOSED_BY_HAND, HOLDS, Operation
from engine.operations.outcome import outcome_words, state_word
from engine.operations.watchers import watching_in_words
from engine.state.alert_views import AlertView, DrillView
from engine.state.alerts import attention
from engine.state.model import State, ValidationView, WayBackView
from engine.state.unproven import unproven
from engine.state.watch_time import phase_words, watch_time

_NUMBER = re.compile(r"(?<![A-Za-z])[0-9][0-9.,:hmsd]*")


def headline(state: State) -> str:
    """The things to know: verdict, release, phase, and an operation that runs or needs a person."""
    return f"{_standing(state)}{_operating(state)}   {state.environment} {state.user}@{state.host}"


def lines(state: State) -> list[str]:
    """The whole state, for a person at a plain terminal."""
    told = [f" {headline(state)}   {state.at:%H:%M:%SZ}", *_drill(state), *_why(state), _way_back(state), ""]
    told += [*_kpis(state), "", *_resources(state), "", _checks(state.checks, state.at), _checklist(state)]
    if state.operation:
        told += ["", *operation_lines(state.operation)]
        held = f"operating: {state.holder.told(state.at)}" if state.holder else ""
        told += [f"   {words}" for words in (held, watching_in_words(state.watchers)) if words]
    elif state.last_operation:
        told.append(f" last operation  {operation_line(state.last_operation)}")
    told += [f" alert  {_alert(alert)}" for alert in state.alerts]
    if state.update is not None and state.update.due_at is not None:
        told.append(f" update  due since {state.update.due_at:%H:%MZ}: abaco-ops update")
    told += [f" problem  {problem}" for problem in state.problems]
    return told


def operation_line(operation: Operation) -> str:
    """One operation on one line."""
    failure = f": {operation.failure.removeprefix(f'{CLOSED_BY_HAND}: ')}" if operation.failure else ""
    return f"{operation.id} {outcome_words(operation)}{failure}"


def operation_lines(operation: Operation) -> list[str]:
    """A running or unresolved operation, with what a person can do."""
    step = next((step for step in operation.steps if step.state in ("running", "failed", "aborted")), None)
    now = f"   {step.phase} {step.title} {step.state}" if step else ""
    if step and step.state == "running" and step.detail:
        now += f": {step.detail}"
    if operation.state == "HOLDING":
        now = f"   {HOLDS}"
    return [f" operation  {operation_line(operation)}{now}", *(f"   you can: {offer}" for offer in operation.offers)]


def _read_so_far(operation: Operation) -> str:
    """In words, for a number that only moves is no news: each quarter of a long reading is."""
    read = max((step.percent or 0.0 for step in operation.steps if step.state == "running"), default=0.0)
    return ("", " (a quarter)", " (half)", " (three quarters)", "")[min(int(read // 25), 4)]


def marks(state: State) -> dict[str, str]:
    """What ``follow`` watches: a line for each thing, told anew when it changes."""
    watched = {
        "state": _standing(state),
        "why": state.verdict.why,
        "release": state.release_reason if state.release is None else "",
        "way back": unproven(state, "abaco-ops rollback")
        or ("ready" if state.way_back.ready else f"not ready: {state.way_back.reason}"),
        "validation": _result(state.checks),
        "watch": state.watch.holder or "nobody",
        "drill": f"{state.drill.drill} of {state.drill.release}, not real" if state.drill else "",
    }
    for gate in state.gates:
        if gate.state != "ahead":
            watched[f"gate {gate.id}"] = f"{gate.state.upper()}{f' by {gate.by}' if gate.by else ''}"
    for operation in (state.last_operation, state.operation):
        if operation:
            watched[operation.id] = operation_lines(operation)[0].strip() + _read_so_far(operation)
    for alert in state.alerts:
        watched[f"alert {alert.condition}"] = _alert(alert)
    if state.update is not None and state.update.due_at is not None:
        watched["status update"] = "due: abaco-ops update"
    for number, problem in enumerate(state.problems):
        watched[f"problem {number}"] = problem
    return watched


def news(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What is new, changed or gone between two :func:`marks`, each as a line. A number that only moved is no news."""
    changed = [
        f"{name}: {said}"
        for name, said in now.items()
        if said and _without_numbers(said) != _without_numbers(before.get(name, ""))
    ]
    return changed + [f"{name}: over" for name, said in before.items() if said and not now.get(name)]


def _without_numbers(said: str) -> str:
    return _NUMBER.sub("#", said)


def _standing(state: State) -> str:
    """Verdict, release, phase, and how far the watch has come."""
    since = watch_time(state, state.at)
    return f"{state.verdict.word}   {_live(state)}   {phase_words(state)}" + (f"   {since}" if since else "")


def _operating(state: State) -> str:
    operation = state.operation
    if operation is None or operation.kind == "validate":
        return ""
    return f"   {operation.id} {state_word(operation)}"


def _live(state: State) -> str:
    return f"{state.release} live" if state.release else "no release live"


def _drill(state: State) -> list[str]:
    return [f" DRILL {drill_words(state.drill, state.at)}: what follows is not real"] if state.drill else []


def drill_words(drill: DrillView, now: datetime) -> str:
    """``latency of v2, ends in 1m40s``."""
    left = int((drill.ends_at - now).total_seconds())
    if left < 0:
        return f"{drill.drill} of {drill.release}, its time is over and it is not put right yet"
    ends = f"{left // 60}m{left % 60:02d}s" if left >= 60 else f"{left}s"
    return f"{drill.drill} of {drill.release}, ends in {ends}"


def _why(state: State) -> list[str]:
    verdict = state.verdict
    more = [part for part in (f"clears: {verdict.clears}" if verdict.clears else "", verdict.worsens) if part]
    told = [f" {verdict.why}" + (f"   ({'; '.join(more)})" if more else "")]
    if state.release is None:
        told.append(f" no release is live: {state.release_reason}")
    return told


def _way_back(state: State) -> str:
    way = state.way_back
    ready = unproven(state, "abaco-ops rollback") or ("ready" if way.ready else f"not ready: {way.reason}")
    note = f"   note: {way.note}" if way.note else ""
    holder = state.watch.holder or "nobody"
    return f" WAY BACK  {way.release} {way.build}   {ready}   {rests_on(way, state.at)}{note}   on watch {holder}"


def rests_on(way: WayBackView, now: datetime) -> str:
    """``2.1 s, rehearsed 3.0 s ago``: how long the way back takes, what says so and since when."""
    if way.seconds is None or way.basis_at is None:
        return "never rehearsed"
    return f"{way.seconds:.1f} s, {way.basis} {_ago(now, way.basis_at)}"


def _kpis(state: State) -> list[str]:
    return [_kpi(kpi) for kpi in state.kpis]


def _kpi(kpi: KpiReading) -> str:
    value = "-" if kpi.value is None else f"{kpi.value:.{kpi.decimals}f}"
    unit = kpi.unit if kpi.unit == "%" else ""
    change = "" if kpi.change is None else f"{kpi.change:+.{kpi.decimals}f} from {kpi.change_from}"
    note = kpi.reason or "" if kpi.value is None else ("stale" if kpi.stale else "")
    return f"   {kpi.title:<12} {value:>9} {unit:<2} {kpi.status:<10} {change} {note}".rstrip()


def _resources(state: State) -> list[str]:
    return [_resource(item) for item in state.resources] or ["   no gauge is measured"]


def _resource(item: ResourceReading) -> str:
    note = item.reason or "" if item.level == "missing" else ""
    return f"   {item.label:<12} {item.text:>12} {item.level:<10} {item.limit} {note}".rstrip()


def _checks(checks: ValidationView, now: datetime) -> str:
    when = f", {_ago(now, checks.observed_at)}" if checks.observed_at else ""
    return f" validation  {_result(checks)}{when}" + (" (one runs now)" if checks.running else "")


def _result(checks: ValidationView) -> str:
    bad = [f"{check.name} {check.status}" for check in checks.checks if check.status != "PASS"]
    passed = sum(check.status == "PASS" for check in checks.checks)
    count = f" {passed}/{len(checks.checks)}" if checks.checks else ""
    return (
        f"{checks.status}{count}"
        + (f" ({', '.join(bad)})" if bad else "")
        + (" (stale)" if checks.stale and checks.observed_at else "")
    )


def _checklist(state: State) -> str:
    items = state.checklist.items
    waiting = [item for item in items if item.state in ("due", "overdue")]
    hourly = f"{state.checklist.hourly_passed}/{state.checklist.hourly_due} hourly PASS"
    gate = f"; {state.next_gate.title} {state.next_gate.due_at:%d %b %H:%MZ}" if state.next_gate else ""
    if state.next_gate and state.next_gate.state in ("due", "overdue"):
        gate += f" {state.next_gate.state.upper()}: abaco-ops gate show {state.next_gate.id}"
    return f" checklist  {hourly}; {len(waiting)} to answer{gate}"


def _alert(alert: AlertView) -> str:
    priority = f"{alert.priority} " if alert.priority else ""
    return f"{priority}{alert.condition} {alert.text} ({attention(alert)})"


def _ago(now: datetime, then: datetime | None) -> str:
    return "never" if then is None else f"{pretty_duration(max((now - then).total_seconds(), 0))} ago"
