"""What a view shows in short, whole: a check of the validation with its rows, an operation's output line by line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic
from typing import TYPE_CHECKING

from engine.operations.model import Operation, OperationStep
from engine.state.model import State
from tui import telling
from tui.lines import Line, Lines, heading, put, wrap
from tui.listing import Listing, Row
from tui.panels import operation
from tui.screens.over import paragraphs

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_EVERY = 1.0
Facts = Sequence[tuple[str, str]]


class Whole(Listing):
    """A page that is read off the event loop when it is opened, and again while what it tells of goes on."""

    def __init__(
        self,
        title: str,
        read: Callable[[], Sequence[str | tuple[str, str]]],
        *,
        first: Facts = (),
        goes_on: Callable[[State], bool] = lambda _state: False,
    ) -> None:
        super().__init__()
        self._title, self._read, self._above, self._goes_on = title, read, first, goes_on
        self._found: Sequence[str | tuple[str, str]] | None = None
        self._trouble = ""
        self._busy = False
        self._next = 0.0
        self._made: tuple[object, list[Row]] = (None, [])

    def body(self, state: State, width: int, height: int) -> Lines:
        """Read when it is time, then draw."""
        due = self._found is None or (self._goes_on(state) and monotonic() >= self._next)
        if due and not self._busy and not (self._trouble and monotonic() < self._next):
            self._busy = True
            self.console_app.background(
                self._read, lambda found: self._arrived(found, ""), lambda why: self._arrived(self._found, why)
            )
        return super().body(state, width, height)

    def _arrived(self, found: Sequence[str | tuple[str, str]] | None, trouble: str) -> None:
        self._busy, self._next = False, monotonic() + _EVERY
        self._found, self._trouble = found, trouble
        if self.is_attached:
            self.redraw()

    def heading(self, state: State, width: int) -> Lines:
        """What it is, and whether all of it is here."""
        notes: list[Line | str] = [put(self._trouble, "warn")] if self._trouble else []
        notes += [] if self._found is not None or self._trouble else ["reading ..."]
        return [heading(self.look.glyphs.rule, "", self._title, notes, width), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """What stands above, then what was read: facts with their labels, or lines as they are."""
        key = (width, id(self._found))
        if self._made[0] != key:
            found = self._found or ()
            facts = [*self._above, *(one for one in found if isinstance(one, tuple))]
            lines = [line for one in found if isinstance(one, str) for line in wrap(one, width - 2, "text", 1) or [()]]
            self._made = (key, [Row(line) for line in [*paragraphs(facts, width), *lines]])
        return self._made[1]


def open_check(app: ConsoleApp, name: str) -> None:
    """A check of the newest validation, with every issue and figure."""
    if app.replay is not None:
        app.say("the whole report is the newest one, not the replay's: abaco-ops report cites the others", "warn")
        return
    app.open(Whole(f"Check {name.replace('_', ' ')}", lambda: app.looks.check(name)))


def open_step(app: ConsoleApp, shown: Operation, step: OperationStep) -> None:
    """A step of an operation, and everything that the operation has said so far."""

    def goes_on(state: State) -> bool:
        newest = operation.newest(state)
        return newest is not None and newest.id == shown.id and newest.alive

    def read() -> Sequence[str]:
        lines = app.looks.output(shown.id)
        return ["", f"All output of {shown.id}, {len(lines)} lines", "", *(operation.in_short(line) for line in lines)]

    facts = telling.step_facts(shown, step)
    app.open(Whole("The step", read, first=facts, goes_on=goes_on))
