"""Where the dashboard's panels stand: three layouts of the same panels, as a pure function of the size."""

from __future__ import annotations

from typing import NamedTuple


class Place(NamedTuple):
    """A rectangle in cells, counted from the body's corner."""

    x: int
    y: int
    width: int
    height: int


MINIMUM = (80, 22)
"""Columns and rows: a terminal of 80x24 with one or two status lines of tmux."""
MEDIUM_WIDTH, LARGE_WIDTH, TALL = 116, 160, 36
_EVENTS_FROM = 5


def too_small(width: int, height: int) -> bool:
    """Whether the screen is smaller than what everything is drawn for."""
    return width < MINIMUM[0] or height < MINIMUM[1]


def arrange(width: int, height: int, *, operating: bool) -> dict[str, Place]:
    """Panel id to place, in the order of Tab. ``operating``: something runs, or waits for a person.

    At 80x24 the operation takes the log's place meanwhile; at 120x36 it takes the whole width; larger sizes always
    have room for it.
    """
    if width >= LARGE_WIDTH and height >= TALL:
        return _large(width, height)
    if width >= MEDIUM_WIDTH and height >= 32:
        return _medium(width, height, operating=operating)
    return _small(width, height, operating=operating)


def _small(width: int, height: int, *, operating: bool) -> dict[str, Place]:
    left = width // 2 - 1
    right = width - left - 1
    rest = height - 15
    places = {
        "kpis": Place(0, 1, left, 6),
        "matrix": Place(left + 1, 1, right, 6),
        "resources": Place(0, 8, left, 6),
        "checklist": Place(left + 1, 8, right, 6),
    }
    if not operating:
        return {**places, "log": Place(0, 15, width, rest)}
    if rest >= 12:
        half = rest // 2
        return {**places, "operation": Place(0, 15, width, half), "log": Place(0, 15 + half, width, rest - half)}
    return {**places, "operation": Place(0, 15, width, rest)}


def _medium(width: int, height: int, *, operating: bool) -> dict[str, Place]:
    left = width // 2 - 1
    right = width - left - 2
    column = left + 2
    more = max((height - 32) * 2 // 3, 0)
    checks, steps = more // 2, more - more // 2
    places = {
        "kpis": Place(0, 1, left, 6),
        "matrix": Place(column, 1, right, 6),
        "resources": Place(0, 8, left, 6),
        "checklist": Place(column, 8, right, 6 + (0 if operating else checks)),
    }
    if operating:
        log = max(6, height // 6)
        across = {"operation": Place(0, 15, width, height - 16 - log), "log": Place(0, height - log, width, log)}
        return {**places, **across}
    places |= {
        "validation": Place(0, 15, left, 6),
        "operation": Place(column, 15 + checks, right, 6 + steps),
    }
    if more >= _EVENTS_FROM:
        places["events"] = Place(0, 22, left, more - 1)
    return {**places, "log": Place(0, 22 + more, width, height - 22 - more)}


def _large(width: int, height: int) -> dict[str, Place]:
    third = (width - 6) // 3
    last = width - 2 * third - 6
    second, end = third + 3, 2 * third + 6
    log = max(height // 4, 6)
    upper = height - log - 2
    return {
        "kpis": Place(0, 1, third, 6),
        "resources": Place(0, 8, third, 6),
        "validation": Place(0, 15, third, 6),
        "events": Place(0, 22, third, upper - 21),
        "matrix": Place(second, 1, third, 6),
        "operation": Place(second, 8, third, upper - 7),
        "checklist": Place(end, 1, last, upper),
        "log": Place(0, height - log, width, log),
    }
