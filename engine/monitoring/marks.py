"""Marks among the samples: what breaks a run beside its values. With them a verdict can be recomputed later."""

from __future__ import annotations

from collections.abc import Iterator

from engine.clock import Instant, boot_id
from engine.monitoring.checkpoint import Watch
from engine.monitoring.reading import Reading, Value
from engine.monitoring.store import Measured
from engine.monitoring.watched import Watched

REBOOT, RELEASE, BREAK, SETTLING = "mark_reboot", "mark_release", "mark_break", "mark_settling"
"""Metrics that are no measurement: another boot; another release is judged (its era names it); a suspend or a step of
the clock (value: boot time of the end of the grace); a start or an operation (value: until when NODATA waits)."""
MARKS = (REBOOT, RELEASE, BREAK, SETTLING)


def marks(before: Watch, after: Watch, now: Instant, release: str) -> Iterator[Measured]:
    """What changed between two ticks. ``release``: the one that is judged from now on."""
    if after.boot_id != boot_id():
        yield Measured(REBOOT, 0.0, now, boot_id())
    if before.release != release:
        yield Measured(RELEASE, 0.0, now, release)
    if after.grace_until != before.grace_until:
        yield Measured(BREAK, after.grace_until, now, release)
    if after.settled_at != before.settled_at:
        yield Measured(SETTLING, after.settled_at, now, release)


def new_values(before: Watched | None, after: Watched, reading: Reading | None) -> list[Value]:
    """The values of a tick that the condition took, oldest first.

    Of another release it had seen none; and after a break it takes a validation that still stands once more.
    """
    if after.newest is None:
        return []
    seen = None
    if before is not None and before.release == after.release:
        forgot = any(memory.newest is None for memory in before.memories.values())
        seen = None if forgot else before.newest
    offered = sorted(reading, key=lambda value: value.boot) if isinstance(reading, tuple) else [after.newest]
    new: list[Value] = []
    last = seen.boot if seen is not None else None
    for value in offered:
        if last is None or value.boot > last:
            new.append(value)
            last = value.boot
    return new
