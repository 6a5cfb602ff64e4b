"""What a role looks like: themes of our own, and the brush that turns a role into a terminal style.

Colour falls on the verdict and on what is not ok, nowhere else; and each of these has a word or a mark as well.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace
from rich.color import Color as RichColor
from rich.style import Style
from textual.color import Color

from engine.tiers import Colors
from tui.lines import Role
from tui.themes import PLAIN, SIXTEEN, THEMES, Ink, Theme

DARK = THEMES["dark"].inks
QUIET: tuple[Role, ...] = ("faint", "dim", "stale")
"""Under the cursor these take the ink of a title, or they could not be read."""
_MIDDLE = 0.18
"""Luminance that the eye takes for the middle between black and white."""


class Brush:
    """A theme in a tier: ``style`` is what every painted line asks for, and answers from its memory."""

    def __init__(self, theme: Theme = THEMES["dark"], tier: Colors = "truecolor") -> None:
        self.theme = theme
        self.tier = tier
        self._styles: dict[tuple[Role, bool], Style] = {}

    def style(self, role: Role, marked: bool = False) -> Style:
        """The terminal style of a role, under the cursor or not. KeyError for a role that the theme lacks."""
        found = self._styles.get((role, marked))
        if found is None:
            found = self._styles[role, marked] = self._made(role, marked)
        return found

    def _made(self, role: Role, marked: bool) -> Style:
        if self.tier == "none":
            ink = PLAIN[role]
            faded = ink.dim and not marked
            return Style(bold=ink.bold, underline=ink.underline, dim=faded, reverse=ink.reverse != marked)
        theme = self._shown
        ink = self._under_cursor(role) if marked else theme.inks[role]
        ground = ink.background or (theme.cursor if marked else theme.background)
        color = ink.color or theme.inks["text"].color or ground
        return Style(color=self._color(color), bgcolor=self._color(ground), bold=ink.bold, underline=ink.underline)

    @property
    def _shown(self) -> Theme:
        """The theme; with 16 colours what stands for it."""
        if self.tier != "16":
            return self.theme
        return SIXTEEN["light" if _luminance(self.theme.background) > _MIDDLE else "dark"]

    def _under_cursor(self, role: Role) -> Ink:
        """Quiet inks become louder there, or they could not be read; of 16 colours only a few can be read at all."""
        inks = self._shown.inks
        ink = inks[role]
        if self.tier == "16" and ink.background is None:
            if role == "warn":
                return ink if self._shown is SIXTEEN["dark"] else inks["band-WATCH"]
            return inks["band-ROLL BACK" if role == "crit" else "strong"]
        return replace(ink, color=inks["title"].color) if role in QUIET else ink

    def _color(self, color: str) -> RichColor:
        return RichColor.from_ansi(nearest_of_256(color)) if self.tier == "256" else RichColor.parse(color)

    @property
    def background(self) -> Color:
        """What lies behind everything; without colours the terminal's own."""
        if self.tier == "none":
            return Color(0, 0, 0, ansi=-1)
        ground = self._shown.background
        if self.tier == "truecolor":
            return Color.parse(ground)
        number = self._color(ground).number
        return Color(0, 0, 0, ansi=number)


class Brushes:
    """The themes there are, and the two brushes in hand: one for every screen, and one for the wall. Never changed."""

    def __init__(
        self,
        tier: Colors = "truecolor",
        themes: Mapping[str, Theme] = THEMES,
        *,
        name: str = "dark",
        wall: str = "wall",
    ) -> None:
        self.themes = themes
        self.tier = tier
        self.screen = Brush(themes[name], tier)
        self.wall = Brush(themes[wall], tier)

    def with_theme(self, name: str) -> Brushes:
        """The same with everything in this theme, the wall too. KeyError when there is none of that name."""
        return Brushes(self.tier, self.themes, name=name, wall=name)


_STEPS = (0, 95, 135, 175, 215, 255)


def nearest_of_256(color: str) -> int:
    """The number, 16 to 255, of the palette's colour nearest to ``#rrggbb``: in its cube, or on its ladder of greys."""
    wanted = _channels(color)
    cube = [min(range(6), key=lambda step: abs(_STEPS[step] - channel)) for channel in wanted]
    grey = min(range(24), key=lambda step: abs(8 + 10 * step - sum(wanted) / 3))
    of_cube = sum((_STEPS[step] - channel) ** 2 for step, channel in zip(cube, wanted, strict=True))
    of_grey = sum((8 + 10 * grey - channel) ** 2 for channel in wanted)
    return 232 + grey if of_grey < of_cube else 16 + 36 * cube[0] + 6 * cube[1] + cube[2]


def contrast(first: str, second: str) -> float:
    """Contrast of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2, relative luminance)."""
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _channels(color: str) -> tuple[int, int, int]:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def _luminance(color: str) -> float:
    parts = [channel / 255 for channel in _channels(color)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
