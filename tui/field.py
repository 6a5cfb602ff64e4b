"""One line of typed text: a pure value, so that what a key does to it can be tested without a screen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len

from tui.lines import Line, fit, join, put

LONGEST = 300


@dataclass(frozen=True, slots=True)
class Field:
    """Typed text; the caret stands at its end."""

    text: str = ""

    def key(self, name: str, character: str | None) -> Field | None:
        """The field after a key, or None when the key is none of its own."""
        if name in ("backspace", "ctrl+h"):
            return replace(self, text=self.text[:-1])
        if name == "ctrl+w":
            return replace(self, text=self.text.rstrip().rpartition(" ")[0])
        if name == "ctrl+k":
            return Field()
        if character and len(character) == 1 and character.isprintable() and len(self.text) < LONGEST:
            return replace(self, text=self.text + character)
        return None

    def pasted(self, text: str) -> Field:
        """The field after a paste: one line, controls left out."""
        words = " ".join("".join(c if c.isprintable() else " " for c in text).split())
        return replace(self, text=(self.text + words)[:LONGEST])

    def draw(self, width: int, caret: str, *, active: bool = True) -> Line:
        """``[ text_      ]`` in ``width`` cells; of a long text the end is seen."""
        room = max(width - 4, 1)
        shown = self.text
        while shown and cell_len(shown) > room - 1:
            shown = shown[1:]
        inner = fit(put(shown + (caret if active else ""), "field"), room)
        return join(put("[ ", "dim"), *(put(span.text, "field") for span in inner), put(" ]", "dim"))


EMPTY = Field()
