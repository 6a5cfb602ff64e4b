"""The marks the console draws with, in two tiers chosen once at the start: unicode and plain ASCII."""

from __future__ import annotations

import math
from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

from engine.tiers import tiers


class Glyphs(NamedTuple):
    """One tier. Every mark is one cell wide."""

    rule: str
    block: str
    """A point of a large letter."""
    spark: str
    """Trend levels, low to high; none fills its cell, so that rows stay apart."""
    bar_full: str
    bar_empty: str
    bar_open: str
    bar_close: str
    here: str
    """The row that holds: the verdict in the matrix, the running step."""
    cursor: str
    done: str
    overridden: str
    attention: str
    missed: str
    question: str
    waiting: str
    arrow: str
    caret: str
    dots: bool = False
    """Whether plots may be drawn in braille: eight dots in a cell."""
    limit: str = "="
    """A limit's line in a plot."""
    blank: str = "."
    """The time axis where nothing was measured."""
    lasts: str = "="
    """What began at its letter goes on."""
    cut: str = "~"
    """What is left out: whatever draws says it as ``…``, and a pane paints this."""


UNICODE = Glyphs(
    rule="─",
    block="█",
    spark="▁▂▃▄▅▆▇",
    bar_full="━",
    bar_empty="╌",
    bar_open="",
    bar_close="",
    here="▶",
    cursor="›",
    done="✓",
    overridden="○",
    attention="!",
    missed="✗",
    question="?",
    waiting="·",
    arrow="→",
    caret="▏",
    dots=True,
    limit="╌",
    blank="┄",
    lasts="━",
    cut="…",
)

ASCII = Glyphs(
    rule="-",
    block="#",
    spark="_.-^",
    bar_full="#",
    bar_empty=".",
    bar_open="[",
    bar_close="]",
    here=">",
    cursor="]",
    done="x",
    overridden="o",
    attention="!",
    missed="X",
    question="?",
    waiting=".",
    arrow="->",
    caret="_",
)


def choose(environment: Mapping[str, str]) -> Glyphs:
    """The tier for the terminal that ``environment`` describes. Refused when it names a tier that there is not."""
    return ASCII if tiers(environment).marks == "ascii" else UNICODE


_LEAST_CELLS = 3
"""Values side by side from which a trend can be seen."""
_LEAST_SPAN = 0.05
"""Share of the value, or of its limit, that a trend line spans at least: less is no movement that a person acts on."""


def squeezed(values: tuple[float, ...], width: int) -> tuple[float, ...]:
    """All of ``values`` in ``width`` cells: of those that share one, the value farthest from the median of all."""
    known = [value for value in values if value == value]
    if width <= 0 or len(values) <= width or not known:
        return values
    middle = sorted(known)[len(known) // 2]
    edges = [round(cell * len(values) / width) for cell in range(width + 1)]
    groups = ([value for value in values[a:b] if value == value] for a, b in pairwise(edges))
    return tuple(max(group, key=lambda value: abs(value - middle), default=math.nan) for group in groups)


def spark(values: tuple[float, ...], width: int, glyphs: Glyphs, limit: float = 0.0, *, high: bool = False) -> str:
    """The newest ``width`` values as a trend line, padded on the left; where there is none (NaN), nothing is drawn.

    A flat series is drawn on the base line, one that stays ``high`` (beyond its limit) on top. In fewer than three
    cells there is no trend: nothing is drawn.

    The line never spans less than 5 % of the values or of ``limit``, so that 700 to 703 is no mountain.
    """
    shown = values[-width:] if width > 0 else ()
    known = [value for value in shown if value == value]
    if not known or width < _LEAST_CELLS:
        return " " * max(width, 0)
    low, highest = min(known), max(known)
    span = max(highest - low, _LEAST_SPAN * max(abs(low), abs(highest), abs(limit)))
    top = len(glyphs.spark) - 1
    lift = span - (highest - low) if high else 0.0
    marks = (
        " " if value != value else glyphs.spark[round((value - low + lift) / span * top) if span else 0]
        for value in shown
    )
    return "".join(marks).rjust(width)


def bar(fraction: float | None, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """The full and the empty part of a gauge ``width`` cells wide; both empty where there is no limit."""
    inner = width - len(glyphs.bar_open) - len(glyphs.bar_close)
    if fraction is None or inner <= 0:
        return "", " " * width
    full = max(0, min(inner, round(fraction * inner)))
    return glyphs.bar_open + glyphs.bar_full * full, glyphs.bar_empty * (inner - full) + glyphs.bar_close
