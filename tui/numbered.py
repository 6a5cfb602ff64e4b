"""The nine views by name, in the order of their keys 1 to 9. Views 2 to 9 are imported when one is first wanted."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from tui.commands import VIEWS
from tui.screens.dashboard import Dashboard

if TYPE_CHECKING:
    from tui.listing import Listing

ORDER = tuple(name.removeprefix("view.") for name in VIEWS)
_WHERE = "tui.screens.views"


def view(name: str) -> Listing:
    """A new screen for one of the views 2 to 9."""
    from tui.screens.views import VIEWS  # the start does not wait for them

    return VIEWS[name]()


def name_of(screen: Screen[Any]) -> str:
    """Which of the nine a screen is; empty for any other."""
    if type(screen) is Dashboard:
        return "dashboard"
    if _WHERE not in sys.modules:  # then there is none yet
        return ""
    from tui.screens.views import VIEWS

    return next((name for name, kind in VIEWS.items() if type(screen) is kind), "")
