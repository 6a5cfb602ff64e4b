"""One pass over a column of doubles: block by block in the cache, exact in integers of minor units.

A value is a whole number of minor units when it is the double nearest to one; what arithmetic has left beside it is
not guessed away. Values finer than the scale are summed exactly too, by exponent, only more slowly.
"""

from __future__ import annotations

import math
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from engine.portfolio.column_state import REST_UNIT, ColumnState
from engine.portfolio.squares import square_sum

Numbers = npt.NDArray[np.float64]

BLOCK = 1 << 16
"""Rows at once: small enough for the cache, large enough that the calls do not count."""
_LIMIT = float(1 << 53)
_MANY = 1 << 19
"""Rows from which a second thread is worth its start."""
_ROW_BITS = 17
"""One more than it takes to count the rows of a block."""
_HUGE = 1e250
"""From here on there is no room above a value; it is an integer anyway."""
_ROOT_OF_HUGE = 1e125


@dataclass(frozen=True, slots=True)
class Measured:
    """The state of a column, in which every NaN counts as ``nans``, and where its first infinity stands."""

    state: ColumnState
    first_infinite: int | None = None


def measure(values: Numbers, decimals: int, threads: int | None = None) -> Measured:
    """Measure a column. The same bits whatever the order of the rows and the number of threads (None: all cores)."""
    return measure_all([values], decimals, threads)[0]


def measure_all(
    columns: list[Numbers], decimals: int, threads: int | None = None, *, squares: bool = False
) -> list[Measured]:
    """Measure several columns of the same length, side by side where there are cores; with ``squares`` theirs too."""
    rows = len(columns[0]) if columns else 0
    if 0 < rows * len(columns) <= BLOCK and not squares:
        return _measure_few(columns, decimals)
    workers = threads if threads is not None else len(os.sched_getaffinity(0))
    if workers < 2 or rows * len(columns) < _MANY:
        return [_measure(column, decimals, 0, squares) for column in columns]
    step = 16 * BLOCK  # small enough that a core that is busy elsewhere holds up little
    starts = range(0, rows, step)
    with ThreadPoolExecutor(workers) as pool:
        parts = [
            [pool.submit(_measure, column[start : start + step], decimals, start, squares) for start in starts]
            for column in columns
        ]
        return [reduce(_joined, [part.result() for part in column]) for column in parts]


def _joined(one: Measured, two: Measured) -> Measured:
    first = one.first_infinite if one.first_infinite is not None else two.first_infinite
    return Measured(one.state.merge(two.state), first)


def _measure_few(columns: list[Numbers], decimals: int) -> list[Measured]:
    """Columns so short that the calls would cost more than the sums: all in one, but those that need more care."""
    scale = 10.0**decimals
    ceiling = _LIMIT / scale / BLOCK
    with np.errstate(all="ignore"):
        block = np.array(columns)
        low, high = np.fmin.reduce(block, axis=1), np.fmax.reduce(block, axis=1)
        units = np.multiply(block, scale)
        np.rint(units, out=units)
        totals = np.einsum("ij->i", units)
        np.divide(units, scale, out=units)
        whole = np.logical_and.reduce(units == block, axis=1)
    found = []
    for column, total, least, most, is_whole in zip(
        columns, totals.tolist(), low.tolist(), high.tolist(), whole.tolist(), strict=True
    ):
        if is_whole and -ceiling < least and most < ceiling:
            negatives = int(np.count_nonzero(column < 0)) if least < 0 else 0
            state = ColumnState(int(total), negatives=negatives, minimum=least + 0.0, maximum=most + 0.0)
            found.append(Measured(state))
        else:
            found.append(_measure(column, decimals, 0, squares=False))
    return found


def _measure(values: Numbers, decimals: int, offset: int, squares: bool) -> Measured:
    room = _room()
    scale = 10.0**decimals
    ceiling = _LIMIT / scale / BLOCK
    state, first = ColumnState(), None
    minor, squared, nans, negatives, lowest, highest = 0, 0, 0, 0, math.inf, -math.inf
    with np.errstate(all="ignore"):
        for start in range(0, len(values), BLOCK):
            block = values[start : start + BLOCK]
            low, high = float(np.fmin.reduce(block)), float(np.fmax.reduce(block))
            most = max(-low, high) * scale + 1 if squares else None
            if -ceiling < low and high < ceiling and room.in_minor_units(block, low, scale, most):
                minor += room.total  # exact: every partial sum is below 2**53
                squared += room.squares
                nans += room.absent
                negatives += int(np.count_nonzero(block < 0)) if low < 0 else 0
                lowest, highest = min(lowest, low), max(highest, high)
                continue
            found = _careful(block, decimals, squares)
            state = state.merge(found.state)
            if first is None and found.first_infinite is not None:
                first = offset + start + found.first_infinite
    plain = ColumnState(
        minor, nans=nans, negatives=negatives, minimum=lowest + 0.0, maximum=highest + 0.0, squares=squared
    )
    return Measured(plain.merge(state), first)


