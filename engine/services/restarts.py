"""When a service that ended by itself is started again, and when that is given up."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec


class RestartPolicy(msgspec.Struct, frozen=True):
    """Delays double from ``first`` to ``longest`` seconds; after ``most`` restarts within ``window`` it is given up."""

    first: float = 0.2
    longest: float = 10.0
    most: int = 5
    window: float = 900.0


def restart_delay(policy: RestartPolicy, restarts: Sequence[float], now: float) -> float | None:
    """Seconds to wait before the next restart; None: given up. ``restarts`` and ``now`` in boot time."""
    recent = sum(1 for moment in restarts if now - moment < policy.window)
    if recent >= policy.most:
        return None
    return float(min(policy.first * 2**recent, policy.longest))
