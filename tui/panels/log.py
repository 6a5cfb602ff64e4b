"""Panel 7: the tail of the monitoring log, its columns drawn together."""

from __future__ import annotations

from engine.state.model import State
from tui.lines import Line, Lines, Role, block, fit, heading, join, marked, put
from tui.look import Look
from tui.words import age

KEY, NAME = "7", "Log"
_STATUS: dict[str, Role] = {"WARN": "warn", "FAIL": "crit", "ERROR": "crit", "NOT RUN": "warn", "MISSED": "warn"}
_WIDTHS = (5, 4, 5, 3, 3, 4)


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The newest rows that fit, newest last."""
    notes: list[Line | str] = ["UTC  latency ms  errors  memory MB  CPU  status"] if width >= 70 else []
    if state.monitor.stale and not look.replay:
        notes = [stale_note(state, look), *notes]
    lines = [heading(look.glyphs.rule, KEY, NAME, notes, width, focused=look.cursor is not None)]
    shown = rows(state)
    if not shown:
        lines.append(put(" nothing logged yet", "dim"))
    first = max(len(shown) - (height - 1), 0)
    for index, text in enumerate(shown[first:], first):
        line = fit(row(text), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def stale_note(state: State, look: Look) -> Line:
    """That nobody writes it now, and since when: its newest row is no sign of life."""
    observed = state.monitor.observed_at
    since = f" {age((look.now - observed).total_seconds())}" if observed is not None else ""
    return put(f"STALE{since}: the monitor writes it", "warn")


def rows(state: State) -> tuple[str, ...]:
    """The log without its header."""
    return tuple(text for text in state.log if text.strip() and not text.startswith(("TIME (UTC)", "-----------")))


def row(text: str) -> Line:
    """One row of the log; a line that is no row (a date, a broken line) stands as it is."""
    cells = [cell.strip() for cell in text.split("|", 6)]
    if len(cells) < 7:
        return put(f" {text.strip()}", "dim")
    role: Role = _STATUS.get(cells[5], "dim")
    parts: list[Line] = [put(" ")]
    for index, (cell, size) in enumerate(zip(cells, _WIDTHS, strict=False)):
        spot: Role = role if index == 5 else "text" if index else "dim"
        parts += [fit(put(cell, spot), max(size, len(cell))), put(" | ", "faint")]
    notes = put(cells[6], "text" if role == "dim" else role)
    return join(*parts, notes)
