"""What stands in front when somebody comes back to a console."""

from __future__ import annotations

from tui.commands.command import key_of
from tui.frame import spaced
from tui.lines import Line, join, put
from tui.screens.over import Text


class SinceYouLeft(Text):
    """What happened meanwhile, the newest first."""

    def hints(self) -> Line:
        """How to go on."""
        close, back = key_of("back"), key_of("rollback")
        hint = [(close, "to the dashboard"), (back, "roll back")]
        return spaced([join(put(key, "key"), put(f" {words}", "dim")) for key, words in hint])
