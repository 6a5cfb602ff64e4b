"""What a row of an update puts into each cell, as far as every terminal agrees about it."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import TypeAlias
from unicodedata import category, combining, east_asian_width

from rich.cells import cell_len
from rich.segment import Segment

from tui.output.pens import Pen, Pens

Cell: TypeAlias = tuple[str, Pen]
"""What stands in a cell: a character with its marks, and the pen. The second cell of a wide one holds an empty text."""

_EMOJI = 0x1F000
"""From here on terminals differ about widths and about what joins."""


def cells_of(segments: Iterable[Segment], pens: Pens) -> list[Cell] | None:
    """One item per cell; None when terminals may differ about the widths, or something else is in it than text."""
    made: list[Cell] = []
    for text, style, control in segments:
        pen = pens.of(style)
        if control or pen is None:
            return None
        if text.isascii():
            if text and not text.isprintable():
                return None
            made += [(character, pen) for character in text]
        elif not _add(made, text, pen):
            return None
    return made


def is_wide(cell: Cell) -> bool:
    """Whether its character takes the next cell too."""
    return not cell[0].isascii() and _sure_width(cell[0][0]) == 2


def _add(made: list[Cell], text: str, pen: Pen) -> bool:
    before = len(made)
    for character in text:
        width = _sure_width(character)
        if width is None or (width == 0 and not _takes_a_mark(made, before)):
            return False
        if width == 0:
            made[-1] = (made[-1][0] + character, pen)
        else:
            made.append((character, pen))
        if width == 2:
            made.append(("", pen))
    return cell_len(text) == len(made) - before


def _takes_a_mark(made: list[Cell], first: int) -> bool:
    """Whether the last cell is a narrow one of the same segment."""
    return len(made) > first and bool(made[-1][0])


@cache
def _sure_width(character: str) -> int | None:
    """The cells a character takes, or None where terminals may differ."""
    width = cell_len(character)
    kind = category(character)
    if ord(character) >= _EMOJI or (kind[0] in "CZ" and character != " "):
        return None
    if width == 0:
        return 0 if kind == "Mn" and combining(character) else None
    if kind[0] == "M":
        return None
    wide = east_asian_width(character) in ("W", "F")
    return width if wide == (width == 2) else None
