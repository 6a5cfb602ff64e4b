"""What a key does: text where there is a field, a command, or nothing, and then the footer says so."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from textual import events

from engine.records.counted import counted
from tui.commands import COMMANDS

if TYPE_CHECKING:
    from tui.app import ConsoleApp

COUNTS_FOR = 5.0
"""Seconds that a key waits at most: whoever pressed it saw another screen. A flood of keys ends so, too."""
_TOLD_AFTER = 0.3
_LEAD_BACK = frozenset({"rollback", "back"})
"""Commands that count however late: they open the way back, or close what is in front."""


def press(app: ConsoleApp, event: events.Key) -> None:
    """One key: the screen in front may take it as text; else it stands for a command, or for nothing."""
    character = event.character if event.is_printable else None
    pressed = character if character and character != " " else event.key
    late = monotonic() - event.time > COUNTS_FOR
    app.notice = ()  # what was said of the key before answers this one no more
    if app.frame.takes(event.key, character):
        return
    command = app.frame.command_for(pressed)
    if late and command not in _LEAD_BACK:
        _discard(app)
    elif command is not None:
        app.invoke(COMMANDS[command])
    else:
        from tui.unanswered import answer

        app.say(answer(pressed, app.frame.scopes, past=app.replay is not None), "dim")


def _discard(app: ConsoleApp) -> None:
    """Say so once for all that come together: to draw it for each would keep the next one waiting."""
    app.late_keys += 1
    if app.late_keys == 1:
        app.set_timer(_TOLD_AFTER, lambda: _tell(app))


def _tell(app: ConsoleApp) -> None:
    app.say(f"{counted(app.late_keys, 'key')} discarded: pressed more than {COUNTS_FOR:g} s too early", "warn")
    app.late_keys = 0
