"""The one widget: it paints lines, and sends to the terminal only the cells that changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

from rich.cells import cached_cell_len
from rich.segment import Segment
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tui.lines import Line, Lines, block, changed, marked_as_cut, width_of
from tui.theme import Brush

Painter = Callable[[int, int], Lines]


class Painted(Protocol):
    """A screen, as a pane knows it: what it is painted with."""

    @property
    def brush(self) -> Brush:
        """The theme in its tier."""

    @property
    def cut(self) -> str:
        """The mark in place of what is left out."""


def forget_picture(widget: Widget) -> None:
    """Let go of what a widget that has gone looked like.

    Textual remembers two colours for each of the last 1024 widgets, by a function that keeps the widget's whole cache;
    Rich the last 4,096 texts that it has measured.
    """
    widget._styles_cache.clear()
    cached_cell_len.cache_clear()
    remembered: Any = getattr(type(widget._styles_cache), "get_inner_outer", None)
    if hasattr(remembered, "cache_clear"):
        remembered.cache_clear()


class Pane(Widget, inherit_bindings=False):
    """A rectangle of lines, drawn by ``painter(width, height)`` whenever :meth:`redraw` is called."""

    def __init__(self, painter: Painter, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._painter = painter
        self._lines: Lines = []
        self._drawn: Lines = []
        """What the painter gave last."""
        self._drawn_for = (0, 0)
        """The size that this was."""
        self._strips: dict[Line, Strip] = {}
        self._brush: Brush | None = None

    def redraw(self) -> None:
        """Draw again, and have the screen's next refresh paint what does not come out as before."""
        for part in self.changes():
            self.refresh(part)

    def changes(self) -> list[Region]:
        """Draw again: the parts that do not come out as before, which somebody has to paint now."""
        if not all(self.size) or not self.is_attached:
            return []
        old, same_size = self._lines, self._drawn_for == self.size
        if not self._draw():
            return []
        if not same_size:
            return [self.size.region]
        rows = enumerate(map(changed, old, self._lines))
        return [Region(part[0], y, part[1], 1) for y, part in rows if part is not None]

    def _draw(self) -> bool:
        """Draw for the size there is; False when that came out as the very same."""
        size = width, height = self.size
        drawn = self._painter(width, height)
        if drawn is self._drawn and size == self._drawn_for:
            return False
        self._drawn, self._lines = drawn, marked_as_cut(block(drawn, width, height), cast(Painted, self.screen).cut)
        # strips of what is painted now, and of nothing that was: a clock makes a new line each second, for weeks
        kept = self._strips if size == self._drawn_for else {}
        self._strips = {line: kept[line] for line in self._lines if line in kept}
        self._drawn_for = size
        return True

    def on_resize(self) -> None:
        """A new size is a new drawing, unless it was painted in it already."""
        if self._drawn_for != self.size:
            self.redraw()

    def on_unmount(self) -> None:
        """It is seen no more: nothing that was painted is kept."""
        self._lines, self._drawn, self._drawn_for, self._strips = [], [], (0, 0), {}
        forget_picture(self)

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines as the terminal gets them: drawn now where the size is new, so that no picture is an empty one."""
        if self._drawn_for != self.size and all(self.size):
            self._draw()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        """The line as the terminal gets it."""
        line = self._lines[y] if y < len(self._lines) else ()
        brush = cast(Painted, self.screen).brush
        if brush is not self._brush:
            self._brush = brush
            self._strips.clear()
        strip = self._strips.get(line)
        if strip is None:
            segments = [Segment(span.text, brush.style(span.role, span.marked)) for span in line]
            # its width is told: Rich would remember each text it measures, and a clock is another one each second
            strip = Strip(segments, width_of(line)).adjust_cell_length(self.size.width, brush.style("text"))
            self._strips[line] = strip
        return strip

    @property
    def lines(self) -> Lines:
        """What is painted now."""
        return self._lines

    def text(self) -> str:
        """What is painted now, as text."""
        return "\n".join("".join(span.text for span in line) for line in self._lines)
