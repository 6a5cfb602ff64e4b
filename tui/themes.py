"""The four themes, and what stands for them where a terminal has 16 colours or none.

A verdict is told from another by lightness and by hue, so that no eye needs both; tests compute that, and the contrast.
"""

from __future__ import annotations

import msgspec

from tui.lines import Role


class Ink(msgspec.Struct, frozen=True):
    """One role: colours as ``#rrggbb``, in 16 colours by name (None: what lies behind), and attributes."""

    color: str | None = None
    background: str | None = None
    bold: bool = False
    reverse: bool = False
    underline: bool = False
    dim: bool = False


class Theme(msgspec.Struct, frozen=True):
    """Every role's ink, what lies behind them, and what lies behind the row under the cursor."""

    name: str
    background: str
    cursor: str
    inks: dict[Role, Ink]


def _strong(color: str, background: str | None = None) -> Ink:
    return Ink(color, background, bold=True)


_DARK: dict[Role, Ink] = {
    "text": Ink("#c8d0da"),
    "dim": Ink("#8a95a3"),
    "faint": Ink("#4a5563"),  # rules only: decoration, never words
    "title": Ink("#a9b4c2"),
    "strong": _strong("#f2f5f8"),
    "key": Ink("#7fb4e6"),
    "warn": _strong("#f0c95c"),
    "crit": _strong("#ff7a5c"),
    "unknown": _strong("#b7a7ff"),
    "info": Ink("#7fb4e6"),
    "stale": Ink("#8a95a3"),
    "trend": Ink("#6f8aa6"),
    "field": _strong("#f2f5f8", "#26303c"),
    "band-ROLL BACK": _strong("#ffffff", "#c4281a"),
    "band-INVESTIGATE": _strong("#0b0d10", "#f0803c"),
    "band-UNKNOWN": _strong("#0b0d10", "#b7a7ff"),
    "band-WATCH": _strong("#0b0d10", "#f5d76e"),
    "band-CONTINUE": _strong("#dfe6ee", "#2b3a44"),
    "band-env": _strong("#0b0d10", "#c8d0da"),
    "band-quiet": _strong("#dfe6ee", "#26303c"),
    "wall-ROLL BACK": _strong("#ffffff", "#c4281a"),
    "wall-INVESTIGATE": _strong("#0b0d10", "#f0803c"),
    "wall-UNKNOWN": _strong("#b7a7ff"),
    "wall-WATCH": _strong("#f5d76e"),
    "wall-CONTINUE": _strong("#dfe6ee"),
}

_LIGHT: dict[Role, Ink] = {
    "text": Ink("#2a3138"),
    "dim": Ink("#56606a"),
    "faint": Ink("#bdc2c3"),
    "title": Ink("#454f59"),
    "strong": _strong("#0c0f12"),
    "key": Ink("#1c578c"),
    "warn": _strong("#6f5500"),
    "crit": _strong("#a60c30"),
    "unknown": _strong("#4a2fb0"),
    "info": Ink("#1c578c"),
    "stale": Ink("#56606a"),
    "trend": Ink("#5c7896"),
    "field": _strong("#0c0f12", "#dfe3e6"),
    "band-ROLL BACK": _strong("#ffffff", "#b3200e"),
    "band-INVESTIGATE": _strong("#0c0f12", "#ea7f3f"),
    "band-UNKNOWN": _strong("#ffffff", "#5b3fbf"),
    "band-WATCH": _strong("#0c0f12", "#f2d24f"),
    "band-CONTINUE": _strong("#2a3138", "#d6dedd"),
    "band-env": _strong("#ffffff", "#2a3138"),
    "band-quiet": _strong("#2a3138", "#dfe3e6"),
    "wall-ROLL BACK": _strong("#ffffff", "#b3200e"),
    "wall-INVESTIGATE": _strong("#0c0f12", "#ea7f3f"),
    "wall-UNKNOWN": _strong("#4a2fb0"),
    "wall-WATCH": _strong("#0c0f12", "#f2d24f"),  # no yellow can be read on a light ground
    "wall-CONTINUE": _strong("#2a3138"),
}

_WALL: dict[Role, Ink] = {
    "text": Ink("#e2e8ef"),
    "dim": Ink("#aeb8c4"),
    "faint": Ink("#525e6d"),
    "title": Ink("#c3ccd6"),
    "strong": _strong("#ffffff"),
    "key": Ink("#9cc8f2"),
    "warn": _strong("#f5d76e"),
    "crit": _strong("#ff9a82"),
    "unknown": _strong("#b9aaff"),
    "info": Ink("#9cc8f2"),
    "stale": Ink("#aeb8c4"),
    "trend": Ink("#8aa6c4"),
    "field": _strong("#ffffff", "#1d2630"),
    "band-ROLL BACK": _strong("#ffffff", "#a81508"),
    "band-INVESTIGATE": _strong("#000000", "#f0803c"),
    "band-UNKNOWN": _strong("#000000", "#c3b6ff"),
    "band-WATCH": _strong("#000000", "#fae07a"),
    "band-CONTINUE": _strong("#ffffff", "#26343e"),
    "band-env": _strong("#000000", "#d5dce4"),
    "band-quiet": _strong("#ffffff", "#1d2630"),
    "wall-ROLL BACK": _strong("#ffffff", "#a81508"),
    "wall-INVESTIGATE": _strong("#000000", "#f0803c"),
    "wall-UNKNOWN": _strong("#b6a6ff"),
    "wall-WATCH": _strong("#fae07a"),
    "wall-CONTINUE": _strong("#e2e8ef"),
}

