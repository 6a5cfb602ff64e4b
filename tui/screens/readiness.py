"""Before a cutover: what blocks GO, one line each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len

from engine.state.model import State
from engine.state.readiness import ReadyLine, blocking
from tui.lines import Lines, fit, heading, join, put, wrap
from tui.listing import Listing, Row

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_LABEL = 17
_DO = "-> "


class Readiness(Listing):
    """The board; it looks once when it opens, and again when it is opened again."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: tuple[ReadyLine, ...] | None = None
        self._trouble = ""

    def on_mount(self) -> None:
        """Look, off the event loop."""
        super().on_mount()
        self.console_app.background(self.console_app.actions.readiness, self._found, self._failed)

    def _found(self, lines: tuple[ReadyLine, ...]) -> None:
        self._lines = lines
        self.redraw()

    def _failed(self, why: str) -> None:
        self._trouble = why
        self.redraw()

    def heading(self, state: State, width: int) -> Lines:
        """The answer."""
        if self._lines is None:
            word = put(self._trouble or "looking ...", "warn" if self._trouble else "dim")
        elif blocks := len(blocking(self._lines)):
            word = put(f"NOT READY: {blocks} of {len(self._lines)} lines block GO", "warn")
        else:
            word = put("READY: nothing blocks GO", "strong")
        return [heading(self.look.glyphs.rule, "", "Ready to cut over?", [word], width), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """One line each, what blocks first, with what to do."""
        made: list[Row] = []
        for line in self._lines or ():
            mark = put("ok", "dim") if line.ready else put("NO", "warn")
            said = wrap(line.what, width - _LABEL - 1, "dim" if line.ready else "text") or [()]
            made.append(Row(join(" ", fit(mark, 3), fit(put(line.name, "dim"), _LABEL - 4), said[0]), line.name))
            made += [Row(join(" " * _LABEL, more), line.name) for more in said[1:]]
            made += [Row(fix, line.name) for fix in _fix(line.fix, width)]
        return made


def _fix(text: str, width: int) -> Lines:
    """What to do, on one line wherever it fits, further left if need be: a command is copied whole."""
    if not text:
        return []
    indent = max(min(_LABEL, width - 1 - len(_DO) - cell_len(text)), 1)
    whole = indent + len(_DO) + cell_len(text) < width
    indent = indent if whole else _LABEL
    rows = wrap(text, width - indent - len(_DO) - 1, "key")
    return [join(" " * indent, put(" " * len(_DO) if index else _DO, "dim"), row) for index, row in enumerate(rows)]


def open_readiness(app: ConsoleApp) -> None:
    """The board, fresh."""
    app.push_screen(Readiness())
