"""View 1: every panel at once."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from textual.app import ComposeResult

from engine.monitoring.at_hand import at_hand
from tui.arrange import MINIMUM, Place, arrange, too_small
from tui.commands.command import key_of
from tui.frame import Frame
from tui.lines import Lines, block, plain, put
from tui.pane import Pane

if TYPE_CHECKING:
    from engine.state.model import State

NAMES = ("kpis", "matrix", "resources", "checklist", "validation", "operation", "events", "log")
"""The panels. What draws them is imported once there is a state: the first picture comes before that."""
_NOTHING: Lines = []
_VIEW = {"resources": "conditions", "events": "log"}


class Dashboard(Frame):
    """The panels, the one in hand, and the row under the cursor."""

    ticks = True

    CSS = """
    Dashboard #panels { height: 1fr; width: 100%; }
    Dashboard #panels Pane { position: absolute; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._in_hand = "checklist"
        self._row: int | None = None
        """The row the person chose; None: the one that waits for an answer, wherever it moves."""
        self._filled = False
        self._places: dict[str, Place] = {}
        self._operating = False
        """Whether the places are those of an operation in front."""

    def compose_body(self) -> ComposeResult:
        """Where the panels go; they come right after the first picture, in which they would stand empty."""
        yield Pane(lambda *_: _NOTHING, id="panels")

    def on_mount(self) -> None:
        """The panels follow the first picture, but what size is needed is part of it."""
        if too_small(*self.size):
            self._fill()
        else:
            self.call_after_refresh(self._fill)

    def _fill(self) -> None:
        """One pane for each panel, and one that says what size is needed."""
        if not self._filled:
            self._filled = True
            panes = [Pane(partial(self._panel, name), id=name) for name in NAMES]
            self.query_one("#panels").mount(Pane(self._too_small, id="small"), *panes)
            self._place()
            self._arrange()

    def on_resize(self) -> None:
        """Another size, another arrangement."""
        super().on_resize()
        self._place()

    def redraw(self) -> None:
        """Draw again; an operation that begins or ends changes the arrangement."""
        if self.state is not None:
            self._fill()  # where a key was first, no refresh has called for it
        self._place()
        super().redraw()

    def beat(self) -> bool:
        """Where nothing is new, the clock is painted, and those panels in which a word about a time has changed."""
        app = self.console_app
        state, look = app.shown_state, app.look
        content = app.seen.content_of(state) if state is not None else None
        if state is None or content is None or state.operation is not None or app.arming.needed or not self._filled:
            return False
        from tui.panels import operation

        if operation.in_front(state, look.at) != self._operating:
            return False
        changing = [name for name in self._places if not self._kept.stands(name, content, look.at)]
        self._moment = state, look
        try:
            panes = (self._head, *(self.query_one(f"#{name}", Pane) for name in changing))
            parts = [(pane, part) for pane in panes for part in pane.changes()]
            if parts and not app.output.paint(app, parts):
                for pane, part in parts:
                    pane.refresh(part)
        finally:
            self._moment = None
        return True

    def _place(self) -> None:
        width, height = self.size
        small = too_small(width, height)
        self._operating = self._is_operating()
        places = {} if small else arrange(width, height - 4, operating=self._operating)
        if small:
            places = {"small": Place(0, 0, width, max(height - 4, 1))}
        if places != self._places:
            self._places = places
            self._arrange()

    def _arrange(self) -> None:
        """Put each panel that is there into its place."""
        for pane in self.query("#panels Pane").results(Pane):
            place = self._places.get(pane.id or "")
            pane.display = place is not None
            if place is not None:
                pane.styles.offset = (place.x, place.y)
                pane.styles.width, pane.styles.height = place.width, place.height

    def _is_operating(self) -> bool:
        if self.state is None:
            return False
        from tui.panels import operation

        return operation.in_front(self.state, self.look.now)

    def _panel(self, name: str, width: int, height: int) -> Lines:
        state = self.state
        if state is None:
            return block([], width, height)
        from tui.panels.every import PANELS

        cursor = self._cursor(state) if name == self._panel_in_hand() else None
        look, shown = self.look.at_row(cursor), self.console_app.windows.shown(state)
        content = self.console_app.seen.content_of(shown)
        if content is None:  # made for this moment
            return PANELS[name](shown, width, height, look)
        return self._kept.draw(name, PANELS[name], shown, (width, height), look, content)

    def _too_small(self, width: int, height: int) -> Lines:
        needed = f" needs {MINIMUM[0]}x{MINIMUM[1]}, this is {self.size.width}x{self.size.height}"
        lines = [
            (),
            put(needed, "warn"),
            put(f" {key_of('rollback')} rolls back all the same." if self.may("rollback") else "", "text"),
            put(" In lines: abaco-ops status", "dim"),
        ]
        return block(lines, width, height)

    def _panel_in_hand(self) -> str:
        return self._in_hand if self._in_hand in self._places else next(iter(self._places), "")

    def _items(self, state: State) -> list[str | None]:
        """What the rows of the panel in hand stand for."""
        from tui.panels import log

        items: dict[str, list[str | None]] = {
            "kpis": [kpi.id for kpi in state.kpis],
            "matrix": [row.verdict for row in state.matrix],
            "resources": [gauge.id for gauge in state.resources],
            "checklist": [item.key for item in state.checklist.items],
            "validation": [check.name for check in state.checks.checks],
            "log": list(log.rows(state)),
        }
        return items.get(self._panel_in_hand(), [])

    def _cursor(self, state: State) -> int | None:
        items = self._items(state)
        if not items:
            return 0
        row = self._first_row(state, len(items)) if self._row is None else self._row
        return max(min(row, len(items) - 1), 0)

    def _first_row(self, state: State, count: int) -> int:
        if self._panel_in_hand() == "log":
            return count - 1
        if self._panel_in_hand() != "checklist":
            return 0
        here = at_hand(state.checklist.items)
        return count - 1 if here is None else here

    def move(self, rows: int) -> None:
        """Another row of the panel in hand."""
        if self.state is not None:
            here, count = self._cursor(self.state) or 0, len(self._items(self.state))
            self._row = max(min(here + rows, count - 1), 0)
            self.redraw()

    def turn(self, steps: int) -> None:
        """Another panel."""
        names = [name for name in self._places if name != "small"]
        if names:
            index = names.index(self._panel_in_hand()) if self._panel_in_hand() in names else 0
            self._in_hand, self._row = names[(index + steps) % len(names)], None
            self.redraw()

    def zoom(self) -> None:
        """The panel in hand over the whole screen."""
        name = self._panel_in_hand()
        if name and name != "small":
            self.console_app.show_view(_VIEW.get(name, name))

    def why(self) -> None:
        """The evidence behind the row under the cursor."""
        from tui.screens.gate import PREFIX, open_gate  # the start does not wait for them
        from tui.screens.samples import Because

        name, item = self._panel_in_hand(), self.item_in_hand()
        if item is not None and item.startswith(PREFIX):
            open_gate(self.console_app, item.removeprefix(PREFIX))
        elif name == "resources" and item is not None:
            self.console_app.show_condition(item)
        elif name == "matrix" and item is not None:
            self.console_app.open(Because(item))
        else:
            self.zoom()

    def item_in_hand(self) -> str | None:
        """What the row under the cursor stands for."""
        if self.state is None:
            return None
        items, cursor = self._items(self.state), self._cursor(self.state)
        return items[cursor] if items and cursor is not None else None

    def line_in_hand(self) -> str:
        """The text of the row under the cursor."""
        for pane in self.query(f"#{self._panel_in_hand() or 'small'}").results(Pane):
            for line in pane.lines:
                if any(span.marked for span in line):
                    return plain(line).strip()
        return ""
