"""The narrow place between Textual's compositor and its driver, taken over as long as everything there is as known."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import textual
from rich.console import RenderableType
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App
from textual.driver import Driver
from textual.geometry import Region
from textual.widget import Widget

from tui.output.differ import CellDiffer, NotKnown, Piece

TESTED = frozenset({"8.2.8"})
"""Versions of Textual on which both ways were seen to paint the same; on any other one Textual paints alone."""
SWITCH = "ABACO_OPS_CELL_DIFFER"

_METADATA = re.compile(r"textual-([^-]+)\.dist-info")
_ONE_PIECE = 512
"""Characters that reach any terminal in one piece: one write, one packet. More goes out as a synchronized update."""


def wanted(configured: bool, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether only differing cells are sent: the environment's ``0`` or ``1``, else what the configuration says."""
    return {"0": False, "1": True}.get(environment.get(SWITCH, ""), configured)


def version_in_use(package: Path) -> str:
    """Textual's version, from the name of what its installation wrote beside ``package``.

    Asked for by ``__version__`` it takes a parser of mails, and the first picture would wait 10 ms for that.
    """
    with suppress(OSError):
        written = [found[1] for one in package.parent.iterdir() if (found := _METADATA.fullmatch(one.name))]
        if len(written) == 1:
            return written[0]
    return textual.__version__


class Display:
    """Stands where an application displays what its compositor made; :meth:`show` may leave that to Textual."""

    def __init__(self, on: bool) -> None:
        self.on = on and version_in_use(Path(textual.__file__).parent) in TESTED
        self._differ: CellDiffer | None = None
        self._terminal: object = None
        """What the bytes go through: another one after a suspension, and with it another screen."""

    def forget(self) -> None:
        """The terminal's cells are not known any more: what is displayed next is sent whole."""
        if self._differ is not None:
            self._differ.forget()

    def show(self, app: App[Any], update: RenderableType | None) -> bool:
        """Display an update; False when Textual has to do it."""
        driver = self._driver(app)
        if driver is None or update is None:
            return False
        if driver.is_inline or not isinstance(update, LayoutUpdate | ChopsUpdate):
            self.forget()
            return False
        return self._sent(app, driver, lambda differ, cursor: differ.sent(update, cursor))

    def paint(self, app: App[Any], parts: Sequence[tuple[Widget, Region]]) -> bool:
        """Display parts of widgets of the screen in front, at once; False when they have to wait for the screen.

        Nothing may lie over the widgets, and the screen may have nothing to paint or to arrange that is not done yet.
        """
        driver = self._driver(app)
        known = driver is not None and not driver.is_inline and all(widget.screen is app.screen for widget, _ in parts)
        rows = rows_of(parts) if known else []
        if driver is None or not rows:
            return False
        size = tuple(app.screen.size)
        return self._sent(app, driver, lambda differ, cursor: differ.sent_rows(rows, size, cursor))

    def _driver(self, app: App[Any]) -> Driver | None:
        """Where the bytes go; None where nothing may be displayed, or not by this."""
        if not self.on or app._batch_count or not app._running or app._closed or app.is_headless:
            return None
        return app._driver

    def _sent(self, app: App[Any], driver: Driver, made: Callable[[CellDiffer, tuple[int, int]], str]) -> bool:
        """Send what is made; False when Textual has to paint."""
        try:
            text = self._text(app, made)
        except NotKnown:
            return False
        except Exception as error:
            # whatever it was, the terminal's picture matters more: from here on Textual paints alone
            self.on = False
            app.log(f"the cell differ gave up: {type(error).__name__}: {error}")
            return False
        if text:
            driver.write(text)
            driver.flush()
        app.post_display_hook()
        return True

    def _text(self, app: App[Any], made: Callable[[CellDiffer, tuple[int, int]], str]) -> str:
        terminal = getattr(app._driver, "_writer_thread", app._driver)
        if self._differ is None or terminal is not self._terminal:
            self._differ, self._terminal = CellDiffer(app.console), terminal
        cursor = app.screen.outer_size.clamp_offset(app.cursor_position)
        sent = made(self._differ, (cursor.x, cursor.y))
        app._previous_cursor_position = cursor
        together = len(sent) > _ONE_PIECE and app._sync_available
        return f"{SYNC_START}{sent}{SYNC_END}" if together else sent


def rows_of(parts: Sequence[tuple[Widget, Region]]) -> list[tuple[int, list[Piece]]]:
    """The rows of the terminal that parts of widgets take, as Textual would paint them; none where it has to."""
    rows: dict[int, list[Piece]] = {}
    for widget, part in parts:
        screen, place = widget.screen, part.translate(widget.region.offset)
        waits = screen._layout_required or screen._dirty_widgets or screen._compositor._dirty_regions
        if waits or not screen.region.contains_region(place):
            return []
        widget._styles_cache.set_dirty(part)
        for y, strip in zip(place.line_range, widget.render_lines(part), strict=True):
            rows.setdefault(y, []).append((place.x, (strip,)))
    return list(rows.items())
