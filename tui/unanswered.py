"""Keys that stand for nothing where they were pressed: what they do, and where."""

from __future__ import annotations

from tui.commands import COMMANDS, Command, key_of, shown

BEFORE: dict[str, str] = {}
"""Keys that stood for a command before a keymap of one's own gave it others."""


def answer(key: str, scopes: frozenset[str], *, past: bool = False) -> str:
    """What to say of a key that stands for nothing on a screen with these scopes. ``past``: in a replay."""
    places = {
        "operation": f"in view {key_of('view.operation')}",
        "gate": f"at gate {key_of('gate')}",
        "rollback": f"in sheet {key_of('rollback')}",
        "plot": f"in plots {key_of('plots')}",
        "validation": f"in view {key_of('view.validation')}",
        "log": f"in log {key_of('view.log')}",
        "list": "in a list of rows",
        "replay": "in a replay",
    }
    here = scopes | ({"replay"} if past else set())
    elsewhere = [one for one in COMMANDS.values() if key in one.keys and one.scope not in here]
    told = [f"{one.title}: {place}" for scope, place in places.items() for one in elsewhere if one.scope == scope]
    meant = _meant(key, here)
    if meant is not None:
        place = "" if meant.scope in here else f" {places[meant.scope]}"
        told = [*told[:2], f"{meant.title}: {key_of(meant.id)}{place}"]
    return f"{shown(key)} does nothing here; {'; '.join(told[:3]) or key_of('help') + ' shows the keys'}"


def _meant(key: str, scopes: frozenset[str]) -> type[Command] | None:
    """The command whose key it was before, or whose key is the same letter, large or small."""
    if (moved := COMMANDS.get(BEFORE.get(key, ""))) is not None and key not in moved.keys:
        return moved
    other = key.swapcase() if len(key) == 1 and key.isalpha() else None
    return next((each for each in COMMANDS.values() if other in each.keys and each.scope in scopes), None)
