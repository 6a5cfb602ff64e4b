"""Names of keys: as Textual says them, as people write them, and those that no command may have."""

from __future__ import annotations

import re
import unicodedata

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
    "insert": "Ins",
    "delete": "Del",
    "backspace": "Backspace",
}
_WRITTEN: dict[str, str] = {
    **{word.casefold(): name for name, word in _SHOWN.items()},
    **{name: name for name in _SHOWN},
    "return": "enter",
    "shift-tab": "shift+tab",
}
_CTRL = re.compile(r"(?:ctrl[+-]|c-|\^)([a-z])", re.IGNORECASE)
_ALT = re.compile(r"(?:alt|meta|option|m)[+-].+", re.IGNORECASE)
_FUNCTION = re.compile(r"f([1-9]|1[0-2])", re.IGNORECASE)

FORBIDDEN = {
    "ctrl+s": "stops the output of many terminals",
    "ctrl+q": "starts the output of many terminals again",
    "ctrl+z": "suspends programs",
    "ctrl+a": "is the prefix of screen",
    "ctrl+b": "is the prefix of tmux",
    "ctrl+i": "comes as Tab",
    "ctrl+m": "comes as Enter",
    "ctrl+j": "comes as Enter",
    "alt": "is swallowed, or comes as Esc and a letter, on many lines",
}
"""Keys that no command may have, and why."""

_FIELD = "it edits what is typed"
RESERVED = {
    "enter": "why",
    "escape": "back",
    "ctrl+c": "cancel",
    "tab": "panel.next",
    "shift+tab": "panel.previous",
    "backspace": _FIELD,
    "delete": _FIELD,
    "ctrl+h": _FIELD,
    "ctrl+w": _FIELD,
    "ctrl+k": _FIELD,
}
"""Keys that answer, close and fill in sheets, and the one command that each may stand for elsewhere. What Enter
confirms in a sheet must never be the key that opened it."""

KEPT = {
    "rollback": (
        ("ctrl", "add ctrl+r: it works while text is being typed"),
        ("character", "add R: with the release's name and Enter it is the way back, from any view"),
    ),
    "back": (("escape", "add escape: it leads out of every sheet"),),
    "cancel": (("ctrl+c", "add ctrl+c: everybody presses it to get out"),),
    "why": (("enter", "add enter"),),
    "panel.next": (("tab", "add tab: it is the way through the cutover's sheet"),),
    "find": (("character", "add : again: every command is found by it"),),
}
"""What must stay with a command, and what to do."""


def named(text: object) -> str | None:
    """A key by Textual's name for it; a printable character stands for itself. None for what names none."""
    if isinstance(text, bool) or not isinstance(text, str | int):
        return None
    text = f"{text}"
    if len(text) == 1:
        if unicodedata.normalize("NFKC", text) != text:
            return None  # it looks like another one, and no keyboard that has that one types it
        return "space" if text == " " else text if text.isprintable() else None
    if found := _CTRL.fullmatch(text):
        return f"ctrl+{found[1].lower()}"
    if _ALT.fullmatch(text):
        return "alt"
    if _FUNCTION.fullmatch(text):
        return text.lower()
    return _WRITTEN.get(text.casefold())


def shown(key: str) -> str:
    """A key as people write it."""
    if key.startswith("ctrl+"):
        return f"Ctrl-{key[5:].upper()}"
    if _FUNCTION.fullmatch(key):
        return key.upper()
    return _SHOWN.get(key, key.capitalize() if key == "alt" else key)