class _Room:
    """Arrays of a block's size, used again for each block: fresh ones would cost more than the sums."""

    def __init__(self) -> None:
        self._units, self._flags, self._zeros = np.empty(BLOCK), np.empty(BLOCK, np.bool_), np.zeros(BLOCK)
        self.total, self.squares, self.absent = 0, 0, 0
        """Of the last block that was whole minor units; how many NaN it had."""

    def in_minor_units(self, block: Numbers, low: float, scale: float, most: float | None) -> bool:
        """Whether every number is a whole number of minor units; ``total`` is then their sum.

        None is below ``low``. With the ``most`` minor units that any is from 0, ``squares`` is that of their squares.
        """
        rows = len(block)
        units, flags = self._units[:rows], self._flags[:rows]
        np.multiply(block, scale, out=units)
        np.rint(units, out=units)
        absent = self._without_nan(block, units, low) if self.absent else 0  # as the last block, so mostly this one
        total = float(np.einsum("i->", units))
        if total != total:
            absent = self._without_nan(block, units, low)
            total = float(np.einsum("i->", units))
        squares = square_sum(units, most) if most is not None else 0
        np.divide(units, scale, out=units)
        np.equal(units, block, out=flags)
        if int(np.count_nonzero(flags)) + absent < rows:
            return False
        self.total, self.squares, self.absent = int(total), squares, absent
        return True

    def _without_nan(self, block: Numbers, units: Numbers, low: float) -> int:
        """Put 0 for every NaN of ``units``, and say how many the block has."""
        flags = self._flags[: len(block)]
        np.not_equal(block, block, out=flags)
        if low >= 0:  # the larger of each and 0 is found in half the time
            np.fmax(units, self._zeros[: len(block)], out=units)
        else:
            np.copyto(units, 0.0, where=flags)
        return int(np.count_nonzero(flags))


_rooms = threading.local()


def _room() -> _Room:
    """The room of this thread."""
    room: _Room | None = getattr(_rooms, "room", None)
    if room is None:
        room = _rooms.room = _Room()
    return room


def _careful(block: Numbers, decimals: int, squares: bool) -> Measured:
    """A block with NaN, infinities, values finer than the scale, or very large ones."""
    finite = np.isfinite(block)
    values = block[finite]
    gone = len(block) - len(values)
    nans = int(np.count_nonzero(np.isnan(block))) if gone else 0
    first = int(np.argmax(np.isinf(block))) if gone > nans else None
    if not len(values):
        return Measured(ColumnState(nans=nans, infinite=gone - nans), first)
    scale = 10.0**decimals
    units = np.rint(values * scale)
    whole = (units / scale == values) & (np.abs(units) < _LIMIT)
    if whole.all():
        state = ColumnState(_integer_sum(units))
    else:
        rest, units = values[~whole], units[whole]
        state = ColumnState(_integer_sum(units), _binary_sum(rest), len(rest))
        if squares:
            state = replace(state, rest_squares=_binary_square_sum(rest))
    if squares:
        state = replace(state, squares=square_sum(units, _LIMIT))
    return Measured(
        replace(
            state,
            nans=nans,
            infinite=gone - nans,
            negatives=int(np.count_nonzero(values < 0)),
            minimum=float(values.min()) + 0.0,
            maximum=float(values.max()) + 0.0,
        ),
        first,
    )


def _integer_sum(units: Numbers) -> int:
    """The sum of doubles that are integers below 2**53."""
    if not len(units):
        return 0
    if float(np.abs(units).max()) * len(units) < _LIMIT:
        return int(np.einsum("i->", units))
    exact = units.astype(np.int64)
    return sum(int(part.sum()) for part in np.split(exact, range(512, len(exact), 512)))  # 512 * 2**53 fit into 63 bits


def _binary_sum(values: Numbers) -> int:
    """The exact sum of finite doubles, in units of 2**-REST_UNIT: split off from above, 35 bits at a time."""
    huge = np.abs(values) > _HUGE
    total = sum(int(value) for value in values[huge].tolist()) << REST_UNIT
    left = values[~huge]
    while (top := float(np.abs(left).max(initial=0.0))) > 0:
        above = math.ldexp(1.0, math.frexp(top)[1] + _ROW_BITS)
        upper = (left + above) - above  # whole multiples of one unit, so few that any sum of them is exact
        total += _units_of(float(np.einsum("i->", upper)))
        left = left - upper
    return total


def _binary_square_sum(values: Numbers) -> int:
    """Of finite doubles the squares, each rounded to a double where it is one, added up in units of 2**-REST_UNIT."""
    huge = np.abs(values) > _ROOT_OF_HUGE
    total = sum(int(value) ** 2 for value in values[huge].tolist()) << REST_UNIT
    return total + _binary_sum(np.square(values[~huge]))


def _units_of(value: float) -> int:
    mantissa, exponent = math.frexp(value)
    return int(math.ldexp(mantissa, 53)) << (exponent - 53 + REST_UNIT)
