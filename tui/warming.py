"""What the start has put off, done when the first state is on the screen: the person waits for none of it."""

from __future__ import annotations

import gc
import importlib

from tui.given_back import give_back, hold_little

_SCREENS = ("tui.asking", "tui.screens.views", "tui.screens.offer", "tui.screens.sheet", "tui.screens.since")
"""They bring all others with them; a key that opens one finds it imported."""


def warm_up() -> None:
    """Import the screens that nobody has opened yet, and see to garbage again. Off the event loop."""
    hold_little()
    for name in _SCREENS:
        importlib.import_module(name)
    if not gc.isenabled():  # switched off for the start by whoever began this process
        gc.enable()
        gc.collect()  # what the start left behind
        gc.freeze()  # modules stay as they are: no later look goes through them
    give_back()
