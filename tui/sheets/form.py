"""A small form: a few facts, one line to fill in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tui.field import EMPTY, Field
from tui.lines import Line, Lines, block, fit, join, put, width_of, wrap
from tui.look import Look
from tui.sheets import early

_LABEL = 16
"""Cells of a fact's label with the gap behind it."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a form asks for. ``answer`` gets the text when Enter is pressed; it may block."""

    title: str
    facts: tuple[tuple[str, str], ...]
    label: str
    required: bool
    answer: Callable[[str], object]
    done: str
    """Said when it is written."""
    local: bool = False
    """True: ``answer`` only touches this screen (a search), and is called on the spot."""
    word: str = ""
    """What the text must begin with, typed key by key, when Enter does something that cannot be taken back."""
    enter: str = "writes it"
    """What Enter does, for the footer."""


@dataclass(frozen=True, slots=True)
class Form:
    """The form as filled in."""

    ask: Ask
    field: Field = EMPTY
    trouble: str = ""
    open_for: float = 0.0
    """Seconds since it was opened."""
    discarded: int = 0
    last_discarded: float = 0.0
    """When the last key was discarded, as :attr:`open_for` counts."""

    @property
    def discards(self) -> bool:
        """Whether a key pressed now came too early, or goes on with what did: it was meant for something else."""
        if self.ask.local:
            return False  # it writes nothing
        return self.open_for < early.ARM_AFTER or early.in_burst(self.discarded, self.open_for, self.last_discarded)

    def too_soon(self) -> Form:
        """After such a key."""
        return replace(self, discarded=self.discarded + 1, last_discarded=self.open_for)

    def key(self, name: str, character: str | None) -> Form | None:
        """The form after a key of its field, else None."""
        after = self.field.key(name, character)
        if after is None:
            return None
        return self.too_soon() if self.discards else replace(self, field=after, trouble="", discarded=0)

    def pasted(self, text: str) -> Form:
        """The form after a paste: notes may be pasted, what confirms is typed."""
        if self.ask.word:
            return replace(self, trouble=f"pasted text is refused: type {self.ask.word}")
        return replace(self, field=self.field.pasted(text))

    def wrong(self) -> str:
        """Why Enter may not go on; empty when it may."""
        if self.ask.word:
            typed = self.field.text.split()[:1] == [self.ask.word]
            return "" if typed else f"nothing changed: type {self.ask.word}, then Enter"
        if self.ask.required and len(self.field.text.strip()) < 3:
            return f"{self.ask.label.lower()} is required"
        return ""


def _message(form: Form) -> Line:
    """Why the last key did nothing."""
    if form.discarded:
        return put(f"   {early.said(form.discarded, 'type it', waits=form.discards)}", "warn")
    if form.trouble:
        return put(f"   {form.trouble}", "warn")
    return put("   keys count in a moment: what is typed before is discarded", "dim") if form.discards else ()


def draw(form: Form, width: int, height: int, look: Look) -> Lines:
    """The form at exactly ``width`` x ``height``."""
    rule = look.glyphs.rule
    head = join(put(rule + " ", "faint"), put(form.ask.title, "strong"), " ")
    lines = [(), join(head, put(rule * max(width - width_of(head), 0), "faint")), ()]
    for label, text in form.ask.facts:
        rows = wrap(text, width - _LABEL - 1, "text") or [()]
        lines.append(join(fit(put(f" {label}", "dim"), _LABEL - 1), " ", rows[0]))
        lines += [join(" " * _LABEL, row) for row in rows[1:3]]
    must = "" if form.ask.required else "  (may stay empty)"
    lines += [(), put(f" {form.ask.label}{must}", "text"), ()]
    lines += [join("   ", form.field.draw(min(width - 6, 100), look.glyphs.caret)), ()]
    lines += [_message(form)]
    return block(lines, width, height)
