"""Growth of a metric: the Theil-Sen slope, which one bad sample in three does not move."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from statistics import median

BUCKETS = 60
"""The window is cut into this many parts, each standing for its median: the slope costs the same at any cadence."""


def theil_sen(points: Sequence[tuple[float, float]]) -> float | None:
    """Median of all slopes between two points (Theil 1950, Sen 1968), per unit of x; None below two x values."""
    slopes = [(y2 - y1) / (x2 - x1) for (x1, y1), (x2, y2) in combinations(points, 2) if x1 != x2]
    return median(slopes) if slopes else None


def percent_per_hour(samples: Iterable[tuple[float, float]], window: float) -> float | None:
    """Growth of samples (boot seconds, value) that span at least 90 % of ``window``, in % of their median per hour."""
    buckets: dict[int, list[tuple[float, float]]] = {}
    first = last = None
    for at, value in samples:
        first = at if first is None else first
        last = at
        buckets.setdefault(int(at // (window / BUCKETS)), []).append((at, value))
    if first is None or last is None or last - first < 0.9 * window:
        return None
    points = [(median(at for at, _ in part), median(value for _, value in part)) for part in buckets.values()]
    slope, middle = theil_sen(points), median(value for _, value in points)
    return None if slope is None or middle <= 0 else slope * 3600 / middle * 100
