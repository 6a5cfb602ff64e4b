"""The newest events of the audit trail."""

from __future__ import annotations

from engine.state.model import State
from tui.lines import Lines, block, heading, put
from tui.look import Look

KEY, NAME = "7", "Events"


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The newest events that fit, newest last; what could not be read stands first."""
    lines = [heading(look.glyphs.rule, KEY, NAME, [], width, focused=look.cursor is not None)]
    lines += [put(f" {problem}", "warn") for problem in state.problems[: height - 1]]
    room = max(height - len(lines), 0)
    lines += [put(f" {text}", "dim") for text in state.events[-room:]] if room else []
    return block(lines, width, height)
