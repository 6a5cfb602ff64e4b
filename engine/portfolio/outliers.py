"""Values far from their column's mean, counted in the same pass that finds the mean.

The standard deviation is known only at the end. So of each column the outermost values are kept, and how far the
others reach: mostly none of those lies beyond the limit, and the kept ones can be counted. Where one does, which the
order of the rows can bring about, nothing is guessed: the tape is read once more for that column.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from engine.portfolio.column_state import REST_UNIT, ColumnState
from engine.portfolio.measure import BLOCK

Numbers = npt.NDArray[np.float64]
Limits = tuple[float, float]
"""What lies below the first or above the second is an outlier."""

_SAMPLE = 1024
"""Values of a piece that tell where its outermost begin."""
_SHARE = 1 / 32
"""Of the values, so many are kept: beyond four standard deviations lies one in 17 at most, and mostly one in 100."""
_FEW, _MOST = 256, 1 << 20
"""So many are kept of however few values, and of however many."""


@dataclass(frozen=True, slots=True)
class Tail:
    """The outermost values of a column, and how far the others reach."""

    values: Numbers = field(default_factory=lambda: np.zeros(0))
    count: int = 0
    """Of finite values, kept or not."""
    low: float = np.inf
    """No value that was not kept is smaller; above ``high`` when all were kept."""
    high: float = -np.inf

    def merge(self, other: Tail) -> Tail:
        """The outermost of both."""
        values = np.concatenate((self.values, other.values))
        together = Tail(values, self.count + other.count, min(self.low, other.low), max(self.high, other.high))
        return together.trimmed() if len(values) > 2 * _kept_of(together.count) else together

    def trimmed(self) -> Tail:
        """As many values as may be kept, those furthest from the middle."""
        middle = float(np.median(self.values)) if self.low > self.high else self.low / 2 + self.high / 2
        with np.errstate(over="ignore"):
            apart = np.abs(self.values - middle)
        order = np.argpartition(apart, len(apart) - _kept_of(self.count))
        gone = self.values[order[: len(apart) - _kept_of(self.count)]]
        low, high = min(self.low, float(gone.min())), max(self.high, float(gone.max()))
        return Tail(self.values[order[len(gone) :]], self.count, low, high)

    def beyond(self, limits: Limits) -> int | None:
        """How many values lie beyond the limits; None when one that was not kept may."""
        if self.low <= self.high and (self.low < limits[0] or self.high > limits[1]):
            return None
        return count_beyond(self.values, limits)


def tail_of(numbers: Numbers, finite: int) -> Tail:
    """The outermost of a column's numbers, ``finite`` of which are finite."""
    sample = numbers[:: max(len(numbers) // _SAMPLE, 1)]
    sample = sample[np.isfinite(sample)]
    if finite <= _FEW or not len(sample):
        return Tail(numbers[np.isfinite(numbers)], finite)
    middle = _ranked(sample, 0.5)
    with np.errstate(over="ignore"):
        reach = _ranked(np.abs(sample - middle), 1 - _SHARE)
    low, high = max(middle - reach, -np.finfo(float).max), min(middle + reach, np.finfo(float).max)
    outer = np.concatenate([_outside(numbers[at : at + BLOCK], low, high) for at in range(0, len(numbers), BLOCK)])
    outer = outer[np.isfinite(outer)]
    found = Tail(outer, finite, low, high) if len(outer) < finite else Tail(outer, finite)
    return found.trimmed() if len(outer) > 2 * _kept_of(finite) else found


def count_beyond(numbers: Numbers, limits: Limits) -> int:
    """How many finite numbers lie beyond the limits."""
    outer = _outside(numbers, *limits)
    return int(np.count_nonzero(np.isfinite(outer)))


def limits_of(column: ColumnState, rows: int, sigma: float, decimals: int) -> Limits | None:
    """Where outliers of a column of so many rows begin; None when it has none. A value on it is inside."""
    count = rows - column.missing - column.infinite - column.unparsed
    if count < 2:
        return None
    scale, unit = 10**decimals, 1 << REST_UNIT
    total, squares = Fraction(column.minor, scale), Fraction(column.squares, scale * scale)
    if column.rest or column.rest_squares:
        total, squares = total + Fraction(column.rest, unit), squares + Fraction(column.rest_squares, unit)
    apart = Fraction(sigma) ** 2 * (count * squares - total * total)

    def inside(value: float) -> bool:
        return (count * Fraction(value) - total) ** 2 <= apart

    if apart <= 0 or (inside(column.minimum) and inside(column.maximum)):
        return None
    middle = min(max(float(total / count), column.minimum), column.maximum)
    low = -math.inf if inside(column.minimum) else _furthest(inside, middle, column.minimum)
    return low, math.inf if inside(column.maximum) else _furthest(inside, middle, column.maximum)


def _ranked(sample: Numbers, share: float) -> float:
    at = min(int(len(sample) * share), len(sample) - 1)
    return float(np.partition(sample, at)[at])


def _kept_of(count: int) -> int:
    return min(max(int(count * _SHARE), _FEW), _MOST)


def _outside(numbers: Numbers, low: float, high: float) -> Numbers:
    return numbers[(numbers > high) | (numbers < low)]


def _furthest(inside: Callable[[float], bool], near: float, far: float) -> float:
    """The last double on the way from ``near``, which is inside, to ``far``, which is not."""
    here, there = _place(near), _place(far)
    while abs(there - here) > 1:
        between = (here + there) // 2
        if inside(_at(between)):
            here = between
        else:
            there = between
    return _at(here)


def _place(value: float) -> int:
    """The doubles in their order as integers in theirs."""
    (bits,) = struct.unpack("<q", struct.pack("<d", value))
    return int(bits) if bits >= 0 else -(int(bits) & 0x7FFFFFFFFFFFFFFF)


def _at(place: int) -> float:
    (value,) = struct.unpack("<d", struct.pack("<Q", place if place >= 0 else -place | 1 << 63))
    return float(value)
