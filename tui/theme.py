"""What a role looks like: an own dark theme, safe for colour-blind eyes, and one without any colour.

Colour falls on the verdict and on what is not ok, nowhere else; and each of these has a word or a mark as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from rich.style import Style

from tui.lines import Role

BACKGROUND = "#10141a"
CURSOR_BACKGROUND = "#26303c"


@dataclass(frozen=True, slots=True)
class Ink:
    """One role: colours as ``#rrggbb`` (None: the terminal's own) and attributes."""

    color: str | None = None
    background: str | None = None
    bold: bool = False
    reverse: bool = False
    underline: bool = False
    dim: bool = False


DARK: dict[Role, Ink] = {
    "text": Ink("#c8d0da"),
    "dim": Ink("#8a95a3"),
    "faint": Ink("#4a5563"),  # rules only: decoration, never words
    "title": Ink("#a9b4c2"),
    "strong": Ink("#f2f5f8", bold=True),
    "key": Ink("#7fb4e6"),
    "warn": Ink("#e8b74a", bold=True),
    "crit": Ink("#ff8166", bold=True),
    "unknown": Ink("#b7a7ff", bold=True),
    "info": Ink("#7fb4e6"),
    "stale": Ink("#8a95a3"),
    "trend": Ink("#6f8aa6"),
    "field": Ink("#f2f5f8", "#26303c", bold=True),
    "band-ROLL BACK": Ink("#0b0d10", "#ff6e54", bold=True),
    "band-INVESTIGATE": Ink("#0b0d10", "#ffa07a", bold=True),
    "band-UNKNOWN": Ink("#0b0d10", "#b7a7ff", bold=True),
    "band-WATCH": Ink("#0b0d10", "#e8b74a", bold=True),
    "band-CONTINUE": Ink("#dfe6ee", "#2b3a44", bold=True),
    "band-env": Ink("#0b0d10", "#c8d0da", bold=True),
    "band-quiet": Ink("#dfe6ee", "#26303c", bold=True),
}

PLAIN: dict[Role, Ink] = {
    "text": Ink(),
    "dim": Ink(),
    "faint": Ink(dim=True),
    "title": Ink(),
    "strong": Ink(bold=True),
    "key": Ink(bold=True),
    "warn": Ink(bold=True),
    "crit": Ink(bold=True, underline=True),
    "unknown": Ink(bold=True),
    "info": Ink(),
    "stale": Ink(dim=True),
    "trend": Ink(),
    "field": Ink(bold=True, underline=True),
    "band-ROLL BACK": Ink(bold=True, reverse=True),
    "band-INVESTIGATE": Ink(bold=True, reverse=True),
    "band-UNKNOWN": Ink(bold=True, reverse=True),
    "band-WATCH": Ink(bold=True, reverse=True),
    "band-CONTINUE": Ink(bold=True),
    "band-env": Ink(bold=True, reverse=True),
    "band-quiet": Ink(bold=True),
}


@cache
def style(role: Role, marked: bool, color: bool) -> Style:
    """The terminal style of a role, under the cursor or not, with or without colour."""
    ink = (DARK if color else PLAIN)[role]
    if not color:
        return Style(bold=ink.bold, reverse=ink.reverse != marked, underline=ink.underline, dim=ink.dim)
    background = ink.background or (CURSOR_BACKGROUND if marked else BACKGROUND)
    shade = "#a9b4c2" if marked and role in ("faint", "dim", "stale") else ink.color
    return Style(color=shade, bgcolor=background, bold=ink.bold, underline=ink.underline)


def contrast(first: str, second: str) -> float:
    """Contrast of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
