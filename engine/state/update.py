"""The status update for the team: a few plain lines, ready to be pasted; for console and command line alike."""

from __future__ import annotations

from datetime import datetime

from engine.clock import pretty_duration
from engine.notify.message import DRILL_MARK
from engine.operations.model import state_in_words
from engine.state.model import State
from engine.state.told import rests_on
from engine.state.unproven import unproven
from engine.state.watch_time import phase_words, watch_time


def update_lines(state: State, now: datetime) -> list[str]:
    """The lines, as of ``now``."""
    release = state.release.upper() if state.release else "no release"
    when = watch_time(state, now) or phase_words(state)
    lines = [f"{state.title} {state.environment}, {now:%H:%M:%SZ}: {state.verdict.word}. {release} live, {when}."]
    if state.drill is not None:
        lines.insert(0, f"{DRILL_MARK}: {state.drill.drill} of {state.drill.release}.")
    clears = state.verdict.clears.removeprefix("clears ")
    lines.append(f"Why: {state.verdict.why}" + (f"; clears {clears}" if clears else ""))
    kpis = [
        (f"{kpi.title} {kpi.value:,.{kpi.decimals}f}", kpi.stale, kpi.observed_at)
        for kpi in state.kpis
        if kpi.value is not None
    ]
    gauges = [
        (f"{gauge.label} {gauge.text}", gauge.stale, gauge.observed_at) for gauge in state.resources if gauge.text
    ]
    lines.append("KPIs: " + _values(kpis, now))
    lines.append("Resources: " + _values(gauges, now))
    old = " (STALE)" if state.checks.stale else ""
    lines.append(f"Validation: {state.checks.status}{old}, {_ago(state.checks.observed_at, now)}")
    way = state.way_back
    note = f"; {way.note}" if way.note else ""
    stands = unproven(state, "a rollback") or ("ready" if way.ready else way.reason)
    release = "" if stands.startswith(f"{way.release} is live") else f"{way.release}, "
    lines.append(f"Way back: {release}{stands}, {rests_on(way, now)}{note}")
    gate = state.next_gate
    if gate is not None:
        fails = ", ".join(gate.would_fail_on) or "nothing"
        lines.append(f"Next: {gate.title} {_due(gate.due_at, now)}, would fail on {fails}")
    if state.operation is not None:
        lines.append(f"Operation: {state.operation.id} {state_in_words(state.operation.state)}")
    return lines


def _values(found: list[tuple[str, bool, datetime | None]], now: datetime) -> str:
    """Each value as it is now; one that is not from now says so, as the last thing that is read of it."""
    if found and all(stale for _, stale, _ in found):
        newest = max((at for _, _, at in found if at is not None), default=None)
        return "STALE, " + _ago(newest, now) + ": " + ", ".join(words for words, _, _ in found)
    return ", ".join(f"{words} (STALE, {_ago(at, now)})" if stale else words for words, stale, at in found) or "none"


def _ago(moment: datetime | None, now: datetime) -> str:
    return "never" if moment is None else f"{pretty_duration((now - moment).total_seconds())} ago"


def _due(moment: datetime, now: datetime) -> str:
    left = (moment - now).total_seconds()
    return f"in {pretty_duration(left)}" if left >= 1 else f"{pretty_duration(-left)} over"
