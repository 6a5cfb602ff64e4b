"""The time line of the wall: the cutover, what was decided, now, and the gates to come. Not to scale."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from engine.state.model import State
from engine.state.watch_time import counts
from tui.lines import Line, Role, fit, join, put, width_of
from tui.look import Look

_SHORTEST = 4
"""Cells between two points at least; gates far ahead, then those long past, are left out for it."""
_MOST = 5


class Point(NamedTuple):
    """A moment on the line."""

    at: datetime
    words: str
    role: Role


def line(state: State, width: int, look: Look) -> Line:
    """``02 cutover ==== 03 GO ======= now | 10 h8 ....... 02 h24``; empty where no cutover is watched."""
    if state.cutover_at is None or not counts(state):
        return ()
    points = _points(state, state.cutover_at, look.now)
    while len(points) > 2 and (len(points) > _MOST or _room(points, width, look.now) < _SHORTEST * len(points)):
        ahead = sum(point.at > look.now for point in points)
        del points[-1 if ahead > 1 else 0]
    return fit(join(" ", _drawn(points, width - 2, look)), width)


def _points(state: State, cutover_at: datetime, now: datetime) -> list[Point]:
    found = [Point(cutover_at, f"{_hour(cutover_at, now)} cutover", "dim")]
    for gate in state.gates:
        short = re.sub(r"^([a-z])[a-z]*-(\d+)$", r"\1\2", gate.id)
        if gate.state == "go":
            found.append(Point(gate.due_at, f"{_hour(gate.due_at, now)} {short} GO", "dim"))
        elif gate.due_at <= now:
            found.append(Point(gate.due_at, f"{_hour(gate.due_at, now)} {short} {gate.state.upper()}", "warn"))
        else:
            found.append(Point(gate.due_at, f"{_hour(gate.due_at, now)} {short}", "text"))
    ahead = state.next_gate
    if not state.gates and ahead is not None:
        short = re.sub(r"^([a-z])[a-z]*-(\d+)$", r"\1\2", ahead.id)
        found.append(Point(ahead.due_at, f"{_hour(ahead.due_at, now)} {short}", "text"))
    return sorted(found, key=lambda point: point.at)


def _hour(moment: datetime, now: datetime) -> str:
    """``09``, the hour; a day that is not within a day from now: ``7 Feb``."""
    near = abs((moment - now).total_seconds()) < 86400
    return f"{moment:%H}" if near else f"{moment.day} {moment:%b}"


def _room(points: list[Point], width: int, now: datetime) -> int:
    words = sum(len(point.words) + 1 for point in points)
    return width - words - _stretches(points, now) - len(" now |") + 1


def _stretches(points: list[Point], now: datetime) -> int:
    return len(points) if points[-1].at <= now else max(len(points) - 1, 1)


def _drawn(points: list[Point], width: int, look: Look) -> Line:
    """Every point with the stretch behind it: full where it is past, empty where it is to come."""
    now, full, empty = look.now, look.glyphs.bar_full, look.glyphs.bar_empty
    last_past = max((i for i, point in enumerate(points) if point.at <= now), default=0)
    each, rest = divmod(max(_room(points, width, now), 0), _stretches(points, now))
    made: Line = ()
    for index, point in enumerate(points):
        made = join(made, put(point.words, point.role), " ")
        size = each + (1 if index < rest else 0)
        if index == last_past:
            after = points[index + 1].at if index + 1 < len(points) else None
            past = size if after is None else round(size * _share(point.at, after, now))
            made = join(made, put(full * past, "trend"), put(" now |" if past else "now |", "strong"))
            made = join(made, put(empty * (size - past), "faint"), " ")
        elif index + 1 < len(points):
            made = join(made, put((full if index < last_past else empty) * size, _ink(index < last_past)), " ")
    return fit(made, max(width, width_of(made)))


def _ink(past: bool) -> Role:
    return "trend" if past else "faint"


def _share(begin: datetime, end: datetime, now: datetime) -> float:
    whole = (end - begin).total_seconds()
    return min(max((now - begin).total_seconds() / whole, 0.0), 1.0) if whole > 0 else 1.0
