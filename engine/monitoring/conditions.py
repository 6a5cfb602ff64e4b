"""A condition as people read it: level, text, evidence, what clears it, what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from engine.clock import pretty_duration
from engine.config.monitoring import Condition, SustainedSection
from engine.monitoring.continuity import AUDIT, LOST_TRAIL
from engine.monitoring.model import TIERS, ConditionReading, Level
from engine.monitoring.sustained import Limit, held, pending
from engine.monitoring.watched import Watched, changes, firing, firing_now, flapping

TIER_WORDS: dict[str, str] = {"warning": "warning", "critical": "critical", "rollback": "roll back"}

OWN_WORDS = {(AUDIT, LOST_TRAIL): "the trail that was read is gone"}
"""Levels that no configuration has to name."""


def condition_reading(
    name: str,
    condition: Condition,
    watched: Watched,
    limits: Mapping[str, Limit],
    *,
    now: float,
    rules: SustainedSection,
    call: str,
) -> ConditionReading:
    """What stands on the screen about one condition at boot time ``now``."""
    tier = firing(watched, rules)
    waiting = next((key for key in TIERS if key in limits and _pending(watched, limits[key], key, now)), "")
    reason = _reason(watched, limits, now)
    lead = tier or waiting
    limit = limits.get(lead)
    memory = watched.memories.get(lead) if lead else None
    playbook = condition.playbook
    brief = _brief(condition, watched, lead, limits, now, reason)
    if tier != firing_now(watched):
        brief = f"{brief}; flapping, {changes(watched)} changes: {TIER_WORDS[tier]} is held"
    return ConditionReading(
        id=name,
        title=condition.title,
        level=_level(watched, tier, reason),
        firing=tier,
        pending=waiting,
        value=None if _gone(watched) or watched.newest is None else watched.newest.value,
        text=text(condition, watched),
        held=round(held(limit, memory, now), 3) if limit and memory else 0.0,
        hold=limit.hold if limit else 0.0,
        brief=brief,
        evidence=_evidence(condition, watched, tier, waiting, brief, lead) if reason is None or lead else brief,
        clears=clears(condition, tier, limits),
        look_at=playbook.look_at if playbook else "",
        run=tuple(playbook.run) if playbook else (),
        call=call,
        observed_at=watched.newest.wall if watched.newest else None,
        stale=reason is not None and watched.newest is not None and not _gone(watched),
        needed=watched.needed,
        reason=reason,
        flapping=flapping(watched, rules),
        since=watched.since,
    )


def shown(condition: Condition, value: float) -> str:
    """A value of this condition with its unit, or its word."""
    word = condition.words.get(f"{value:g}") or OWN_WORDS.get((condition.metric, value))
    if word is not None:
        return word
    return f"{value:.{condition.decimals}f}{' ' if condition.unit else ''}{condition.unit}"


def beside(condition: Condition, value: float, limit: float) -> str:
    """A value as it stands beside its limit: never rounded onto it, nor onto its other side."""
    if f"{value:g}" in condition.words:
        return shown(condition, value)
    digits = condition.decimals
    while digits < condition.decimals + 4 and _side(round(value, digits), limit) != _side(value, limit):
        digits += 1
    return f"{value:.{digits}f}{' ' if condition.unit else ''}{condition.unit}"


def _side(value: float, limit: float) -> int:
    return (value > limit) - (value < limit)


def text(condition: Condition, watched: Watched) -> str:
    """The newest value, or that there is none."""
    if _gone(watched) and watched.missing is not None:
        return watched.missing.reason
    if watched.newest is None:
        return "missing"
    return shown(condition, watched.newest.value)


def clears(condition: Condition, tier: str, limits: Mapping[str, Limit]) -> str:
    """What clears the firing tier: ``<190 for 2m``; empty when none fires."""
    limit = limits.get(tier)
    if limit is None:
        return ""
    if condition.words:
        # no sample clears what only a validation can find well again: somebody has to run one
        return "when V validates again" if condition.per == "event" else f"at {_best(condition)}"
    # a count that reaches its limit is good again below it
    value = limit.enter if limit.inclusive else limit.clear
    sign = "<" if limit.higher_is_worse else ">"
    wait = f" for {pretty_duration(limit.clear_hold)}" if limit.clear_hold else ""
    return f"{sign}{number(condition, value)}{wait}"


def next_tier(condition: Condition, tier: str, limits: Mapping[str, Limit]) -> str:
    """The tier above the firing one, in words: ``roll back when >500 for 10m``; empty at the top."""
    order = [name for name in reversed(TIERS) if name in limits]
    above = order[order.index(tier) + 1 :] if tier in order else order
    if not above:
        return ""
    limit = limits[above[0]]
    wait = f" for {pretty_duration(limit.hold)}" if limit.hold else ""
    when = " when" if wait else ""  # without it, it reads as if it had been held
    if condition.words:
        return f"{TIER_WORDS[above[0]]}{when} at {shown(condition, limit.enter)}{wait}"
    sign = (">" if limit.higher_is_worse else "<") + ("=" if limit.inclusive else "")
    return f"{TIER_WORDS[above[0]]}{when} {sign}{number(condition, limit.enter)}{wait}"


def number(condition: Condition, value: float) -> str:
    """A limit as a bare number, with no more decimals than it has, and no fewer than it needs."""
    digits = max(condition.decimals, 1)
    while digits < 6 and abs(round(value, digits) - value) > 0.005 * abs(value):
        digits += 1
    return f"{round(value, digits):g}"


def _best(condition: Condition) -> str:
    return next(iter(condition.words.values()))


def _pending(watched: Watched, limit: Limit, name: str, now: float) -> bool:
    memory = watched.memories.get(name)
    return memory is not None and pending(limit, memory, now)


def _gone(watched: Watched) -> bool:
    return watched.missing is not None and watched.missing.at_once


def _reason(watched: Watched, limits: Mapping[str, Limit], now: float) -> str | None:
    """Why its newest value cannot be trusted; None when it can."""
    said = watched.missing.reason if watched.missing else ""
    if watched.newest is None or _gone(watched):
        return said or "nothing was measured yet"
    gap = next(iter(limits.values())).gap if limits else float("inf")
    age = now - watched.newest.boot
    if age < gap:
        return None
    return f"last value {pretty_duration(age)} ago" + (f": {said}" if said else "")


def _level(watched: Watched, tier: str, reason: str | None) -> Level:
    if reason is not None:
        return "missing" if watched.newest is None or _gone(watched) else "stale"
    if not tier:
        return "ok"
    return "W" if tier == "warning" else "C"


def _brief(
    condition: Condition, watched: Watched, lead: str, limits: Mapping[str, Limit], now: float, reason: str | None
) -> str:
    """``204 MB, above 200 for 12m``: what a row of the matrix says about it."""
    value = text(condition, watched)
    limit, memory = limits.get(lead), watched.memories.get(lead)
    if limit is not None and watched.newest is not None and not _gone(watched):
        value = beside(condition, watched.newest.value, limit.enter)
    if limit is None or memory is None:
        return reason or value
    if _gone(watched) and watched.newest is not None:
        return f"{shown(condition, watched.newest.value)}, then {value}"
    if memory.beyond is None and not memory.firing:
        return value
    if memory.beyond is None:
        enter = number(condition, limit.enter)
        limited = f"{value} again" if condition.words else f"{value}, limit {enter}"
        return f"{limited}, not clear for long enough yet" if reason is None else f"{value}, {reason}"
    if condition.words:
        said = value
    else:
        bound = number(condition, limit.enter)
        side = "above" if limit.higher_is_worse else "below"
        said = f"{value}, limit {bound}" if limit.inclusive else f"{value}, {side} {bound}"
    return said + _for_how_long(limit, held(limit, memory, now)) if reason is None else f"{said}, {reason}"


def _for_how_long(limit: Limit, seconds: float) -> str:
    if not limit.hold:
        return ""
    of = f" of {pretty_duration(limit.hold)}" if seconds < limit.hold else ""
    return f" for {pretty_duration(seconds)}{of}"


def _evidence(condition: Condition, watched: Watched, tier: str, waiting: str, brief: str, lead: str) -> str:
    """``warning fires: memory 204 MB, above 200 for 12m (144 values)``."""
    if not lead:
        return f"{brief}, target {condition.target}"
    memory = watched.memories.get(lead)
    count = memory.beyond.count if memory is not None and memory.beyond is not None else 0
    values = f" ({count} values)" if count > 1 else ""
    also = f"; {TIER_WORDS[waiting]} pending" if waiting and tier and waiting != tier else ""
    fires = "fires" if memory is None or memory.beyond is not None else "holds on"
    title = "" if condition.title == condition.unit else f"{condition.title} "
    return f"{TIER_WORDS[lead]} {fires if tier else 'pending'}: {title}{brief}{values}{also}"
