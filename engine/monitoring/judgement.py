"""All conditions at one tick: observed, read, and judged by the matrix."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from engine.clock import Instant
from engine.config import Deployment
from engine.config.monitoring import Condition
from engine.config.prometheus import seconds_between
from engine.monitoring.conditions import condition_reading, next_tier
from engine.monitoring.limits import Pace, limits
from engine.monitoring.model import ConditionReading
from engine.monitoring.reading import Missing, Reading, Value
from engine.monitoring.sustained import Limit
from engine.monitoring.watched import Watched, observe

NO_DATA = "sources_without_data"
"""The metric that counts what is missing: the monitor's own, taken after all others."""


_NAMED = 3
"""Conditions without data that are named; more are counted."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a tick is judged under."""

    now: Instant
    release: str
    """The release being judged."""
    run_interval: float | None
    may_fire: bool
    """False in the grace after a suspend or a clock step."""
    settled: bool
    """False while a start or an operation explains why values are missing: NODATA waits."""
    data_loss: bool = False
    """Whether the newest validation found lost or altered data: some tiers do not wait then."""


def judge(
    deployment: Deployment,
    watched: Mapping[str, Watched],
    readings: Mapping[str, Reading],
    circumstances: Circumstances,
) -> tuple[dict[str, Watched], tuple[ConditionReading, ...]]:
    """Every configured condition after this tick, and how each reads."""
    after: dict[str, Watched] = {}
    read: dict[str, ConditionReading] = {}
    conditions = deployment.monitoring.conditions
    for own in (False, True):  # what counts the missing comes last
        for name, condition in conditions.items():
            if (condition.metric == NO_DATA) is not own:
                continue
            reading = _missing_count(read, circumstances) if own else _reading_of(condition, readings)
            may_fire = circumstances.may_fire and (circumstances.settled or not own)
            after[name], read[name] = _one(
                deployment, name, watched.get(name, Watched()), reading, circumstances, may_fire
            )
            if own:
                read[name] = _naming_the_silent(read[name], read, circumstances.release)
    return after, tuple(read[name] for name in conditions)


def condition_limits(
    deployment: Deployment, condition: Condition, run_interval: float | None, *, data_loss: bool = False
) -> dict[str, Limit]:
    """The limits of a condition at the pace of this deployment."""
    console = deployment.console
    sample = seconds_between(deployment.monitoring, condition, float(console.cadence.sample))
    cadence = {"sample": sample, "run": run_interval, "event": math.inf}[condition.per]
    pace = Pace(cadence, console.stale_after, console.time_scale)
    return limits(condition, deployment.monitoring.sustained, pace, data_loss=data_loss)


def worsens(deployment: Deployment, reading: ConditionReading, growth: float | None, run_interval: float | None) -> str:
    """The next tier of a condition in words, for memory with the time until then at the present growth."""
    condition = deployment.monitoring.conditions[reading.id]
    said = next_tier(condition, reading.firing, condition_limits(deployment, condition, run_interval))
    if not said or condition.metric != "memory_mb" or not growth or growth <= 0 or not reading.value:
        return said
    tier = condition.rollback or condition.critical
    if tier is None or reading.value >= tier.enter:
        return said
    hours = (tier.enter - reading.value) / (reading.value * growth / 100)
    return f"{said}, in ~{hours:.0f}h at +{growth:.0f} %/h"


def _one(
    deployment: Deployment,
    name: str,
    before: Watched,
    reading: Reading,
    circumstances: Circumstances,
    may_fire: bool,
) -> tuple[Watched, ConditionReading]:
    condition, rules = deployment.monitoring.conditions[name], deployment.monitoring.sustained
    found = condition_limits(deployment, condition, circumstances.run_interval, data_loss=circumstances.data_loss)
    now = circumstances.now
    # against its own baseline the old release is measured, not judged: what differs is the noise of the machine
    unjudged = condition.of_baseline and circumstances.release == deployment.console.releases.old
    after = observe(
        before,
        {} if unjudged else found,
        reading,
        release=circumstances.release,
        now=Value(0.0, now.wall, now.boot, ""),
        rules=rules,
        time_scale=deployment.console.time_scale,
        may_fire=may_fire,
    )
    call = _call(deployment, condition)
    read = condition_reading(name, condition, after, found, now=now.boot, rules=rules, call=call)
    changes: dict[str, Any] = {"run": tuple(part.replace("{release}", circumstances.release) for part in read.run)}
    if unjudged:
        said = f"{read.brief}, measured and not judged on {circumstances.release}"
        changes |= {"needed": False, "evidence": said}
    return after, msgspec.structs.replace(read, **changes)


def _reading_of(condition: Condition, readings: Mapping[str, Reading]) -> Reading:
    return readings.get(condition.metric, Missing(f"no source measures {condition.metric}"))


def _missing_count(read: Mapping[str, ConditionReading], circumstances: Circumstances) -> Reading:
    count = sum(1 for reading in read.values() if reading.needed and reading.reason is not None)
    now = circumstances.now
    return (Value(float(count), now.wall, now.boot, circumstances.release),)


def _naming_the_silent(own: ConditionReading, read: Mapping[str, ConditionReading], release: str) -> ConditionReading:
    """The count of what is missing with what it is, and why: ``5 values, limit 1; v2 gives no LAT, ...``."""
    silent = [one for one in read.values() if one.id != own.id and one.needed and one.reason is not None]
    if not silent or not (own.firing or own.pending):
        return own
    more = f" and {len(silent) - _NAMED} more" if len(silent) > _NAMED else ""
    said = f"; {release} gives no {', '.join(one.id for one in silent[:_NAMED])}{more}, {silent[0].reason}"
    return msgspec.structs.replace(own, brief=own.brief + said, evidence=own.evidence + said)


def _call(deployment: Deployment, condition: Condition) -> str:
    who = condition.playbook.call if condition.playbook else ""
    contact = deployment.monitoring.contacts.get(who)
    return f"{contact.role}: {contact.name}, {contact.reach}" if contact else who
