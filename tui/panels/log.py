"""Panel 7: the tail of the monitoring log, its columns drawn together."""

from __future__ import annotations

from engine.state.model import State
from tui.lines import Line, Lines, Role, block, fit, heading, join, marked, put, width_of
from tui.look import Look

KEY, NAME = "7", "Log"
_STATUS: dict[str, Role] = {"WARN": "warn", "FAIL": "crit", "ERROR": "crit", "NOT RUN": "warn", "MISSED": "warn"}
_WIDTHS = (5, 4, 5, 3, 3, 4)
_LABELS = ((9, "lat ms"), (16, "errors"), (24, "MB"), (30, "CPU"), (36, "status"))
"""The cell at which a column of :func:`row` begins, and what stands in it."""
_LABELLED = 43
"""Cells that the labels need."""


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The newest rows that fit, newest last."""
    stale = stale_note(state, look) if state.monitor.stale and not look.replay else ()
    lines = [_heading(stale, width, look)]
    shown = rows(state)
    if not shown:
        lines.append(put(" nothing logged yet", "dim"))
    first = max(len(shown) - (height - 1), 0)
    for index, text in enumerate(shown[first:], first):
        line = fit(row(text), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def _heading(stale: Line, width: int, look: Look) -> Line:
    """The panel's first line; what each column is stands above it where there is room, and never in place of STALE."""
    rule = look.glyphs.rule
    line = heading(rule, KEY, NAME, [], 0, focused=look.cursor is not None)
    if width >= _LABELLED + (width_of(stale) + 5 if stale else 0):
        for begin, label in _LABELS:
            apart = begin - width_of(line)
            if apart > 0:  # a key with a long name leaves no room for the first one
                between = f" {rule * (apart - 2)} " if apart > 2 else " " * apart
                line = join(line, put(between, "faint"), put(label, "dim"))
        line = join(line, " ")
    if stale:
        line = join(line, put(f"{rule * 3} ", "faint"), stale, put(" "))
    return join(line, put(rule * max(width - width_of(line), 0), "faint"))


def labels() -> Line:
    """What each column is, above rows that stand below one another."""
    line = put(" UTC", "title")
    for begin, label in _LABELS:
        line = join(fit(line, begin), put(label, "title"))
    return join(line, put(" notes", "title"))


def stale_note(state: State, look: Look) -> Line:
    """That nobody writes it now: its newest row is no sign of life. Since when stands in row 3."""
    return put("STALE: no new sample", "warn")


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
        bar = " | " if len(cell) <= size else "| "  # a longer word (ERROR) takes the blank before the bar
        parts += [fit(put(cell, spot), max(size, len(cell))), put(bar, "faint")]
    notes = put(cells[6], "text" if role == "dim" else role)
    return join(*parts, notes)
