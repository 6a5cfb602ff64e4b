"""A screen that is a list of rows with a cursor, a heading, and a search."""

from __future__ import annotations

from dataclasses import dataclass

from engine.state.model import State
from tui.commands import keys_of
from tui.frame import Frame
from tui.lines import Line, Lines, fit, marked, plain


@dataclass(frozen=True, slots=True)
class Row:
    """A row: what is drawn, and what it stands for (None: the cursor passes, nothing is behind it)."""

    line: Line
    item: str | None = None


class Listing(Frame):
    """Draws :meth:`heading` and as many rows of :meth:`rows` as fit around the cursor."""

    start_at_end = False

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0
        self._first = 0
        self._height = 10
        self._width = 80
        self._follows = self.start_at_end
        self._wanted = ""

    def rows(self, state: State, width: int) -> list[Row]:
        """All rows."""
        return []

    def heading(self, state: State, width: int) -> Lines:
        """The lines above the rows."""
        return []

    def footing(self, state: State, width: int) -> Lines:
        """Lines that always stand at the bottom."""
        return []

    def body(self, state: State, width: int, height: int) -> Lines:
        """Heading, the rows around the cursor, what stands at the bottom."""
        top = [(), *self.heading(state, width)]
        bottom = self.footing(state, width)
        rows = self.rows(state, width)
        self._width, self._height = width, max(height - len(top) - len(bottom), 1)
        self.cursor = len(rows) - 1 if self._follows else self.cursor
        self.cursor = max(min(self.cursor, len(rows) - 1), 0)
        self._first = max(min(self._first, self.cursor, len(rows) - self._height), self.cursor - self._height + 1, 0)
        shown: Lines = []
        for index, row in enumerate(rows[self._first : self._first + self._height], self._first):
            line = fit(row.line, width)
            shown.append(marked(line) if index == self.cursor else line)
        blank = self._height - len(shown)
        return [*top, *shown, *([()] * blank), *bottom]

    def _rows_now(self) -> list[Row]:
        state = self.state
        return self.rows(state, self._width) if state is not None else []

    def move(self, rows: int) -> None:
        """Move the cursor; at the end of a list that grows, it stays at the end."""
        last = len(self._rows_now()) - 1
        self.cursor = max(min(self.cursor + rows, last), 0)
        self._follows = self.start_at_end and self.cursor == last
        self.redraw()

    def turn(self, steps: int) -> None:
        """The next view."""
        self.console_app.next_view(steps)

    def line_in_hand(self) -> str:
        """The text of the row under the cursor."""
        rows = self._rows_now()
        return plain(rows[self.cursor].line).strip() if rows else ""

    def item_in_hand(self) -> str | None:
        """What the row under the cursor stands for."""
        rows = self._rows_now()
        return rows[self.cursor].item if rows else None

    def search_for(self, text: str) -> None:
        """Go to the next row with this text, in any case of letters."""
        self._wanted = text
        self.search(1)

    def search(self, direction: int) -> None:
        """Go to the next or previous row that matches; says so when there is none."""
        rows = self._rows_now()
        wanted = self._wanted.casefold()
        if not wanted or not rows:
            return
        hits = [index for index, row in enumerate(rows) if wanted in plain(row.line).casefold()]
        if not hits:
            self.console_app.say(f"not found: {self._wanted}", "warn")
            return
        after = [index for index in hits if (index - self.cursor) * direction > 0]
        self.cursor, self._follows = (after or hits)[0 if direction > 0 else -1], False
        more = f"; {keys_of('search.next', 'search.previous')}: next, previous" if len(hits) > 1 else ""
        self.console_app.say(f"{hits.index(self.cursor) + 1} of {len(hits)}: {self._wanted}{more}", "dim")
