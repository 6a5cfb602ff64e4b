"""What a style is on the terminal, and the shortest way from one to another."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
from rich.color import ColorSystem
from rich.style import Style
from textual.strip import Strip

_RENDERED = re.compile(r"\x1b\[([0-9;]+)mx\x1b\[0m")
_OFF = {1: 22, 2: 22, 3: 23, 4: 24, 5: 25, 7: 27, 9: 29}
"""Attributes that every terminal can end one by one; the others end with everything else."""
_WEIGHTS = frozenset({1, 2})
"""Bold and dim: one code ends both."""
_ENDED_TOGETHER = frozenset({6, 8, 21, 51, 52, 53})
_SIZES = {"5": 3, "2": 5}
"""Parameters of a colour after 38 or 48: of the 256, or red, green and blue."""
_MANY = 2000


class Pen(msgspec.Struct, frozen=True, eq=False):
    """How cells are written. Two that look the same are one and the same object, see :class:`Pens`."""

    attributes: frozenset[int]
    ink: str = ""
    paper: str = ""

    def codes(self) -> list[str]:
        """The parameters that set it, where nothing is set."""
        return [*map(str, sorted(self.attributes)), *filter(None, (self.ink, self.paper))]


PLAIN = Pen(frozenset())
"""What the terminal writes with when nothing was asked of it."""


class Pens:
    """The pens of one terminal, by the styles that stand for them."""

    def __init__(self, colors: ColorSystem) -> None:
        self._colors = colors
        self._of_style: dict[Style, Pen | None] = {}
        self._of_codes: dict[str, Pen | None] = {"": PLAIN}
        self._of_look: dict[tuple[frozenset[int], str, str], Pen] = {(PLAIN.attributes, "", ""): PLAIN}
        self._ways: dict[tuple[Pen, Pen], str] = {}

    def of(self, style: Style | None) -> Pen | None:
        """The pen of a style; None: the style asks for something that is not known here (a link)."""
        if style is None:
            return PLAIN
        if style in self._of_style:
            return self._of_style[style]
        if len(self._of_style) > _MANY:
            self._of_style.clear()
            self._ways.clear()
        rendered = Strip.render_style(style, "x", self._colors)
        found = _RENDERED.fullmatch(rendered)
        codes = found[1] if found is not None else "" if rendered == "x" else "unknown"
        if codes not in self._of_codes:
            look = _read(codes)
            self._of_codes[codes] = None if look is None else self._of_look.setdefault(look, Pen(*look))
        pen = self._of_style[style] = self._of_codes[codes]
        return pen

    def way(self, before: Pen, after: Pen) -> str:
        """The bytes that change one pen into another."""
        if before is after:
            return ""
        way = self._ways.get((before, after))
        if way is None:
            way = self._ways[before, after] = _way(before, after)
        return way


def _read(codes: str) -> tuple[frozenset[int], str, str] | None:
    attributes, ink, paper = set(), "", ""
    waiting = codes.split(";")
    while waiting:
        code = int(waiting[0]) if waiting[0].isdigit() else -1
        size = _SIZES.get(waiting[1], 0) if code in (38, 48) and len(waiting) > 1 else 1
        if not size or len(waiting) < size:
            return None
        whole, waiting = ";".join(waiting[:size]), waiting[size:]
        if code in _OFF or code in _ENDED_TOGETHER:
            attributes.add(code)
        elif 30 <= code <= 38 or 90 <= code <= 97:
            ink = whole
        elif 40 <= code <= 48 or 100 <= code <= 107:
            paper = whole
        elif code not in (39, 49):
            return None
    return frozenset(attributes), ink, paper


def _way(before: Pen, after: Pen) -> str:
    anew = ["0", *after.codes()] if after.codes() else []
    ended = before.attributes - after.attributes
    if not ended <= _OFF.keys():
        return _sequence(anew)
    begun = after.attributes - before.attributes
    if ended & _WEIGHTS:
        begun |= after.attributes & _WEIGHTS
    step = [*map(str, sorted({_OFF[one] for one in ended})), *map(str, sorted(begun))]
    if before.ink != after.ink:
        step.append(after.ink or "39")
    if before.paper != after.paper:
        step.append(after.paper or "49")
    return min(_sequence(step), _sequence(anew), key=len)


def _sequence(codes: Iterable[str]) -> str:
    return f"\x1b[{';'.join(codes)}m"
