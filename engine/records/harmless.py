"""Text from outside made safe to show: nothing in it can steer a terminal or reorder what is read."""

from __future__ import annotations

import unicodedata

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = frozenset("\u200b\u200c\u200d\u2028\u2029\u2060\ufeff")


def harmless(text: object, limit: int = 400) -> str:
    """One line of visible text: controls, escapes and bidirectional marks become ``\\x1b`` or ``\\u202e``.

    Longer texts end in ``...``. Harmless text passes unchanged, so the function can be applied twice.
    """
    shown = "".join(_visible(character) for character in str(text)[: limit + 1])
    return shown if len(shown) <= limit else shown[: max(limit - 3, 0)] + "..."


def _visible(character: str) -> str:
    code = ord(character)
    if code < 0x20 or 0x7F <= code < 0xA0:
        return {"\t": " ", "\n": "\\n"}.get(character, f"\\x{code:02x}")
    if character in _BIDI or character in _INVISIBLE or unicodedata.category(character) in ("Cs", "Co", "Cn"):
        return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
    return character
