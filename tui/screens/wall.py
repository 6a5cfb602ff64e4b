"""The wall view: one pane, no footer; every key does what it does elsewhere."""

from __future__ import annotations

from textual.app import ComposeResult

from tui.frame import Frame
from tui.lines import Lines, block
from tui.pane import Pane
from tui.panels import wall
from tui.theme import Brush


class Wall(Frame):
    """The state in large letters."""

    scopes = frozenset({"anywhere"})
    CSS = """
    Wall > #wall { height: 100%; width: 100%; }
    """

    @property
    def brush(self) -> Brush:
        """The wall's own theme, unless another was asked for."""
        return self.console_app.brushes.wall

    def compose(self) -> ComposeResult:
        """Only the wall."""
        self.styles.background = self.brush.background
        yield Pane(self._draw, id="wall")

    def _draw(self, width: int, height: int) -> Lines:
        app, state = self.console_app, self.state
        if state is None:
            lines = wall.draw_waiting(width, height, self.look, app.read_trouble or app.root)
        else:
            lines = wall.draw(state, width, height, self.look, trouble=app.read_trouble)
        if app.notice:
            lines = [*block(lines, width, height)[:-1], wall.notice(app.notice, width)]
        return lines
