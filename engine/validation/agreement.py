"""Whether published values agree with recomputed ones, and whether two releases agree with each other."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.records import harmless

if TYPE_CHECKING:
    from engine.portfolio.results import Group

_NOISE = 1e-9
"""How far apart correct engines may be at full precision."""


def half_unit(decimals: int) -> float:
    """Half a unit of the last published decimal."""
    return 0.5 * 10.0**-decimals


@dataclass(frozen=True, slots=True)
class Agreement:
    """Published beside recomputed: per KPI its figures, and a sentence per disagreement."""

    figures: dict[str, dict[str, Any]]
    issues: tuple[str, ...]

    @property
    def agree(self) -> int:
        """How many KPIs agree."""
        return sum(bool(figure["agrees"]) for figure in self.figures.values())

    @property
    def largest_difference(self) -> float:
        """The largest difference between two defined values."""
        return max((figure["difference"] or 0.0 for figure in self.figures.values()), default=0.0)


def compare(answer: Mapping[str, Any], recomputed: Group, decimals: int) -> Agreement:
    """Compare one published group (``measurement_date``, ``rows``, ``kpis``) with its recomputation.

    A value agrees when it is within half a unit of its last decimal plus 1e-9; an undefined one agrees with
    an undefined one when it gives a reason.
    """
    issues = []
    if answer.get("measurement_date") != recomputed.measurement_date:
        issues.append(
            f"the measurement date is given as {harmless(answer.get('measurement_date'), 40)}, "
            f"the tape's is {recomputed.measurement_date}"
        )
    if answer.get("rows") != recomputed.rows:
        issues.append(f"{harmless(answer.get('rows'), 40)} rows are given, the tape has {recomputed.rows}")
    kpis = answer.get("kpis")
    given: Mapping[str, Any] = kpis if isinstance(kpis, Mapping) else {}
    figures = {}
    for name, kpi in recomputed.kpis.items():
        said = given.get(name)
        difference, problem = _difference(said, kpi.value, decimals)
        value = said.get("value") if isinstance(said, Mapping) else None
        figures[name] = {
            "published": value,
            "recomputed": kpi.value,
            "difference": difference,
            "agrees": problem is None,
            **({"reason": kpi.reason} if kpi.reason else {}),
        }
        if problem is not None:
            issues.append(f"{name} {problem}")
    return Agreement(figures, tuple(issues))


def _difference(said: Any, recomputed: float | None, decimals: int) -> tuple[float | None, str | None]:
    """The difference where both are defined, and what is wrong (None: they agree)."""
    if not isinstance(said, Mapping) or "value" not in said:
        return None, "is not given at all"
    value = said["value"]
    if value is None:
        if recomputed is not None:
            return None, f"is given as undefined, the tape gives {recomputed:.6g}"
        reason = said.get("reason")
        return None, None if isinstance(reason, str) and reason.strip() else "is undefined without a reason"
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None, f"is given as {harmless(value, 40)!r}, which is no number"
    if recomputed is None:
        return None, f"is given as {value:g}, but it is undefined on this tape"
    difference = abs(value - recomputed)
    if difference <= half_unit(decimals) + _NOISE:
        return difference, None
    return difference, f"is given as {value:g}, the tape gives {recomputed:.{decimals + 4}f}"


@dataclass(frozen=True, slots=True)
class Variance:
    """How far two releases are apart in one KPI on the same input."""

    percent: float
    """The difference in % of the old value; infinite where that is 0."""
    points: float
    """The difference itself."""
    rounding: float
    """What must be exceeded for it to count: the configured points plus half a unit of each last decimal."""

    @property
    def counts(self) -> bool:
        """Whether it is more than rounding allows: 0.34 - 0.31 is a little more than 0.03 in binary."""
        return self.points > self.rounding + _NOISE

    def beyond(self, limit_percent: float) -> bool:
        """Whether it counts: beyond the limit relatively and beyond rounding absolutely."""
        return self.percent > limit_percent and self.counts


def rounding(decimals: tuple[int, int], absolute: float) -> float:
    """The difference that counts as rounding: ``absolute`` and half a unit of each release's last decimal."""
    return absolute + half_unit(decimals[0]) + half_unit(decimals[1])


def variance(old: float, new: float, decimals: tuple[int, int], absolute: float) -> Variance:
    """The variance from ``old`` to ``new``; ``decimals`` are those that each published."""
    points = abs(new - old)
    percent = 0.0 if points == 0 else (math.inf if old == 0 else points / abs(old) * 100)
    return Variance(percent, points, rounding(decimals, absolute))
