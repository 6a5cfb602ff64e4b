"""A pause that the clocks betray: the machine slept, or someone set its clock. Pure."""

from __future__ import annotations

from dataclasses import dataclass

WALL_STEP = 2.0
"""Seconds by which wall and boot clock may drift apart between two ticks before it is a step."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """What lies between two ticks."""

    suspended: float
    """Seconds without a tick, when they are more than the largest gap; else 0."""
    stepped: float
    """Seconds by which the wall clock was set, when they are a step; else 0."""


def interruption(passed: float, wall_passed: float, gap: float) -> Interruption | None:
    """``passed`` seconds of boot time and ``wall_passed`` of wall time since the last tick; None: nothing happened."""
    stepped = wall_passed - passed
    if passed <= gap and abs(stepped) <= WALL_STEP:
        return None
    return Interruption(passed if passed > gap else 0.0, stepped if abs(stepped) > WALL_STEP else 0.0)
