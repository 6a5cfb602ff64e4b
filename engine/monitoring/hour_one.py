"""Hourly medians against those of hour 1: what counts as a difference, and in words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from engine.config.checklist import CompareSection
from engine.monitoring.standing import Hour

NOT_COUNTED = "does not count"


class Measure(msgspec.Struct, frozen=True):
    """A median that is compared with hour 1; differences below ``ignored`` do not count."""

    name: str
    unit: str
    ignored: float
    of: Callable[[Hour], float | None]


def measures(compare: CompareSection) -> tuple[Measure, Measure, Measure]:
    """Latency, memory, CPU."""
    return (
        Measure("latency", "ms", compare.ignore_latency_ms, lambda hour: hour.latency_ms),
        Measure("resident memory", "MB", compare.ignore_memory_mb, lambda hour: hour.resident_mb),
        Measure("CPU", "%", compare.ignore_cpu_points, lambda hour: hour.cpu_percent),
    )


def differs(measure: Measure, first: Hour, later: Hour, percent: float) -> tuple[bool | None, str]:
    """Whether an hour is further than ``percent`` from hour 1, and in words."""
    one, other = measure.of(first), measure.of(later)
    if one is None or other is None:
        hour = first if one is None else later
        return None, f"{measure.name} of hour {hour.number} unknown: too little was measured"
    apart = other - one
    said = f"{measure.name} {other:.4g} {measure.unit} in hour {later.number}, {one:.4g} in hour 1"
    outside = abs(apart) > abs(one) * percent / 100
    if outside and abs(apart) < measure.ignored:
        said = f"{said} ({forgiven(measure, apart)})"
    return outside and abs(apart) >= measure.ignored, said


def forgiven(measure: Measure, apart: float) -> str:
    """``9.16 MB more, under 10 MB does not count``."""
    unit = "points" if measure.unit == "%" else measure.unit
    way = "more" if apart > 0 else "less"
    return f"{abs(apart):.3g} {unit} {way}, under {measure.ignored:g} {unit} {NOT_COUNTED}"


def compared(hours: Sequence[Hour], first: Hour, asked: Sequence[Measure], percent: float) -> tuple[bool | None, str]:
    """Whether all hours are as hour 1; None: cannot be said. With what differs, or how the last hour stands."""
    found = [differs(measure, first, hour, percent) for hour in hours for measure in asked]
    bad = [said for answer, said in found if answer is True]
    unknown = [said for answer, said in found if answer is None]
    if bad:
        return False, "; ".join(bad[:3])
    if unknown:
        return None, "; ".join(dict.fromkeys(unknown[:3]))
    last = [differs(measure, first, hours[-1], percent)[1] for measure in asked]
    earlier = [said for _, said in found if NOT_COUNTED in said and said not in last]
    return True, "; ".join([*last, *earlier[-2:]])
