"""Drawings that are kept for as long as they say what is true: a quiet console draws hardly anything anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tui.lines import Line, Lines, put
from tui.look import Look
from tui.words import clock

if TYPE_CHECKING:
    from engine.state.model import State

Draw: TypeAlias = "Callable[[State, int, int, Look], Lines]"


class _Kept(NamedTuple):
    made_for: tuple[object, ...]
    begun: datetime
    ends: datetime
    lines: Lines
    clock: Line
    """The time of day in it, where it shows that."""

    def at(self, moment: datetime) -> _Kept:
        """The same with its clock moved on."""
        if not self.clock or self.clock[0].text == clock(moment):
            return self
        old, new = self.clock[0], put(clock(moment), self.clock[0].role)
        lines = [tuple(new[0] if span is old else span for span in line) for line in self.lines]
        return self._replace(lines=lines, clock=new)


class KeptDrawings:
    """One drawing by name. It is made anew for anything else to be shown, and when a word about a time changes."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}

    def draw(self, name: str, draw: Draw, state: State, size: tuple[int, int], look: Look, content: int) -> Lines:
        """The very same lines as before where they are still true.

        ``content`` numbers what the state says apart from its own moment: another number, another drawing.
        """
        made_for = (content, size, look.glyphs, look.read_only, look.cursor, look.replay, look.window)
        kept = self._kept.get(name)
        if kept is not None and kept.made_for == made_for and kept.begun <= look.at < kept.ends:
            kept = self._kept[name] = kept.at(look.at)
            return kept.lines
        lines = draw(state, *size, look)
        stays = timedelta(seconds=min(look.stays.seconds, _LONGEST))
        self._kept[name] = _Kept(made_for, look.at, look.at + stays, lines, look.stays.clock)
        return lines

    def stands(self, name: str, content: int, at: datetime) -> bool:
        """Whether this one still says what is true at a moment, but for its clock."""
        kept = self._kept.get(name)
        return kept is not None and kept.made_for[0] == content and kept.begun <= at < kept.ends

    def forget(self) -> None:
        """Nothing is kept any more."""
        self._kept.clear()


_LONGEST = 60.0
"""Seconds after which everything is drawn anew all the same."""
