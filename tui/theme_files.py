"""Themes of a deployment's own: ``config/themes/NAME.yml``, read and checked before anything is drawn.

A file names the theme that it is based on, and what differs from it::

    based_on: light
    background: "#fdf6e3"
    cursor: "#eee8d5"
    roles:
      text: "#3b4a50"
      band-WATCH: "#000000 on #f0c000"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast, get_args

from msgspec.structs import replace

from engine.config.located import KeyPath, Located, read_yaml
from engine.config.problems import ConfigError, Problem
from engine.errors import Refused, meant
from tui.lines import Role
from tui.theme import QUIET, contrast
from tui.themes import THEMES, Ink, Theme

LEAST = 4.5
"""Contrast that words need (WCAG 2.2, AA)."""
DECORATION: tuple[Role, ...] = ("faint", "trend")
"""Rules and trends: no words."""
_ROLES: tuple[str, ...] = get_args(Role)
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_KEYS = ("based_on", "background", "cursor", "roles")
_HINT = 'quote it: "#c8d0da", or "#0b0d10 on #f5d76e"'
_TO_START = "or start with --theme dark"


def themes_of(config: Path, wanted: str) -> Mapping[str, Theme]:
    """The four, and the files in ``config``/themes. Mistakes in another file than ``wanted`` leave only that one out.

    Refused when there is no theme of that name; ConfigError when its file has mistakes, each with its line.
    """
    found: dict[str, Theme] = dict(THEMES)
    files = sorted((config / "themes").glob("*.yml"))
    for path in files:
        located = read_yaml(path)
        theme = None if path.stem in THEMES else _theme(located, path.stem)
        if path.stem in THEMES and path.stem == wanted:
            located.report((), f"has the name of the built-in theme {path.stem}", "give the file another name")
        if theme is not None and not located.problems:
            found[path.stem] = theme
        elif path.stem == wanted:
            raise ConfigError([_with_a_way(problem) for problem in sorted(located.problems, key=lambda one: one.line)])
    if wanted not in found:
        raise Refused(
            f"there is no theme {wanted[:40]!r}", f"{meant(wanted, found)}; or write {config / 'themes' / 'NAME.yml'}"
        )
    return found


def _with_a_way(problem: Problem) -> Problem:
    return replace(problem, right=f"{problem.right}; {_TO_START}")


def _theme(located: Located, name: str) -> Theme | None:
    """The theme of a file; None, and ``located.problems``, where anything is wrong."""
    given = located.value
    if located.unreadable:
        return None
    if not isinstance(given, dict):
        located.report((), "is no theme", f"expected the keys {', '.join(_KEYS)}")
        return None
    for key in given:
        if key not in _KEYS:
            located.report((key,), "is not a known key", f"known keys: {', '.join(_KEYS)}")
    base = THEMES.get(str(given.get("based_on", "dark")))
    if base is None:
        located.report(("based_on",), f"is {given['based_on']!r}", f"one of {', '.join(THEMES)}")
        return None
    ground = {key: _one(located, (key,), given[key]) for key in ("background", "cursor") if key in given}
    inks = dict(base.inks)
    roles = given.get("roles") or {}
    if not isinstance(roles, dict):
        located.report(("roles",), "is no group of roles", f"role: colour, as in text: {_HINT}")
        return None
    for role, value in roles.items():
        _put(located, inks, role, value)
    if located.problems:
        return None
    theme = Theme(name, ground.get("background") or base.background, ground.get("cursor") or base.cursor, inks)
    _check_contrast(located, theme, given)
    return None if located.problems else theme


def _put(located: Located, inks: dict[Role, Ink], role: str, value: Any) -> None:
    where: KeyPath = ("roles", role)
    if role not in _ROLES:
        located.report(where, "is no role", meant(role, _ROLES, "roles", alike=0.7))
        return
    color, on, background = str(value).partition(" on ")
    found = _one(located, where, value if value is None else color)
    behind = _one(located, where, background) if on and found else None
    if found:
        known = cast(Role, role)
        inks[known] = replace(inks[known], color=found, background=behind if on else inks[known].background)


def _one(located: Located, where: KeyPath, value: Any) -> str | None:
    text = str(value).strip()
    if _COLOR.fullmatch(text):
        return text.lower()
    located.report(where, f"is {'empty' if value is None else repr(text[:40])}, which is no colour", _HINT)
    return None


def _check_contrast(located: Located, theme: Theme, given: dict[str, Any]) -> None:
    """Every role that holds words can be read, under the cursor too. A mistake stands where the file made it."""
    for role, ink in theme.inks.items():
        if role in DECORATION:
            continue
        for behind, place in ((theme.background, "background"), (theme.cursor, "cursor")):
            color = theme.inks["title"].color if place == "cursor" and role in QUIET else ink.color
            reached = contrast(color or "", ink.background or behind)
            if reached < LEAST:
                against = f"its own {ink.background}" if ink.background else f"the {place} {behind}"
                named = role in (given.get("roles") or {})
                where: KeyPath = ("roles", role) if named else (place,) if place in given else ("based_on",)
                what = f"{'' if named else f'role {role}: '}{color} on {against} has a contrast of {reached:.1f}"
                located.report(where, what, f"words need {LEAST}: take a lighter or a darker colour")
                break
