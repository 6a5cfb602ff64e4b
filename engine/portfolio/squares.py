"""Sums of squares, exact, so that a standard deviation does not depend on the order of the rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

_DIGIT = 18
"""Bits of a digit: a block's products of two of them add up to less than 2**53."""
_BASE = float(1 << _DIGIT)


def square_sum(units: Numbers, most: float) -> int:
    """Of doubles that are integers below 2**53, none further from 0 than ``most``, at most 65,536 of them."""
    digits, left = [], units
    while most >= _BASE:
        upper = left * (1 / _BASE)
        np.rint(upper, out=upper)
        digits.append(left - upper * _BASE)
        left, most = upper, most / _BASE + 1
    digits.append(left)
    total = 0
    for one, low in enumerate(digits):
        total += int(np.einsum("i,i->", low, low)) << (2 * _DIGIT * one)
        for two in range(one + 1, len(digits)):
            total += int(np.einsum("i,i->", low, digits[two])) << (_DIGIT * (one + two) + 1)
    return total
