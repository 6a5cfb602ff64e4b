"""What a command is, and the one gate that every command passes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Literal

from engine.config.newer import NEWER
from tui.commands.pressed import shown

if TYPE_CHECKING:
    from tui.app import ConsoleApp

Risk = Literal["view", "write", "irreversible"]
Scope = Literal["anywhere", "list", "rollback", "operation", "gate", "replay", "plot", "log", "validation"]

COMMANDS: dict[str, type[Command]] = {}
"""Every command by its id, in the order of declaration."""


class Command:
    """One action. Its docstring is its help; key, palette entry, help row and footer come from here."""

    id: ClassVar[str]
    """Name in a keymap."""
    keys: ClassVar[tuple[str, ...]]
    """What is pressed; a printable character, or a key's name."""
    title: ClassVar[str]
    """Two or three words: palette and footer."""
    risk: ClassVar[Risk] = "view"
    scope: ClassVar[Scope] = "anywhere"
    footer: ClassVar[str] = ""
    """The word in the footer; empty when it does not stand there."""
    palette: ClassVar[bool] = True
    also: ClassVar[str] = ""
    """Other words that people look for it by in the palette."""

    def __init_subclass__(cls) -> None:
        if cls.__dict__.get("id"):
            COMMANDS[cls.id] = cls

    def run(self, app: ConsoleApp) -> None:
        """Do it."""
        raise NotImplementedError

    @classmethod
    def help(cls) -> str:
        """The docstring as one sentence or two; ``{validate}`` in it is the key of that command."""
        return re.sub(r"\{([a-z.-]+)\}", lambda found: key_of(found[1]), " ".join((cls.__doc__ or "").split()))


def key_of(command: str) -> str:
    """The key to be named for a command, as people write it: its first one, or ``:`` and its title to find it by."""
    found = COMMANDS[command]
    return shown(found.keys[0]) if found.keys else f":{found.title}"


def keys_of(*commands: str) -> str:
    """The keys of several commands, side by side; ``1-9`` where they are digits one after another."""
    keys = [key_of(command) for command in commands]
    row = len(keys) > 2 and "".join(keys) in "123456789"
    return f"{keys[0]}-{keys[-1]}" if row else " ".join(keys)


def typing_key(command: str) -> str:
    """The key that stands for a command while text is being typed: the first that is no character."""
    return next((shown(key) for key in COMMANDS[command].keys if len(key) > 1), key_of(command))


def stands_for(command: str, name: str, character: str | None) -> bool:
    """Whether the key that was pressed is one of this command's."""
    keys = COMMANDS[command].keys
    return name in keys or (character is not None and character in keys)


_BY_HAND = "sh .rollback/RETURN.sh"
_SETTING = "deployment."


def refusal(command: type[Command], *, read_only: bool, past: bool = False, read_only_by: str = "") -> str:
    """Why this command may not run now; empty when it may. ``past``: a replay is shown. ``read_only_by``: the line of
    the configuration that allows looking alone, or what right this account lacks; empty: this console was started so.

    A rollback is refused with the ways that are left, short enough for the last row at 80 cells.
    """
    if past and command.risk != "view":
        return f"{command.title} is refused: this is a replay, nothing can be done in it"
    if read_only and command.id == "rollback":
        if read_only_by.startswith((_SETTING, NEWER)):
            return f"refused: {read_only_by}; {_BY_HAND}"
        if read_only_by:  # an account without rights has none with the script either
            return f"refused: {read_only_by}"
        return f"refused: read-only console; abaco-ops rollback, or {_BY_HAND}"
    if read_only and command.risk != "view":
        return f"{command.title} is refused: this console is read-only"
    return ""


def find(key: str, scopes: frozenset[str]) -> type[Command] | None:
    """The command that a key stands for; a scope of the screen's own comes before ``anywhere``."""
    found = [command for command in COMMANDS.values() if key in command.keys and command.scope in scopes]
    return next((command for command in found if command.scope != "anywhere"), found[0] if found else None)


GROUPS = {
    "operating": "Operate",
    "writing": "Write down",
    "watch": "The watch: gates, hand-over, readiness",
    "people": "Tell people",
    "arming": "Arm for writing, over SSH",
    "drilling": "Drill, in a demo",
    "replaying": "Replay",
    "views": "Look",
    "plotting": "Plots and trends",
    "moving": "Move",
}
"""The modules of this room, what matters most first, and what stands over their commands in the help."""


def listed(*, replay: bool = False) -> list[type[Command]]:
    """Every command, what matters most first: as help and palette show them. ``replay``: those of a replay too."""
    offered = [command for command in COMMANDS.values() if replay or command.scope != "replay"]
    return sorted(offered, key=lambda command: list(GROUPS).index(group(command)))


def group(command: type[Command]) -> str:
    """The module that declares it, as :data:`GROUPS` knows it."""
    return command.__module__.rpartition(".")[2]
