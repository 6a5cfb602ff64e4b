"""Every action of the console, one class each; importing this room declares them all."""

from tui.commands import drilling, moving, operating, people, plotting, replaying, views, watch, writing
from tui.commands.command import COMMANDS, GROUPS, Command, find, group, listed, refusal, shown

__all__ = ["COMMANDS", "GROUPS", "Command", "find", "group", "listed", "refusal", "shown"]
__all__ += ["drilling", "moving", "operating", "people", "plotting", "replaying", "views", "watch", "writing"]
