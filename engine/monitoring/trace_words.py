"""A trace in words, the same on the screen and on the command line."""

from __future__ import annotations

from engine.clock import pretty_duration
from engine.monitoring.conditions import TIER_WORDS
from engine.monitoring.trace import Sampled, TierTrace, Trace


def verdict_on(trace: Trace) -> str:
    """Whether the samples give what the monitor said."""
    if not trace.tiers:
        return trace.note
    if not trace.counted:  # no sample agrees with nothing
        return "no sample is kept: nothing could be recomputed"
    counted = f"recomputed from {trace.counted} sample{'' if trace.counted == 1 else 's'}"
    if trace.agrees:
        return f"{counted}: the same"
    word = "IT CANNOT BE TOLD" if trace.agrees is None else "IT DISAGREES"
    return f"{counted}: {word}; {trace.note}"


def tier_words(tier: TierTrace, *, measured: bool = True) -> str:
    """``warning    above 200: 12m of 10m, 144 samples (84 needed), since 09:00:04Z: fires``.

    ``measured``: whether there is a sample at all; without one no limit is kept to.
    """
    side = ("at or " if tier.inclusive else "") + ("above" if tier.higher_is_worse else "below")
    name = f"{TIER_WORDS[tier.tier]:<10}"
    if tier.firing and not tier.count:
        good = f"good for {_of(tier.clear_span, tier.clear_hold)}, {_samples(tier.clear_count, tier.clear_need)}"
        return f"{name} {side} {tier.enter:g}: fires still; {good}"
    if not tier.count:
        return f"{name} {side} {tier.enter:g}: {'not beyond it' if measured else 'no sample says whether'}"
    since = f", since {tier.since:%H:%M:%SZ}" if tier.since else ""
    run = f"{_of(tier.span, tier.hold)}, {_samples(tier.count, tier.need)}{since}"
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


def _samples(count: int, need: int) -> str:
    """How many there are, and how many it takes where that is more than one."""
    return f"{count} sample{'' if count == 1 else 's'}" + (f" ({need} needed)" if need > 1 else "")


def _of(span: float, hold: float) -> str:
    return f"{pretty_duration(span)} of {pretty_duration(hold)}" if hold else "at once"
