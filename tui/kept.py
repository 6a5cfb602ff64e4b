"""Drawings that are kept for as long as they say what is true: a quiet console draws hardly anything anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple, TypeAlias

from engine.state.model import State
from tui.lines import Lines
from tui.look import Look

Draw: TypeAlias = Callable[[State, int, int, Look], Lines]


class _Kept(NamedTuple):
    made_for: tuple[object, ...]
    begun: datetime
    ends: datetime
    lines: Lines


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
            return kept.lines
        lines = draw(state, *size, look)
        stays = timedelta(seconds=min(look.stays.seconds, _LONGEST))
        self._kept[name] = _Kept(made_for, look.at, look.at + stays, lines)
        return lines

    def forget(self) -> None:
        """Nothing is kept any more."""
        self._kept.clear()


_LONGEST = 60.0
"""Seconds after which everything is drawn anew all the same."""
