"""Every action of the console, one class each; importing this room declares them all."""

from tui.commands import arming, drilling, moving, operating, people, plotting, replaying, views, watch, writing
from tui.commands.command import (
    COMMANDS,
    GROUPS,
    Command,
    find,
    group,
    key_of,
    keys_of,
    listed,
    refusal,
    stands_for,
    typing_key,
)
from tui.commands.pressed import shown

VIEWS = tuple(name for name in COMMANDS if name.startswith("view."))
"""The nine views, in the order of their numbers."""

__all__ = ["COMMANDS", "GROUPS", "VIEWS", "Command", "find", "group", "key_of", "keys_of", "listed", "refusal"]
__all__ += ["shown", "stands_for", "typing_key"]
__all__ += ["arming", "drilling", "moving", "operating", "people", "plotting"]
__all__ += ["replaying", "views", "watch", "writing"]
