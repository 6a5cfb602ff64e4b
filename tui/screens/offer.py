"""The sheet of an operation that stopped half-way as a screen: it takes the keys and hands the choice over."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic

from engine.operations.prospects import WaysOn
from engine.state.model import State
from tui.frame import Frame, spaced
from tui.lines import Line, Lines, join, put
from tui.sheets import offer

_TICK = 0.1
_MOVES = {"down": 1, "j": 1, "up": -1, "k": -1}


class OfferScreen(Frame):
    """Resume, abort or roll back, resolve, leave: nothing happens here, what is chosen is confirmed on its own."""

    scopes = frozenset({"anywhere"})

    def __init__(self, operation: str) -> None:
        super().__init__()
        self._opened = monotonic()
        self.sheet = offer.OfferSheet(operation)

    @property
    def operation(self) -> str:
        """The operation it is about."""
        return self.sheet.operation

    def on_mount(self) -> None:
        """Have the deployment looked at, and count until the sheet is armed."""
        super().on_mount()
        self.set_interval(_TICK, self._tick)
        actions, operation = self.console_app.actions, self.operation
        self.console_app.background(lambda: actions.ways_on(operation), self._found, self._not_found)

    def _tick(self) -> None:
        was = self.sheet.armed
        self.sheet = replace(self.sheet, open_for=monotonic() - self._opened)
        if not was:
            self.redraw()

    def _found(self, ways: WaysOn) -> None:
        self.sheet = replace(self.sheet, ways=ways)
        self.redraw()

    def _not_found(self, why: str) -> None:
        self.sheet = replace(self.sheet, trouble=f"cannot be looked at: {why.splitlines()[0]}")
        self.redraw()

    def body(self, state: State, width: int, height: int) -> Lines:
        """The sheet."""
        return offer.draw(self.sheet, state, width, height, self.look)

    def takes(self, name: str, character: str | None) -> bool:
        """Before it is armed nothing counts but the ways out and the way back; then arrows and Enter."""
        if character == "R" or name in ("escape", "ctrl+c", "ctrl+r"):
            return False
        if not self.sheet.armed:
            if character or name in ("enter", "tab", *_MOVES):
                self.sheet = self.sheet.too_soon()
                self.redraw()
            return True
        if name == "enter":
            self._choose()
            return True
        if name in _MOVES:
            self.turn(_MOVES[name])
            return True
        return False

    def turn(self, steps: int) -> None:
        """The next way on."""
        self.sheet = self.sheet.moved(steps)
        self.redraw()

    def _choose(self) -> None:
        ways, choice = self.sheet.ways, self.sheet.choice
        if ways is not None and choice is not None:
            self.console_app.choose(self.operation, ways, choice)

    def hints(self) -> Line:
        """What the keys do here."""
        hint = [
            ("Up Down", "choose"),
            ("Enter", "takes it, and asks first"),
            ("Esc", "leaves it open"),
            ("R", "roll back"),
        ]
        return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hint])
