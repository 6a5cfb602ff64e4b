"""Every action of the console, one class each; importing this room declares them all."""

from tui.commands import drilling, moving, operating, replaying, views, writing
from tui.commands.command import COMMANDS, Command, find, listed, refusal, shown

__all__ = [
    "COMMANDS",
    "Command",
    "drilling",
    "find",
    "listed",
    "moving",
    "operating",
    "refusal",
    "replaying",
    "shown",
    "views",
    "writing",
]
