"""Text from outside made safe to show: nothing in it can steer a terminal or reorder what is read."""

from __future__ import annotations

_SPACES = frozenset("\t\u00a0\u2002\u2003\u2009\u202f\u3000")
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0") | {chr(code) for code in range(0xFE00, 0xFE10)}
"""Printable by their Unicode category, yet nothing to see: fillers, joiners, variation selectors."""


def harmless(text: object, limit: int = 400) -> str:
    """One line of visible text: controls, escapes and bidirectional marks become ``\\x1b`` or ``\\u202e``.

    Longer texts end in ``...``. Harmless text passes unchanged, so the function can be applied twice.
    """
    whole = str(text)
    if len(whole) <= limit and whole.isascii() and whole.isprintable():
        return whole
    shown = "".join(_visible(character) for character in whole[: limit + 1])
    return shown if len(shown) <= limit else shown[: max(limit - 3, 0)] + "..."[:limit]


def is_text(name: object) -> bool:
    """Whether UTF-8 can say it: names of files and arguments may hold bytes that are none."""
    try:
        str(name).encode()
    except UnicodeEncodeError:
        return False
    return True


def one_line(text: object) -> str:
    """A message of several lines on one: an error's remedy, which stands on a line of its own, in brackets."""
    first, *rest = (line.strip() for line in str(text).splitlines() if line.strip()) if str(text).strip() else ("",)
    return " ".join(
        [first, *(f"({line.removeprefix('->').strip()})" if line.startswith("->") else line for line in rest)]
    )


def _visible(character: str) -> str:
    if character in _SPACES:
        return " "
    # not printable: categories Cc, Cf (with all bidirectional marks), Cs, Co, Cn, Zl, Zp, odd spaces
    if _is_seen(character):
        return character
    if character == "\n":
        return "\\n"
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def harmless_lines(text: str) -> str:
    """The same for a text of any length and many lines: line ends and tabs stay, nothing is cut.

    Whatever is no ASCII control becomes ``\\u202e``, so that JSON goes on meaning the same.
    """
    return "".join(
        character if character in "\n\t" or _is_seen(character) else _escaped(character) for character in text
    )


def _is_seen(character: str) -> bool:
    return character.isprintable() and character not in _BLANK


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x7F:
        return f"\\x{code:02x}"
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
