"""A trace in words, the same on the screen and on the command line."""

from __future__ import annotations

from engine.clock import pretty_duration
from engine.monitoring.conditions import TIER_WORDS
from engine.monitoring.trace import Sampled, TierTrace, Trace


def verdict_on(trace: Trace) -> str:
    """Whether the samples give what the monitor said."""
    counted = f"recomputed from {trace.counted} sample{'' if trace.counted == 1 else 's'}"
    if not trace.tiers:
        return trace.note
    if trace.agrees:
        return f"{counted}: the same"
    word = "IT CANNOT BE TOLD" if trace.agrees is None else "IT DISAGREES"
    return f"{counted}: {word}; {trace.note}"


def tier_words(tier: TierTrace) -> str:
    """``warning    above 200: 12m of 10m, 144 of 84 samples, since 09:00:04Z: fires``."""
    side = ("at or " if tier.inclusive else "") + ("above" if tier.higher_is_worse else "below")
    name = f"{TIER_WORDS[tier.tier]:<10}"
    if tier.firing and not tier.count:
        good = f"good for {_of(tier.clear_span, tier.clear_hold)}, {tier.clear_count} of {tier.clear_need} samples"
        return f"{name} {side} {tier.enter:g}: fires still; {good}"
    if not tier.count:
        return f"{name} {side} {tier.enter:g}: not beyond it"
    since = f", since {tier.since:%H:%M:%SZ}" if tier.since else ""
    run = f"{_of(tier.span, tier.hold)}, {tier.count} of {tier.need} samples{since}"
    return f"{name} {side} {tier.enter:g}: {run}: {'fires' if tier.firing else 'pending'}"


def allowed_gap(trace: Trace) -> str:
    """What breaks a run, in words."""
    gap = trace.tiers[0].gap if trace.tiers else None
    return "" if gap is None else f"a gap above {gap:g} s, another process or release breaks a run"


def beyond_words(sample: Sampled) -> str:
    """``beyond warning``, ``good``, ``between``."""
    if sample.beyond:
        return f"beyond {TIER_WORDS[sample.beyond]}"
    return "good" if sample.good else "between"


def _of(span: float, hold: float) -> str:
    return f"{pretty_duration(span)} of {pretty_duration(hold)}" if hold else "at once"
