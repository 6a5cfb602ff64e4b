"""A series over time as cells: axes with numbers and times, limits as lines, gaps as gaps, marks with letters. Pure.

Each column of cells is drawn from the lowest to the highest value in it, so that a peak never vanishes; a line joins
two columns only where nothing was missing between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from engine.state.plotted import PlotMark, Plotted
from tui.glyphs import Glyphs
from tui.lines import Line, Lines, Role, block, fit, join, put, right
from tui.look import Look

LEFT, RIGHT = 11, 10
"""Cells for the numbers beside the plot, and for the names of its limits."""
BELOW = 4
"""Rows below the plot: alerts, operations, axis, times."""
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHORT = {"warning": "W", "critical": "C", "roll back": "RB"}
_ROLES: dict[str, Role] = {"warning": "warn", "critical": "crit", "roll back": "crit"}
_STEPS = (
    *(float(step) for step in (1, 2, 5, 10, 15, 30)),
    *(60.0 * step for step in (1, 2, 5, 10, 15, 30)),
    *(3600.0 * step for step in (1, 2, 3, 4, 6, 12, 24, 48, 96, 168)),
)
_BRAILLE = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))
_ASCII = ("'", "-", ".")
Dots = set[tuple[int, int]]
"""Which dots are lit: column and row, the row counted from the top."""


def columns_of(width: int, glyphs: Glyphs) -> int:
    """How many columns of dots a plot of this width has: what the values are to be thinned to."""
    return max(width - LEFT - RIGHT, 1) * (2 if glyphs.dots else 1)


@dataclass(frozen=True, slots=True)
class Scale:
    """The vertical axis: the values at its ends, and the distance of its numbers."""

    low: float
    high: float
    step: float

    def row(self, value: float, rows: int) -> int:
        """The row of ``rows`` in which a value lies, counted from the top; what is outside lies at the end."""
        share = (self.high - value) / (self.high - self.low)
        return min(max(int(share * rows), 0), rows - 1)

    def numbers(self) -> Iterator[float]:
        """The values that stand on the axis."""
        first = math.ceil(self.low / self.step - 1e-9)
        for number in range(first, math.floor(self.high / self.step + 1e-9) + 1):
            yield number * self.step

    def said(self, value: float) -> str:
        """A value of the axis, as precise as its steps."""
        decimals = max(-math.floor(math.log10(self.step) + 1e-9), 0)
        return f"{value:,.{min(decimals, 6)}f}"


def scale_of(found: Plotted, rows: int) -> Scale:
    """An axis with round numbers that holds every value, and each limit that is near."""
    low = min((column.low for column in found.columns), default=0.0)
    high = max((column.high for column in found.columns), default=1.0)
    if found.from_zero:
        near = [limit for _, limit in found.limits if high < limit <= 2.2 * high]
        low, high = min(low, 0.0), max(high, *near, 1e-3)
    else:
        pad = max((high - low) * 0.15, abs(high) * 0.02, 0.01)
        low, high = low - pad, high + pad
    step = _round_step((high - low) / max(rows / 3, 1))
    bottom = math.floor(low / step + 1e-9)
    return Scale(bottom * step, max(math.ceil(high / step - 1e-9), bottom + 1) * step, step)


def _round_step(least: float) -> float:
    """1, 2 or 5 times a power of ten, not less than ``least``."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9))


def dots_of(found: Plotted, scale: Scale, rows: int) -> Dots:
    """The dots of the line: each column from its lowest to its highest value, joined where nothing is missing."""
    lit: Dots = set()
    for column in found.columns:
        top, bottom = scale.row(column.high, rows), scale.row(column.low, rows)
        lit.update((column.index, row) for row in range(top, bottom + 1))
    for before, after in zip(found.columns, found.columns[1:], strict=False):
        if not after.torn:
            lit.update(_joined(before.index, scale.row(before.mean, rows), after.index, scale.row(after.mean, rows)))
    return lit


