"""What this terminal can show: colours and marks, chosen once at the start from the environment alone.

The terminal is never asked: a question to a terminal that does not answer hangs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, cast

from engine.errors import Refused

Colors = Literal["truecolor", "256", "16", "none"]
Marks = Literal["unicode", "ascii"]

COLORS: tuple[Colors, ...] = ("truecolor", "256", "16", "none")
MARKS: tuple[Marks, ...] = ("unicode", "ascii")
COLORS_VARIABLE = "ABACO_OPS_COLORS"
MARKS_VARIABLE = "ABACO_OPS_GLYPHS"
THEME_VARIABLE = "ABACO_OPS_THEME"

_MARKS_OF_OLD = ("linux", "vt52", "vt100", "vt102", "vt220")
_MILLIONS = ("xterm-kitty", "xterm-ghostty", "alacritty", "foot", "wezterm", "contour")


class Tiers(NamedTuple):
    """The two tiers, each with the reason for it in words."""

    colors: Colors
    colors_why: str
    marks: Marks
    marks_why: str


def tiers(environment: Mapping[str, str]) -> Tiers:
    """The tiers for the terminal that ``environment`` describes. Refused when a variable of ours names no tier."""
    return Tiers(*_colors(environment), *_marks(environment))


def _colors(environment: Mapping[str, str]) -> tuple[Colors, str]:
    wanted = environment.get(COLORS_VARIABLE, "").lower()
    if wanted:
        return cast(Colors, _known(wanted, COLORS, COLORS_VARIABLE)), f"as {COLORS_VARIABLE} or --colors says"
    if environment.get("NO_COLOR"):  # no-color.org: set and not empty
        return "none", "NO_COLOR is set"
    term = environment.get("TERM", "").lower()
    if term == "linux":
        return "16", "the Linux text console has no more"
    if term in _MARKS_OF_OLD or term.endswith(("-m", "-mono")):
        return "none", f"TERM={term} has none"
    many: Colors = "256" if "256" in term else "16"
    said = environment.get("COLORTERM", "").lower()
    if said in ("truecolor", "24bit"):
        if term.startswith("screen") and not environment.get("TMUX"):
            return many, f"GNU screen passes no 24-bit colours on, whatever COLORTERM says; TERM={term}"
        return "truecolor", f"COLORTERM={said}"
    if term.startswith(_MILLIONS) or term.endswith("-direct"):
        return "truecolor", f"TERM={term}"
    return many, f"TERM={term or '(not set)'}, and COLORTERM does not say truecolor"


def _marks(environment: Mapping[str, str]) -> tuple[Marks, str]:
    wanted = environment.get(MARKS_VARIABLE, "").lower()
    if wanted:
        return cast(Marks, _known(wanted, MARKS, MARKS_VARIABLE)), f"as {MARKS_VARIABLE} or --glyphs says"
    term = environment.get("TERM", "").lower()
    if term in _MARKS_OF_OLD:
        return "ascii", f"the font of TERM={term} has no others"
    return "unicode", f"TERM={term or '(not set)'} shows UTF-8"


def _known(wanted: str, tiers: tuple[str, ...], variable: str) -> str:
    if wanted not in tiers:
        raise Refused(f"{variable}={wanted[:40]!r} names no tier", f"one of: {', '.join(tiers)}; or leave it out")
    return wanted
