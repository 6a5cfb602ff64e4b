"""When a limit counts as held: one tier of one condition, a pure fold over samples and clock.

Durations are in boot time. A :class:`Run` is the longest suffix of samples on one side of a limit whose gaps
are no longer than ``gap`` and that stays in one era (boot, release, process); folding sample by sample keeps
exactly that suffix, so a memory that was written down goes on as if nobody had stopped.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec


@dataclass(frozen=True, slots=True)
class Limit:
    """One tier, ready to be judged. Times in seconds of boot time, already scaled."""

    enter: float
    clear: float
    higher_is_worse: bool
    inclusive: bool
    """True: reaching ``enter`` is enough."""
    hold: float
    clear_hold: float
    need: int
    """Samples that a run must count to fire."""
    clear_need: int
    gap: float
    """Longest time between two samples of one run; infinite for single events."""

    def beyond(self, value: float) -> bool:
        """Whether ``value`` is on the bad side of ``enter``."""
        if value == self.enter:
            return self.inclusive
        return value > self.enter if self.higher_is_worse else value < self.enter

    def good(self, value: float) -> bool:
        """Whether ``value`` is on the good side of ``clear``."""
        if self.beyond(value):
            return False
        return value <= self.clear if self.higher_is_worse else value >= self.clear


class Sample(msgspec.Struct, frozen=True):
    """One valid value, when it was measured, and what it belongs to."""

    boot: float
    value: float
    era: str


class Run(msgspec.Struct, frozen=True):
    """A run of samples on one side."""

    first: float
    last: float
    count: int
    era: str

    @property
    def span(self) -> float:
        """Seconds from its first to its last sample."""
        return self.last - self.first


class Memory(msgspec.Struct, frozen=True):
    """What one tier remembers: nothing but its two runs, its newest sample and whether it fires."""

    newest: float | None = None
    beyond: Run | None = None
    good: Run | None = None
    firing: bool = False


def least(hold: float, cadence: float | None, *, samples: int, share: float) -> int:
    """How many samples a hold rests on: ``max(samples, share * hold / cadence)``; one when nothing is held."""
    if hold <= 0:
        return 1
    if not cadence or not math.isfinite(cadence):
        return samples
    return max(samples, math.ceil(share * hold / cadence - 1e-9))


def take(limit: Limit, memory: Memory, sample: Sample) -> Memory:
    """The memory with one more sample; one that is older than the newest is not counted."""
    if memory.newest is not None and sample.boot <= memory.newest:
        return memory
    return msgspec.structs.replace(
        memory,
        newest=sample.boot,
        beyond=_longer(memory.beyond, sample, limit.gap) if limit.beyond(sample.value) else None,
        good=_longer(memory.good, sample, limit.gap) if limit.good(sample.value) else None,
    )


def settle(limit: Limit, memory: Memory, now: float, *, may_fire: bool = True) -> Memory:
    """Fire or clear, as the runs stand at ``now``. What is stale does neither."""
    if not fresh(limit, memory, now):
        return memory
    if memory.firing:
        return msgspec.structs.replace(memory, firing=False) if _full(memory.good, limit, clearing=True) else memory
    if may_fire and _full(memory.beyond, limit, clearing=False):
        return msgspec.structs.replace(memory, firing=True)
    return memory


def fresh(limit: Limit, memory: Memory, now: float) -> bool:
    """Whether the newest sample is fresher than the largest gap."""
    return memory.newest is not None and now - memory.newest < limit.gap


def broken(memory: Memory) -> Memory:
    """After a suspend, a step of the clock, a reboot or a long silence: what fires stays, what was pending goes."""
    return Memory(firing=memory.firing)


def held(limit: Limit, memory: Memory, now: float) -> float:
    """Seconds that the value has been beyond the limit, up to its newest sample; 0 when it is not or is stale."""
    return memory.beyond.span if memory.beyond is not None and fresh(limit, memory, now) else 0.0


def pending(limit: Limit, memory: Memory, now: float) -> bool:
    """Whether the value is beyond the limit and has not held yet."""
    return memory.beyond is not None and not memory.firing and fresh(limit, memory, now)


def _longer(run: Run | None, sample: Sample, gap: float) -> Run:
    if run is None or run.era != sample.era or sample.boot - run.last > gap:
        return Run(sample.boot, sample.boot, 1, sample.era)
    return Run(run.first, sample.boot, run.count + 1, run.era)


def _full(run: Run | None, limit: Limit, *, clearing: bool) -> bool:
    if run is None:
        return False
    hold, need = (limit.clear_hold, limit.clear_need) if clearing else (limit.hold, limit.need)
    return run.span >= hold and run.count >= need