def _joined(x: int, y: int, to_x: int, to_y: int) -> Iterator[tuple[int, int]]:
    """The dots of a straight line between two."""
    steps = max(abs(to_x - x), abs(to_y - y), 1)
    for number in range(steps + 1):
        yield round(x + (to_x - x) * number / steps), round(y + (to_y - y) * number / steps)


def covered(found: Plotted) -> list[bool]:
    """For each column whether something is known of it: measured there, or between two values near enough."""
    known = [False] * found.stretch.count
    last, reach = -1, int(found.longest // found.stretch.step) if math.isfinite(found.longest) else found.stretch.count
    for number, column in enumerate(found.columns):
        began = math.isfinite(found.longest) and column.index <= reach  # what holds until the next has to begin
        joins = not column.torn and (number > 0 or began)
        for index in range(last + 1 if joins else column.index, column.index + 1):
            known[index] = True
        if column.torn and number and last == column.index - 1:
            known[column.index] = False  # what is missing lies within this one column
        last = column.index
    if found.columns and found.stretch.count - 1 - last <= reach:
        known[last + 1 :] = [True] * (found.stretch.count - 1 - last)
    return known


def draw(found: Plotted, width: int, height: int, look: Look) -> Lines:
    """The plot with its axes and marks, exactly ``width`` x ``height``."""
    rows, across = max(height - BELOW, 2), max(width - LEFT - RIGHT, 1)
    scale = scale_of(found, rows)
    lines = _area(found, scale, across, rows, look)
    lines += [_lane(found, kind, across, look) for kind in ("alert", "operation")]
    lines += [_axis(found, across, look), _times(found, across)]
    return block(lines, width, height)


def _area(found: Plotted, scale: Scale, across: int, rows: int, look: Look) -> Lines:
    dense = look.glyphs.dots
    lit = dots_of(found, scale, rows * (4 if dense else 3))
    numbers = {scale.row(value, rows): scale.said(value) for value in scale.numbers()}
    limits = {scale.row(value, rows): word for word, value in found.limits if scale.low <= value <= scale.high}
    lines: Lines = []
    for y in range(rows):
        word = limits.get(y)
        role = _beyond(found, scale, y, rows)
        cells: list[tuple[str, Role]] = []
        for x in range(across):
            mark = _braille(lit, x, y) if dense else _plain(lit, x, y)
            cells.append((mark, role) if mark != " " else (look.glyphs.limit if word else " ", "dim"))
        number = join(right(put(numbers.get(y, ""), "dim"), LEFT - 2), put("│" if dense else "|", "faint"))
        limit = put(f" {_limit_words(found, scale, y, rows)}", _ROLES[word]) if word else ()
        lines.append(join(fit(number, LEFT - 1), " ", *_spans(cells), fit(limit, RIGHT)))
    if not found.columns:
        lines[rows // 2] = fit(join(" " * LEFT, put("nothing was measured in this stretch", "warn")), across + LEFT)
    return lines


def _limit_words(found: Plotted, scale: Scale, y: int, rows: int) -> str:
    """The limits in this row: ``W 200``, ``C RB 500``."""
    seen = [(word, value) for word, value in found.limits if scale.low <= value <= scale.high]
    here = [(word, value) for word, value in seen if scale.row(value, rows) == y]
    parts = [(" ".join(_SHORT[word] for word, _ in same), value) for value, same in groupby(here, lambda one: one[1])]
    return " ".join(f"{words} {value:g}" for words, value in parts)


def _beyond(found: Plotted, scale: Scale, y: int, rows: int) -> Role:
    """The role of what is drawn in a row: what lies wholly beyond a limit is loud; the limit's name says so too."""
    role: Role = "trend"
    for word, value in found.limits:
        at = scale.row(value, rows)
        inside = scale.low <= value <= scale.high
        if inside and (y < at if found.worse_when == "higher" else y > at):
            role = _ROLES[word]
    return role


def _braille(lit: Dots, x: int, y: int) -> str:
    bits = 0
    for across, column in enumerate(_BRAILLE):
        for down, bit in enumerate(column):
            if (2 * x + across, 4 * y + down) in lit:
                bits |= bit
    return chr(0x2800 + bits) if bits else " "


def _plain(lit: Dots, x: int, y: int) -> str:
    here = [down for down in range(3) if (x, 3 * y + down) in lit]
    return " " if not here else "|" if len(here) > 1 else _ASCII[here[0]]


def _spans(cells: Sequence[tuple[str, Role]]) -> Iterator[Line]:
    """Cells as spans, equal roles together."""
    for role, same in groupby(cells, key=lambda cell: cell[1]):
        yield put("".join(text for text, _ in same), role)


def lettered(marks: Sequence[PlotMark]) -> list[tuple[str, PlotMark]]:
    """Each mark with its letter, oldest first; of more marks than letters the newest."""
    return list(zip(_LETTERS, marks[-len(_LETTERS) :], strict=False))


def _lane(found: Plotted, kind: str, across: int, look: Look) -> Line:
    """What happened, below the plot: a letter where it began, and how long it lasted."""
    per_cell = found.stretch.count / across
    cells: list[tuple[str, Role]] = [(" ", "dim")] * across
    begun: set[int] = set()
    for letter, mark in lettered(found.marks):
        if mark.kind != kind:
            continue
        role: Role = "crit" if mark.loud else "warn" if kind == "alert" else "info"
        first = _cell(found, mark.since, per_cell, across)
        last = across - 1 if mark.until is None else _cell(found, mark.until, per_cell, across)
        for x in range(first, last + 1):
            if x not in begun:
                cells[x] = (look.glyphs.lasts, role)
        cells[first] = ("*" if first in begun else letter, role)
        begun.add(first)
    return join(fit(put(f" {kind}s", "dim"), LEFT), *_spans(cells))


def _cell(found: Plotted, moment: datetime, per_cell: float, across: int) -> int:
    return min(max(int(found.stretch.column(moment) / per_cell), 0), across - 1)


def _axis(found: Plotted, across: int, look: Look) -> Line:
    """The time axis: broken where nothing was measured, with a mark at each time below it."""
    known = covered(found)
    per_cell = found.stretch.count // across
    at = {_cell(found, moment, per_cell, across) for moment, _ in ticks(found, across)}
    cells: list[tuple[str, Role]] = []
    for x in range(across):
        if not all(known[x * per_cell : (x + 1) * per_cell]):
            cells.append((look.glyphs.blank, "warn"))
        else:
            mark = ("┴" if look.glyphs.dots else "+") if x in at else look.glyphs.rule
            cells.append((mark, "dim"))
    missing = look.glyphs.blank in (text for text, _ in cells)
    legend = put(f" {look.glyphs.blank} no data"[:RIGHT], "warn") if missing else ()
    return join(fit(put(" time", "dim"), LEFT), *_spans(cells), fit(legend, RIGHT))


def ticks(found: Plotted, across: int) -> list[tuple[datetime, str]]:
    """Round moments of the stretch with their words, as many as have room."""
    whole = (found.stretch.end - found.stretch.begin).total_seconds()
    step = next((one for one in _STEPS if whole / one <= max(across // 10, 1)), _STEPS[-1])
    midnight = found.stretch.begin.replace(hour=0, minute=0, second=0, microsecond=0)
    number = math.ceil((found.stretch.begin - midnight).total_seconds() / step)
    made: list[tuple[datetime, str]] = []
    while (moment := midnight + timedelta(seconds=number * step)) <= found.stretch.end:
        form = "%d %b" if step >= 86400 else "%H:%M" if step >= 60 else "%H:%M:%S"
        words = f"{moment:%d %b}" if step >= 10800 and not moment.hour and not moment.minute else f"{moment:{form}}"
        made.append((moment, words))
        number += 1
    return made


def _times(found: Plotted, across: int) -> Line:
    per_cell = found.stretch.count / across
    row, free = "", 0
    for moment, words in ticks(found, across):
        at = max(_cell(found, moment, per_cell, across) - len(words) // 2, 0)
        if at >= free and at + len(words) <= across:
            row = row.ljust(at) + words
            free = at + len(words) + 2
    return join(" " * LEFT, put(row.ljust(across), "dim"), put(" UTC", "dim"))
