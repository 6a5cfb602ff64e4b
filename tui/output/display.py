"""The narrow place between Textual's compositor and its driver, taken over as long as everything there is as known."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import textual
from rich.console import RenderableType
from textual._ansi_sequences import SYNC_END, SYNC_START
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.app import App

from tui.output.differ import CellDiffer, NotKnown

TESTED = frozenset({"8.2.8"})
"""Versions of Textual on which both ways were seen to paint the same; on any other one Textual paints alone."""
SWITCH = "ABACO_OPS_CELL_DIFFER"

_ONE_PIECE = 512
"""Characters that reach any terminal in one piece: one write, one packet. More goes out as a synchronized update."""


def wanted(configured: bool, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether only differing cells are sent: the environment's ``0`` or ``1``, else what the configuration says."""
    return {"0": False, "1": True}.get(environment.get(SWITCH, ""), configured)


class Display:
    """Stands where an application displays what its compositor made; :meth:`show` may leave that to Textual."""

    def __init__(self, on: bool) -> None:
        self.on = on and textual.__version__ in TESTED
        self._differ: CellDiffer | None = None
        self._terminal: object = None
        """What the bytes go through: another one after a suspension, and with it another screen."""

    def forget(self) -> None:
        """The terminal's cells are not known any more: what is displayed next is sent whole."""
        if self._differ is not None:
            self._differ.forget()

    def show(self, app: App[Any], update: RenderableType | None) -> bool:
        """Display an update; False when Textual has to do it."""
        if not self.on or update is None or app._batch_count or not app._running or app._closed:
            return False
        if app.is_headless or app._driver is None:
            return False
        if app._driver.is_inline or not isinstance(update, LayoutUpdate | ChopsUpdate):
            self.forget()
            return False
        try:
            text = self._text(app, update)
        except NotKnown:
            return False
        except Exception as error:
            # whatever it was, the terminal's picture matters more: from here on Textual paints alone
            self.on = False
            app.log(f"the cell differ gave up: {type(error).__name__}: {error}")
            return False
        if text:
            app._driver.write(text)
            app._driver.flush()
        app.post_display_hook()
        return True

    def _text(self, app: App[Any], update: LayoutUpdate | ChopsUpdate) -> str:
        terminal = getattr(app._driver, "_writer_thread", app._driver)
        if self._differ is None or terminal is not self._terminal:
            self._differ, self._terminal = CellDiffer(app.console), terminal
        cursor = app.screen.outer_size.clamp_offset(app.cursor_position)
        sent = self._differ.sent(update, (cursor.x, cursor.y))
        app._previous_cursor_position = cursor
        together = len(sent) > _ONE_PIECE and app._sync_available
        return f"{SYNC_START}{sent}{SYNC_END}" if together else sent
