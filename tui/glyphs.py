"""The marks the console draws with, in two tiers chosen once at the start: unicode and plain ASCII."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

TIER_VARIABLE = "ABACO_OPS_GLYPHS"


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One tier. Every mark is one cell wide."""

    rule: str
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


UNICODE = Glyphs(
    rule="─",
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
)

ASCII = Glyphs(
    rule="-",
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
    """The tier for this terminal: ASCII on the Linux text console and where ``ABACO_OPS_GLYPHS=ascii``."""
    wanted = environment.get(TIER_VARIABLE, "").lower()
    if wanted in ("ascii", "unicode"):
        return ASCII if wanted == "ascii" else UNICODE
    return ASCII if environment.get("TERM", "") in ("linux", "vt100", "vt220") else UNICODE


_LEAST_SPAN = 0.05
"""Share of the value, or of its limit, that a trend line spans at least: less is no movement that a person acts on."""


def spark(values: tuple[float, ...], width: int, glyphs: Glyphs, limit: float = 0.0, *, high: bool = False) -> str:
    """The newest ``width`` values as a trend line, padded on the left; a flat series is drawn on the base line, one
    that stays ``high`` (beyond its limit) on top.

    The line never spans less than 5 % of the values or of ``limit``, so that 700 to 703 is no mountain.
    """
    if not values or width <= 0:
        return " " * max(width, 0)
    shown = values[-width:]
    low, high_value = min(shown), max(shown)
    span = max(high_value - low, _LEAST_SPAN * max(abs(low), abs(high_value), abs(limit)))
    top = len(glyphs.spark) - 1
    lift = span - (high_value - low) if high else 0.0
    marks = (glyphs.spark[round((value - low + lift) / span * top) if span else 0] for value in shown)
    return "".join(marks).rjust(width)


def bar(fraction: float | None, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """The full and the empty part of a gauge ``width`` cells wide; both empty where there is no limit."""
    inner = width - len(glyphs.bar_open) - len(glyphs.bar_close)
    if fraction is None or inner <= 0:
        return "", " " * width
    full = max(0, min(inner, round(fraction * inner)))
    return glyphs.bar_open + glyphs.bar_full * full, glyphs.bar_empty * (inner - full) + glyphs.bar_close
