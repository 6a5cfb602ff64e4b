"""A series thinned to the columns of a drawing: lowest and highest value of each, so that a peak never vanishes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time in ``count`` columns of one length."""

    begin: datetime
    end: datetime
    count: int

    @property
    def step(self) -> float:
        """Seconds of a column."""
        return max((self.end - self.begin).total_seconds() / max(self.count, 1), 1e-6)

    def column(self, moment: datetime) -> int:
        """The column in which a moment lies, the end itself included; before the begin a negative one."""
        return min(int((moment - self.begin).total_seconds() // self.step), self.count - 1)


@dataclass(frozen=True, slots=True)
class Column:
    """What was measured in one column; a column without a value is not there."""

    index: int
    low: float
    high: float
    mean: float
    torn: bool
    """Nothing was measured for too long before one of its values: no line may come here from the column before."""


def in_columns(values: Iterable[tuple[datetime, float]], stretch: Stretch, longest: float) -> tuple[Column, ...]:
    """Values, oldest first, as columns. ``longest``: seconds between two values after which something is missing."""
    groups: dict[int, list[float]] = {}
    torn: set[int] = set()
    before: datetime | None = None
    for at, value in values:
        if not stretch.begin <= at <= stretch.end:
            continue
        index = stretch.column(at)
        groups.setdefault(index, []).append(value)
        if before is not None and (at - before).total_seconds() > longest:
            torn.add(index)
        before = at
    return tuple(
        Column(index, min(group), max(group), sum(group) / len(group), index in torn) for index, group in groups.items()
    )
