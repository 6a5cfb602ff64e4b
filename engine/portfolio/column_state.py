"""What is known of one column of money after any number of its rows: exact, the same whatever their order."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

REST_UNIT = 1126
"""The finer values are summed in units of 2 to the minus this: every double is a whole number of them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Cells that are no finite numbers: how many, and the first of them."""

    count: int
    row: int
    """Counted from 1 below the header."""
    shown: str

    def merge(self, other: Fault | None) -> Fault:
        """Both together; the first is the one that stands higher in the tape."""
        if other is None:
            return self
        first = min(self, other, key=lambda fault: (fault.row, fault.shown))
        return Fault(self.count + other.count, first.row, first.shown)

    def behind(self, rows: int) -> Fault:
        """The same fault with so many rows before it."""
        return Fault(self.count, self.row + rows, self.shown)


@dataclass(frozen=True, slots=True)
class ColumnState:
    """Exact sums and counts of one column. ``merge`` is associative and commutative, ``ColumnState()`` its neutral."""

    minor: int = 0
    """The sum of the values that are whole minor units (cents), in minor units."""
    rest: int = 0
    """The sum of the finer values, in units of 2**-REST_UNIT."""
    finer: int = 0
    """Values with more decimals than the scale, or of 2**53 minor units and more."""
    nulls: int = 0
    """Cells without a value; where a float column knows only NaN they are ``nans``."""
    nans: int = 0
    infinite: int = 0
    unparsed: int = 0
    """Cells of text that is no number."""
    negatives: int = 0
    minimum: float = math.inf
    """Of the finite values; above ``maximum`` when there is none."""
    maximum: float = -math.inf
    fault: Fault | None = None
    """What is infinite or unparsed."""
    squares: int = 0
    """Of the values in ``minor`` the squares, added up in minor units squared; 0 where they were not asked for."""
    rest_squares: int = 0
    """Of the finer values the squares, each rounded to a double, added up in units of 2**-REST_UNIT."""

    @property
    def missing(self) -> int:
        """Cells that count as 0 in a sum."""
        return self.nulls + self.nans

    def merge(self, other: ColumnState) -> ColumnState:
        """What is known of the rows of both."""
        return ColumnState(
            self.minor + other.minor,
            self.rest + other.rest,
            self.finer + other.finer,
            self.nulls + other.nulls,
            self.nans + other.nans,
            self.infinite + other.infinite,
            self.unparsed + other.unparsed,
            self.negatives + other.negatives,
            min(self.minimum, other.minimum),
            max(self.maximum, other.maximum),
            self.fault.merge(other.fault) if self.fault is not None else other.fault,
            self.squares + other.squares,
            self.rest_squares + other.rest_squares,
        )

    def total(self, decimals: int) -> float:
        """The sum, rounded once. OverflowError when it is too large for a number."""
        return exact_ratio(self.minor, self.rest, decimals)


def exact_ratio(minor: int | Fraction, rest: int | Fraction, decimals: int) -> float:
    """Minor units of 10**-decimals and a rest together, rounded once. OverflowError when too large for a number."""
    scale: int = 10**decimals
    if not rest:
        return float(minor / scale)  # of two integers: correctly rounded whatever their size
    return float((minor * 2**REST_UNIT + rest * scale) / (scale << REST_UNIT))
