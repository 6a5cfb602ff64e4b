"""A picture as a text that a person can read and compare: its rows, where which ink lies, and what each ink is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import TypeAlias

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style

from tui.theme import Brush

Row: TypeAlias = Sequence[Segment]
_KEY = re.compile(r"\d+[|:]|[^=|]+=|\S*")
_WHAT = {"|": "row {}", ":": "inks of row {}", "=": "ink {}"}
NOTHING_SHOWS = " \u2800"
"""A blank, and braille without dots: their colour cannot be seen."""


def as_text(rows: Iterable[Row], brush: Brush) -> str:
    """The whole picture. Inks are called after the first role that looks so; a cursor's ground is named with it."""
    names = _names(brush)
    ground = brush.theme.background
    shown, inked, used = [], [], set()
    for number, row in enumerate(rows, 1):
        runs = _runs(row, names, ground)
        shown.append(f"{number:02}|{''.join(text for text, _, _ in row)}|")
        if runs:
            inked.append(f"{number:02}: {', '.join(f'{name} {begin}-{end}' for name, begin, end in runs)}")
        used |= {name for name, _, _ in runs}
    legend = [f"{name} = {look}" for look, name in names.items() if name in used]
    return "\n".join((*shown, "", *inked, "", f"ground = {ground}", *sorted(legend), ""))


def differences(was: str, now: str) -> list[str]:
    """What differs, each row and ink with how it was and how it is; empty: nothing."""
    before, after = _lines(was), _lines(now)
    told = []
    for key in dict.fromkeys((*before, *after)):
        if before.get(key) != after.get(key):
            told += [f"{key}", f"  was {before.get(key, '(not there)')}", f"  is  {after.get(key, '(not there)')}"]
    return told


def _lines(picture: str) -> dict[str, str]:
    found = {}
    for line in picture.splitlines():
        match = _KEY.match(line)
        key = match.group() if match else ""
        if key:
            found[_WHAT.get(key[-1], "{}").format(key[:-1].strip())] = line[len(key) :]
    return found


def _names(brush: Brush) -> dict[str, str]:
    """How an ink looks, to what it is called."""
    named: dict[str, str] = {}
    for marked in (False, True):
        for role in brush.theme.inks:
            named.setdefault(_look(brush.style(role, marked)), f"{role}+cursor" if marked else role)
    return named


def _look(style: Style) -> str:
    how = [
        word for word in ("bold", "dim", "italic", "underline", "blink", "reverse", "strike") if getattr(style, word)
    ]
    return " ".join([*how, _hex(style.color), "on", _hex(style.bgcolor)])


def _hex(color: object) -> str:
    triplet = getattr(color, "triplet", None)
    return triplet.hex if triplet is not None else str(getattr(color, "name", "default"))


def _runs(row: Row, names: dict[str, str], ground: str) -> list[tuple[str, int, int]]:
    """Ink, first and last cell, counted from 1; bare ground has no ink, and an ink goes on over it."""
    inks: list[str] = []
    for text, style, _ in row:
        look = _look(style or Style())
        name = names.setdefault(look, f"other{len(names)}")
        bare = look.endswith(f" on {ground}") and "underline" not in look and "reverse" not in look
        for character in text:
            inks += ["" if bare and character in NOTHING_SHOWS else name] * cell_len(character)
    for at in range(1, len(inks)):
        rest = next((ink for ink in inks[at:] if ink), "")
        if not inks[at] and inks[at - 1] == rest:
            inks[at] = rest
    runs, at = [], 1
    for name, cells in groupby(inks):
        count = len(list(cells))
        if name:
            runs.append((name, at, at + count - 1))
        at += count
    return runs
