"""Colours that can be read and told apart by everybody; and none where there are none."""

from __future__ import annotations

from itertools import combinations, product
from typing import cast

import pytest
from colour_vision import VISIONS, apart

from engine.tiers import Colors
from tui.lines import Role
from tui.theme import Brush, contrast, nearest_of_256
from tui.theme_files import DECORATION
from tui.themes import PLAIN, SIXTEEN, THEMES

VERDICTS = ("ROLL BACK", "INVESTIGATE", "UNKNOWN", "WATCH", "CONTINUE")
WORDS = [role for role in PLAIN if role not in DECORATION]
FAR_READERS = ("wall", "high-contrast")
BANDS_APART = 15
INKS_APART = 12
"""CIE 1976 distances; 2.3 is just noticed. Bands are large, inks bring their words."""
_NAMES = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
_XTERM = (
    "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff"
)
_LINUX = (
    "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff"
)


def palette(colors: str) -> dict[str, str]:
    """A terminal's 16 colours by name."""
    names = (*_NAMES, *(f"bright_{name}" for name in _NAMES))
    return {name: f"#{color}" for name, color in zip(names, colors.split(), strict=True)}


def shown(brush: Brush, role: Role, marked: bool, sixteen: str = _XTERM) -> tuple[str, str]:
    """Ink and ground as ``#rrggbb``."""
    made = brush.style(role, marked)
    assert made.color is not None and made.bgcolor is not None
    pair = (made.color, made.bgcolor)
    if brush.tier == "16":
        return palette(sixteen)[pair[0].name], palette(sixteen)[pair[1].name]
    ink, ground = (color.get_truecolor().hex for color in pair)
    return ink, ground


def dominant(brush: Brush, kind: str, verdict: str) -> str:
    """The colour of most of its cells: a filled band's background, else the letters."""
    role = cast(Role, f"{kind}-{verdict}")
    return shown(brush, role, False)[1 if brush.theme.inks[role].background else 0]


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("tier", ["truecolor", "256", "16"])
def test_words_can_be_read_in_every_theme_and_tier_under_the_cursor_too(name: str, tier: Colors) -> None:
    brush = Brush(THEMES[name], tier)
    least = 7.0 if name in FAR_READERS and tier == "truecolor" else 4.5
    for role, marked in product(WORDS, (False, True)):
        assert contrast(*shown(brush, role, marked)) >= least, (role, marked, shown(brush, role, marked))


@pytest.mark.parametrize("name", THEMES)
def test_graphics_and_the_row_under_the_cursor_can_be_seen(name: str) -> None:
    theme = THEMES[name]
    assert contrast(theme.inks["trend"].color or "", theme.background) >= 3
    assert contrast(theme.cursor, theme.background) > 1.3


def test_every_role_is_in_every_theme_and_tier() -> None:
    for theme in (*THEMES.values(), *SIXTEEN.values()):
        assert set(theme.inks) == set(PLAIN), theme.name


def test_the_linux_console_shows_its_own_16_so_that_they_can_be_read() -> None:
    for role, marked in product(WORDS, (False, True)):
        pair = shown(Brush(tier="16"), role, marked, _LINUX)
        assert contrast(*pair) >= 4.0, (role, marked, pair)  # its yellow is a brown: black on it reaches 4.1


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("tier", ["truecolor", "256"])
@pytest.mark.parametrize("vision", VISIONS)
def test_the_verdicts_are_told_apart_by_every_eye(name: str, tier: Colors, vision: str) -> None:
    brush = Brush(THEMES[name], tier)
    for kind, (one, other) in product(("band", "wall"), combinations(VERDICTS, 2)):
        colors = dominant(brush, kind, one), dominant(brush, kind, other)
        assert apart(*colors, vision) >= BANDS_APART, (kind, one, other)


@pytest.mark.parametrize("name", THEMES)
@pytest.mark.parametrize("tier", ["truecolor", "256"])
@pytest.mark.parametrize("vision", VISIONS)
def test_warning_critical_unknown_and_plain_words_are_told_apart_by_every_eye(
    name: str, tier: Colors, vision: str
) -> None:
    brush = Brush(THEMES[name], tier)
    roles: tuple[Role, ...] = ("text", "warn", "crit", "unknown")
    inks = {role: shown(brush, role, False)[0] for role in roles}
    for one, other in combinations(roles, 2):
        assert apart(inks[one], inks[other], vision) >= INKS_APART, (one, other)


def test_the_distance_finds_the_pair_that_many_cannot_tell_apart() -> None:
    red, green = "#c0392b", "#5f7a1f"
    assert apart(red, green, "all") > 3 * BANDS_APART
    assert apart(red, green, "deutan") < INKS_APART
    blue, greenish = "#2f6fb0", "#2f8a86"
    assert apart(blue, greenish, "tritan") < apart(blue, greenish, "all") / 2


def test_without_colour_no_role_has_one_and_each_verdict_but_calm_is_louder_than_text() -> None:
    brush = Brush(tier="none")
    for role, marked in product(PLAIN, (False, True)):
        style = brush.style(role, marked)
        assert style.color is None and style.bgcolor is None
    assert brush.style("text", True).reverse
    assert all(brush.style(f"band-{word}").reverse for word in VERDICTS if word != "CONTINUE")  # type: ignore[arg-type]


def test_a_style_is_made_once() -> None:
    brush = Brush()
    assert brush.style("warn", True) is brush.style("warn", True)


@pytest.mark.parametrize(
    ("color", "number"), [("#000000", 16), ("#ffffff", 231), ("#ff0000", 196), ("#808080", 244), ("#5fafd7", 74)]
)
def test_the_nearest_of_256(color: str, number: int) -> None:
    assert nearest_of_256(color) == number
