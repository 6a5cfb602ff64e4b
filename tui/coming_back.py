"""Coming back to a console: what happened since this person's last one stands in front first, once."""

from __future__ import annotations

from threading import Thread
from typing import TYPE_CHECKING

from tui.lines import wrap
from tui.screens.dashboard import Dashboard

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_EVERY = 60.0
"""Seconds: so much is told again after a console that was killed."""
_AT_THE_END = 0.5
"""Seconds that the last note may take; a disk that hangs keeps nobody in the console."""


class ComingBack:
    """What one console knows of the person's last one."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.unread = False
        """What happened stands in front still: it will be told again to who is cut off now."""

    def begin(self) -> None:
        """Ask what happened; then note from time to time that this person has a console open."""
        app = self._app
        app.background(app.actions.since_left, self._tell, lambda why: app.say(why, "warn"))
        app.set_interval(1.0, self._look)
        app.set_interval(_EVERY, self._note)

    def end(self) -> None:
        """The console ends: what was read is not told again."""
        if not self.unread:
            note = Thread(target=self._remember, name="console-left", daemon=True)
            note.start()
            note.join(_AT_THE_END)

    def _tell(self, lines: list[str]) -> None:
        app = self._app
        if lines and type(app.frame) is Dashboard:
            from tui.screens.since import SinceYouLeft

            self.unread = True
            width = app.size.width - 2
            rows = [row for line in lines for row in wrap(line, width, "text", 1 + len(line) - len(line.lstrip()))]
            app.push_screen(SinceYouLeft("Since you left", rows))
        elif lines:
            app.say("something happened since you left: " + lines[1].strip(), "info")

    def _look(self) -> None:
        if self.unread:
            from tui.screens.since import SinceYouLeft

            self.unread = any(isinstance(screen, SinceYouLeft) for screen in self._app.screen_stack)

    def _note(self) -> None:
        if not self.unread:
            self._app.background(self._app.actions.remember_here, lambda _: None, lambda _: None)

    def _remember(self) -> None:
        try:
            self._app.actions.remember_here()
        except Exception:
            return  # it ends all the same; then more is told next time
