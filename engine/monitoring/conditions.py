"""A condition as people read it: level, text, evidence, what clears it, what comes next."""

from __future__ import annotations

from collections.abc import Mapping

from engine.clock import pretty_duration
from engine.config.monitoring import Condition, SustainedSection
from engine.monitoring.model import TIERS, ConditionReading, Level
from engine.monitoring.sustained import Limit, held, pending
from engine.monitoring.watched import Watched, firing, flapping

TIER_WORDS: dict[str, str] = {"warning": "warning", "critical": "critical", "rollback": "roll back"}


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
        evidence=_evidence(condition, watched, tier, waiting, limits, now, reason),
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
    word = condition.words.get(f"{value:g}")
    if word is not None:
        return word
    return f"{value:.{condition.decimals}f}{' ' if condition.unit else ''}{condition.unit}"


def text(condition: Condition, watched: Watched) -> str:
    """The newest value, or that there is none."""
    if _gone(watched) and watched.missing is not None:
        return watched.missing.reason
    if watched.newest is None:
        return "missing"
    return shown(condition, watched.newest.value)


def clears(condition: Condition, tier: str, limits: Mapping[str, Limit]) -> str:
    """What clears the firing tier; empty when none fires."""
    limit = limits.get(tier)
    if limit is None:
        return ""
    sign = "<=" if limit.higher_is_worse else ">="
    wait = f" for {pretty_duration(limit.clear_hold)}" if limit.clear_hold else ""
    return (
        f"clears {sign} {shown(condition, limit.clear)}{wait}"
        if not condition.words
        else f"clears at {_best(condition)}"
    )


def next_tier(condition: Condition, tier: str, limits: Mapping[str, Limit]) -> str:
    """The tier above the firing one, in words; empty at the top."""
    order = [name for name in reversed(TIERS) if name in limits]
    above = order[order.index(tier) + 1 :] if tier in order else order
    if not above:
        return ""
    limit = limits[above[0]]
    wait = f" held {pretty_duration(limit.hold)}" if limit.hold else ""
    return f"{TIER_WORDS[above[0]]} {_beyond(limit)} {shown(condition, limit.enter)}{wait}"


def _best(condition: Condition) -> str:
    return next(iter(condition.words.values()))


def _beyond(limit: Limit) -> str:
    sign = ">" if limit.higher_is_worse else "<"
    return sign + ("=" if limit.inclusive else "")


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


def _evidence(
    condition: Condition,
    watched: Watched,
    tier: str,
    waiting: str,
    limits: Mapping[str, Limit],
    now: float,
    reason: str | None,
) -> str:
    parts = [f"{TIER_WORDS[tier]} fires: {_held_text(condition, watched, tier, limits, now)}"] if tier else []
    if waiting and waiting != tier:
        parts.append(f"{TIER_WORDS[waiting]} pending: {_held_text(condition, watched, waiting, limits, now)}")
    if reason is not None:
        parts.append(reason)
    return "; ".join(parts) or f"{text(condition, watched)}, target {condition.target}"


def _held_text(condition: Condition, watched: Watched, tier: str, limits: Mapping[str, Limit], now: float) -> str:
    limit, memory = limits[tier], watched.memories.get(tier)
    value = text(condition, watched)
    if memory is None or memory.beyond is None:
        return f"{value}, not yet clear again"
    seconds = held(limit, memory, now)
    side = f"{_beyond(limit)} {shown(condition, limit.enter)}"
    if not limit.hold:
        return f"{value}, {side}" if not condition.words else value
    of = f" of {pretty_duration(limit.hold)}" if seconds < limit.hold else ""
    return f"{value}, {side} for {pretty_duration(seconds)}{of}, {memory.beyond.count} values"
