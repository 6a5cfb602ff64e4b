"""What a command is, and the one gate that every command passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    from tui.app import ConsoleApp

Risk = Literal["view", "write", "irreversible"]
Scope = Literal["anywhere", "list", "rollback", "operation", "gate", "replay", "plot", "log"]

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

    def __init_subclass__(cls) -> None:
        if cls.__dict__.get("id"):
            COMMANDS[cls.id] = cls

    def run(self, app: ConsoleApp) -> None:
        """Do it."""
        raise NotImplementedError

    @classmethod
    def help(cls) -> str:
        """The docstring as one sentence or two."""
        return " ".join((cls.__doc__ or "").split())


_SHOWN = {
    "escape": "Esc",
    "enter": "Enter",
    "space": "Space",
    "tab": "Tab",
    "shift+tab": "S-Tab",
    "down": "Down",
    "up": "Up",
    "pagedown": "PgDn",
    "pageup": "PgUp",
    "home": "Home",
    "end": "End",
    "left": "Left",
    "right": "Right",
}


def shown(key: str) -> str:
    """A key as people write it."""
    if key.startswith("ctrl+"):
        return f"Ctrl-{key[5:].upper()}"
    return _SHOWN.get(key, key)


def refusal(command: type[Command], *, read_only: bool, past: bool = False) -> str:
    """Why this command may not run now; empty when it may. ``past``: a replay is shown."""
    if past and command.risk != "view":
        return f"{command.title} is refused: this is a replay, nothing can be done in it"
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
