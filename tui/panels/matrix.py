"""Panel 6: the decision matrix; the heaviest row that matches is the verdict."""

from __future__ import annotations

from engine.monitoring.model import MatrixRow
from engine.state.model import State
from tui.calling import brief, leading
from tui.lines import Line, Lines, Role, block, fit, heading, join, marked, put, spread
from tui.look import Look
from tui.words import age

KEY, NAME = "6", "Decision matrix"
_WIDE = 54
ACTIVE: dict[str, Role] = {
    "ROLL BACK": "crit",
    "INVESTIGATE": "crit",
    "UNKNOWN": "unknown",
    "WATCH": "warn",
    "CONTINUE": "strong",
}


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel at exactly ``width`` x ``height``, heaviest verdict first."""
    lines = [heading(look.glyphs.rule, KEY, NAME, [brief(leading(state))], width, focused=look.cursor is not None)]
    for index, entry in enumerate(state.matrix):
        line = fit(row(entry, width, look), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def row(entry: MatrixRow, width: int, look: Look) -> Line:
    """One verdict with its evidence, and the evidence's age where there is room."""
    role: Role = ACTIVE[entry.verdict] if entry.active else "dim"
    mark = put(look.glyphs.here if entry.active else " ", role)
    head = join(mark, " ", fit(put(entry.verdict, role), 12))
    evidence = put(entry.evidence, "text" if entry.active else "dim")
    if width >= _WIDE and entry.age is not None:
        return spread(join(head, evidence), put(f"{age(entry.age)} ", "dim"), width)
    return join(head, evidence)
