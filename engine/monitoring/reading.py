"""What a source answers about one metric: a value with its time, or that it is missing, and why."""

from __future__ import annotations

import math
from datetime import datetime

import msgspec


class Value(msgspec.Struct, frozen=True):
    """One measured value. ``era`` names the boot, release and process that it belongs to."""

    value: float
    wall: datetime
    boot: float
    era: str


class Missing(msgspec.Struct, frozen=True):
    """No value, with the reason. Never a zero."""

    reason: str
    needed: bool = True
    """Whether a verdict needs it now."""
    at_once: bool = False
    """True: an older value says nothing any more (LOW VOLUME), so that it is missing and not merely late."""


class Nothing(msgspec.Struct, frozen=True):
    """Nothing new since the last tick; the newest value stands until it is stale."""

    needed: bool = True


Reading = tuple[Value, ...] | Missing | Nothing
"""New values, oldest first; or why there are none."""


def sound(reading: Reading) -> Reading:
    """The reading without values that are no number: what only they would have told is missing, with the reason."""
    if not isinstance(reading, tuple) or all(math.isfinite(value.value) for value in reading):
        return reading
    kept = tuple(value for value in reading if math.isfinite(value.value))
    return kept or Missing(f"its source gave {reading[-1].value}, which is no number")