_HIGH_CONTRAST: dict[Role, Ink] = {
    "text": Ink("#ffffff"),
    "dim": Ink("#dadada"),
    "faint": Ink("#8c8c8c"),
    "title": Ink("#f0f0f0"),
    "strong": _strong("#ffffff"),
    "key": Ink("#a8d4ff"),
    "warn": _strong("#ffe14d"),
    "crit": _strong("#ff9f8a"),
    "unknown": _strong("#cfc3ff"),
    "info": Ink("#a8d4ff"),
    "stale": Ink("#dadada"),
    "trend": Ink("#b8ccdf"),
    "field": _strong("#ffffff", "#1c2a44"),
    "band-ROLL BACK": _strong("#ffffff", "#a30c00"),
    "band-INVESTIGATE": _strong("#000000", "#f5863f"),
    "band-UNKNOWN": _strong("#000000", "#cfc3ff"),
    "band-WATCH": _strong("#000000", "#ffe88a"),
    "band-CONTINUE": _strong("#ffffff", "#33404a"),
    "band-env": _strong("#000000", "#ffffff"),
    "band-quiet": _strong("#ffffff", "#1c2a44"),
    "wall-ROLL BACK": _strong("#ffffff", "#a30c00"),
    "wall-INVESTIGATE": _strong("#000000", "#f5863f"),
    "wall-UNKNOWN": _strong("#cfc3ff"),
    "wall-WATCH": _strong("#ffe14d"),
    "wall-CONTINUE": _strong("#ffffff"),
}

THEMES: dict[str, Theme] = {
    "dark": Theme("dark", "#10141a", "#26303c", _DARK),
    "light": Theme("light", "#f8f6f1", "#ced6da", _LIGHT),
    "wall": Theme("wall", "#05070a", "#1d2630", _WALL),
    "high-contrast": Theme("high-contrast", "#000000", "#1c2a44", _HIGH_CONTRAST),
}
"""By name, in the order in which they are offered."""

# With 16 colours the terminal's own ground, light or dark, is not known: so the ground is painted too, black or white,
# and each role keeps to the numbers that can be read on it with the usual palettes.
_SIXTEEN_DARK: dict[Role, Ink] = {
    "text": Ink("white"),
    "dim": Ink("white"),
    "faint": Ink("bright_black"),
    "title": Ink("white"),
    "strong": _strong("bright_white"),
    "key": Ink("cyan"),
    "warn": _strong("bright_yellow"),
    "crit": _strong("bright_red"),
    "unknown": _strong("bright_magenta"),
    "info": Ink("cyan"),
    "stale": Ink("white"),
    "trend": Ink("cyan"),
    "field": Ink("bright_white", "blue", bold=True, underline=True),
    "band-ROLL BACK": _strong("bright_white", "red"),
    "band-INVESTIGATE": _strong("bright_white", "magenta"),
    "band-UNKNOWN": _strong("bright_white", "blue"),
    "band-WATCH": Ink("black", "yellow"),  # never bold: many terminals make bold black a grey
    "band-CONTINUE": Ink("bright_white", bold=True, underline=True),
    "band-env": Ink("black", "white"),
    "band-quiet": Ink("bright_white", bold=True, underline=True),
    "wall-ROLL BACK": _strong("bright_white", "red"),
    "wall-INVESTIGATE": _strong("bright_white", "magenta"),
    "wall-UNKNOWN": _strong("bright_magenta"),
    "wall-WATCH": _strong("bright_yellow"),
    "wall-CONTINUE": _strong("bright_white"),
}

_SIXTEEN_LIGHT: dict[Role, Ink] = {
    **_SIXTEEN_DARK,
    "text": Ink("black"),
    "dim": Ink("black"),
    "faint": Ink("white"),
    "title": Ink("black"),
    "strong": Ink("black"),
    "key": Ink("blue"),
    "warn": Ink("magenta"),
    "crit": Ink("red", underline=True),
    "unknown": Ink("blue", underline=True),
    "info": Ink("blue"),
    "stale": Ink("black"),
    "trend": Ink("blue"),
    "band-CONTINUE": Ink("black", underline=True),
    "band-env": Ink("bright_white", "black"),
    "band-quiet": Ink("black", underline=True),
    "wall-UNKNOWN": _strong("bright_white", "blue"),
    "wall-WATCH": Ink("black", "yellow"),
    "wall-CONTINUE": Ink("black"),
}

SIXTEEN = {
    "dark": Theme("dark", "black", "blue", _SIXTEEN_DARK),
    "light": Theme("light", "bright_white", "cyan", _SIXTEEN_LIGHT),
}
"""What stands for every theme with a dark or a light ground."""

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
    "wall-ROLL BACK": Ink(bold=True, reverse=True),
    "wall-INVESTIGATE": Ink(bold=True, reverse=True),
    "wall-UNKNOWN": Ink(bold=True),
    "wall-WATCH": Ink(bold=True),
    "wall-CONTINUE": Ink(bold=True),
}
