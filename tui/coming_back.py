"""Coming back to a console: what happened since this person was last seen at one stands in front first, once.

Somebody is seen by a key, by opening a console and by leaving it. That a console is open shows nothing: its line may
have been dead for an hour before anything on this side notices.
"""

from __future__ import annotations

from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from tui.lines import wrap
from tui.screens.dashboard import Dashboard

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_EVERY = 5.0
"""Seconds between two notes while keys are pressed: so much is told again after a line that was lost."""
_AT_THE_END = 0.5
"""Seconds that the last note may take; a disk that hangs keeps nobody in the console."""


class ComingBack:
    """What one console knows of the person's last one."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self.unread = False
        """What happened stands in front still: it will be told again to who is cut off now."""
        self._asked = False
        """What happened before is known: what is noted from here on hides none of it."""
        self._noted = -_EVERY

    def begin(self) -> None:
        """Ask what happened."""
        app = self._app
        app.background(app.actions.since_left, self._tell, lambda why: app.say(why, "warn"))

    def seen(self) -> None:
        """Somebody pressed a key: so far they know what happened, unless it stands unread in front of them."""
        self._look()
        if self._asked and not self.unread and not self._app.read_only and monotonic() - self._noted >= _EVERY:
            self._noted = monotonic()
            self._app.background(self._app.actions.remember_here, lambda _: None, lambda _: None)

    def end(self) -> None:
        """Somebody leaves: what was read is not told again."""
        self._look()
        if not self.unread:
            note = Thread(target=self._remember, name="console-left", daemon=True)
            note.start()
            note.join(_AT_THE_END)

    def _tell(self, lines: list[str]) -> None:
        app = self._app
        self._asked = True
        if lines and type(app.frame) is Dashboard:
            from tui.screens.since import SinceYouLeft

            self.unread = True
            width = app.size.width - 2
            rows = [row for line in lines for row in wrap(line, width, "text", 1 + len(line) - len(line.lstrip()))]
            app.push_screen(SinceYouLeft("Since you left", rows))
        elif lines:
            app.say("something happened since you left: " + lines[1].strip(), "info")
        else:
            self.seen()

    def _look(self) -> None:
        if self.unread:
            from tui.screens.since import SinceYouLeft

            self.unread = any(isinstance(screen, SinceYouLeft) for screen in self._app.screen_stack)

    def _remember(self) -> None:
        try:
            self._app.actions.remember_here()
        except Exception:
            return  # it ends all the same; then more is told next time
