"""From the configured tiers to limits that can be judged: defaults filled in, times scaled."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from engine.config.monitoring import Condition, SustainedSection, Tier
from engine.monitoring.model import TIERS
from engine.monitoring.sustained import Limit, least


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast time goes for a rule."""

    cadence: float | None
    """Seconds between two values; None: unknown, infinite: single events."""
    gap_factor: float
    """Largest gap, in cadences (``stale_after``)."""
    time_scale: float

    @property
    def gap(self) -> float:
        """Longest time between two values of one run."""
        return self.cadence * self.gap_factor if self.cadence else math.inf


def limits(condition: Condition, rules: SustainedSection, pace: Pace, *, data_loss: bool = False) -> dict[str, Limit]:
    """The configured tiers of a condition, heaviest first. ``data_loss``: some of them need not be held then."""
    found: dict[str, Limit] = {}
    for name in TIERS:
        tier: Tier | None = getattr(condition, name)
        if tier is not None:
            found[name] = limit(condition, tier, rules, pace)
            if data_loss and tier.at_once_with_data_loss:
                found[name] = replace(found[name], hold=0.0, need=1)
    return found


def limit(condition: Condition, tier: Tier, rules: SustainedSection, pace: Pace) -> Limit:
    """One tier."""
    return _limit(tier, condition.worse_when, condition.inclusive, rules, pace)


@lru_cache(maxsize=1024)
def _limit(
    tier: Tier, worse_when: Literal["higher", "lower"], inclusive: bool, rules: SustainedSection, pace: Pace
) -> Limit:
    """Asked for each tier at each tick, and the same until the configuration or the pace of the runs changes."""
    hold = tier.hold / pace.time_scale
    given = tier.clear_hold if tier.clear_hold is not None else min(tier.hold, rules.clear_hold)
    clear_hold = given / pace.time_scale

    def count(seconds: float, samples: int) -> int:
        return least(seconds, pace.cadence, samples=samples, share=rules.least_share)

    # "2 min and 2 runs" asks for two runs, where a mere time would ask for more samples than that
    asked = rules.least_samples if tier.runs == 1 else tier.runs
    return Limit(
        enter=tier.enter,
        clear=_clear_value(tier, worse_when, rules),
        higher_is_worse=worse_when == "higher",
        inclusive=inclusive,
        hold=hold,
        clear_hold=clear_hold,
        need=max(tier.runs, count(hold, asked)),
        clear_need=count(clear_hold, rules.least_samples),
        gap=pace.gap,
    )


def clear_value(condition: Condition, tier: Tier, rules: SustainedSection) -> float:
    """The value on whose good side the tier clears; for what is worse when lower it lies above the limit."""
    return _clear_value(tier, condition.worse_when, rules)


def _clear_value(tier: Tier, worse_when: Literal["higher", "lower"], rules: SustainedSection) -> float:
    if tier.clear is not None:
        return tier.clear
    share = rules.clear_percent / 100
    return tier.enter * share if worse_when == "higher" else tier.enter / share
