"""The sheet of an operation that stopped half-way as a screen: it takes the keys and hands the choice over."""

from __future__ import annotations

from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING

from engine.operations.prospects import WaysOn
from engine.state.model import State
from tui import asking, numbered, offering
from tui.commands.command import key_of, stands_for
from tui.frame import Frame, spaced
from tui.lines import Line, Lines, join, put
from tui.sheets import offer

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_TICK = 0.1
_MOVES = {"down": 1, "up": -1}


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
        if any(stands_for(command, name, character) for command in ("rollback", "back", "cancel")):
            return False
        moves = next((steps for command, steps in _MOVES.items() if stands_for(command, name, character)), 0)
        if not self.sheet.armed:
            if character or moves or name in ("enter", "tab"):
                self.sheet = self.sheet.too_soon()
                self.redraw()
            return True
        if name == "enter":
            self._choose()
            return True
        if moves:
            self.turn(moves)
            return True
        return False

    def turn(self, steps: int) -> None:
        """The next way on."""
        self.sheet = self.sheet.moved(steps)
        self.redraw()

    def _choose(self) -> None:
        """The sheet or form that confirms what is in hand; leaving needs none."""
        app, ways, choice, state = self.console_app, self.sheet.ways, self.sheet.choice, self.state
        if ways is None or choice is None or state is None:
            return
        if choice.key == "leave":
            app.back(leave=False)
        elif app.read_only:
            app.say(f"{choice.name} is refused: this console is read-only", "warn")
        elif choice.key == "rollback":
            app.launching.open_rollback()
        elif barred := app.arming.bars(choice.name):
            app.say(barred, "warn")
        elif choice.key == "resume":
            app.ask(asking.resume(app.actions, self.operation, choice))
        elif choice.key == "resolve":
            app.ask(asking.resolve(app.actions, self.operation, ways, choice))
        else:
            app.ask(asking.abort(app.actions, state))

    def hints(self) -> Line:
        """What the keys do here."""
        hint = [
            ("Up Down", "choose"),
            ("Enter", "takes it, and asks first"),
            ("Esc", "leaves it open"),
            *(((key_of("rollback"), "roll back"),) if self.may("rollback") else ()),
        ]
        return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hint])


def open_offer(app: ConsoleApp) -> None:
    """The sheet in front of whatever is there; or word that there is nothing to decide."""
    state = app.shown_state
    stopped = offering.stopped(state) if state is not None else ""
    if not stopped:
        app.say("no operation stopped half-way: nothing is to be decided")
    elif not isinstance(app.frame, OfferScreen):
        app.push_screen(OfferScreen(stopped))


def offer_once(app: ConsoleApp, state: State) -> None:
    """Open the sheet by itself, once, over a view; over what a person is filling in it waits."""
    stopped = offering.stopped(state)
    if isinstance(app.screen, OfferScreen) and app.screen.operation != stopped:
        app.pop_screen()  # it goes on, or was closed
    free = bool(numbered.name_of(app.screen)) and not app.read_only
    if app.offers.due(stopped, monotonic(), free=free):
        app.open_offer()
