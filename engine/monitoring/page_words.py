"""What pages say: how it stands now that it is over, who was asked for how long, the way back, a rollback. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.clock import Instant, pretty_duration
from engine.config import Deployment
from engine.monitoring.alerts import Standing
from engine.monitoring.conditions import shown
from engine.monitoring.facts import Facts
from engine.monitoring.judgement import NO_DATA
from engine.monitoring.model import ConditionReading
from engine.operations.model import state_in_words
from engine.records import Record


@dataclass(frozen=True, slots=True)
class Besides:
    """What the messages of one tick say besides what fires."""

    over: Mapping[str, str] = field(default_factory=dict)
    """Condition -> its value now and the limit: ``memory 63 MB now, limit 500 MB``."""
    ended: Mapping[str, str] = field(default_factory=dict)
    """Condition whose value went with the release that was switched away since -> ``v2: rolled back``."""
    asked: tuple[str, str] = ("", "")
    """The operation that was accepted last, and the reason that was given."""
    way_back: str = ""
    release: str = ""
    """The release that the conditions are about: playbooks name it."""
    """Whether we could go back now, and how long it takes."""


def besides_of(
    deployment: Deployment,
    readings: tuple[ConditionReading, ...],
    alerts: Mapping[str, Standing],
    facts: Facts,
    now: Instant,
) -> Besides:
    """Of one tick. ``alerts``: those that stood before it."""
    over = {one.id: _now(deployment, one, alerts[one.id]) for one in readings if one.id in alerts}
    releases = deployment.console.releases
    release = releases.old if facts.watching_since is None else releases.new
    valued = {one.id for one in readings if one.reason is None}
    gone = {name: _switched(deployment, facts, alert) for name, alert in alerts.items() if name not in valued}
    ended = {name: words for name, words in gone.items() if words}
    return Besides(over, ended, facts.asked, way_back_words(deployment, facts, now), release)


def _switched(deployment: Deployment, facts: Facts, alert: Standing) -> str:
    """Which release went since the alert was opened, and how; empty where none did."""
    releases = deployment.console.releases
    moved = [(at, back) for at, back in ((facts.cutover_at, False), (facts.rolled_back_at, True)) if at is not None]
    at, back = max(moved, default=(None, False))
    if at is None or at < alert.opened:
        return ""
    return f"{releases.new}: rolled back" if back else f"{releases.old}: {releases.new} took over"


def way_back_words(deployment: Deployment, facts: Facts, now: Instant) -> str:
    """``ready, 34 s, proven 02:13Z``."""
    proven, since = facts.proven, facts.watching_since
    if since is None:
        return "none: nothing was cut over"
    if proven is None:
        return "not proven yet"
    at, ok, _ = proven
    if not ok:
        return f"NOT READY when it was examined at {at:%H:%M}Z; abaco-ops ready says why"
    cadence = deployment.console.cadence
    seconds = f"{facts.proven_seconds:.1f} s, " if facts.proven_seconds else ""
    stale = (now.wall - at).total_seconds() > float(cadence.prove_way_back) * deployment.console.stale_after
    return f"{seconds}proven {at:%H:%M}Z, NOT SINCE" if stale else f"ready, {seconds}proven {at:%H:%M}Z"


def cleared(alert: Standing, now: Instant, besides: Besides) -> str:
    """The value now, the limit, how long it lasted; or that there is no value any more, for its release went."""
    lasted = pretty_duration(_lasts(alert, now))
    if ended := besides.ended.get(alert.condition):
        return f"ends with {ended}, after {lasted}"
    stands = besides.over.get(alert.condition) or "it is no longer judged"
    return f"over after {lasted}: {stands}"


def unacknowledged(alert: Standing, seconds: float) -> str:
    """The first thing that the next level reads."""
    return f"nobody acknowledged for {pretty_duration(seconds)}: {alert.text}"


def unresolved(alert: Standing, now: Instant) -> str:
    """Told to who hears of it only when it still stands."""
    lasts = pretty_duration(_lasts(alert, now))
    taken = f", taken by {alert.taken.owner}" if alert.taken is not None else ""
    return f"still stands after {lasts}{taken}: {alert.text}"


def rolled_back(event: Record, data: dict[str, Any], asked: tuple[str, str], releases: tuple[str, str]) -> str:
    """From, to, operation, reason, outcome, seconds, and what is next. ``releases``: the old one and the new one."""
    operation, state, seconds = str(event.get("operation") or "?"), str(data.get("state")), data.get("seconds")
    reason = asked[1] if asked[0] == operation else ""
    took = f" after {seconds:.1f} s" if isinstance(seconds, int | float) else ""
    went = f" from {releases[1]} to {releases[0]}" if all(releases) else ""
    outcome = f"outcome {state_in_words(state)}{took}"
    said = f"operation {operation} by {event.get('actor', '?')}, reason: {reason or 'none given'}; {outcome}."
    if state == "NEEDS_HUMAN":
        return f"the rollback{went} NEEDS YOU: {said} Next: abaco-ops history shows the ways on"
    given = "" if reason else "; abaco-ops note TEXT, to say why"
    return f"rolled back{went}: {said} Next: abaco-ops status, abaco-ops validate{given}"


def _lasts(alert: Standing, now: Instant) -> float:
    """Seconds since it was opened, whatever the wall clock was set to."""
    seconds = now.boot - alert.began if alert.began else (now.wall - alert.opened).total_seconds()
    return max(seconds, 0.0)


def _now(deployment: Deployment, reading: ConditionReading, alert: Standing) -> str:
    condition = deployment.monitoring.conditions[reading.id]
    if reading.reason is not None:
        return f"{condition.title} {reading.reason}"
    name = alert.peak or alert.tier
    tiers = {
        "rollback": condition.rollback or condition.critical,
        "critical": condition.critical or condition.rollback,
        "unknown": condition.warning,
        "warning": condition.warning,
    }
    tier = tiers.get(name)
    limit = f", limit {shown(condition, tier.enter)}" if tier is not None and not condition.words else ""
    title = "" if condition.title == condition.unit else f"{condition.title} "
    if condition.metric == NO_DATA:
        return f"{reading.text} without data now" if reading.value else "every value is fresh again"
    return f"{title}{reading.text} now{limit}"
