"""The sheet of an operation that stopped half-way: what was found, and each way on with what it would do."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.operations.model import Operation
from engine.operations.prospects import Choice, WaysOn
from engine.state.model import State
from tui.lines import Line, Lines, block, fit, join, put, width_of, within, wrap
from tui.look import Look
from tui.panels.operation import ROLES, WORDS
from tui.sheets.early import ARM_AFTER

_INDENT = 15


@dataclass(frozen=True, slots=True)
class OfferSheet:
    """Which way on is in hand (leaving it, at first), and how far the sheet is."""

    operation: str
    ways: WaysOn | None = None
    place: int = -1
    open_for: float = 0.0
    """Seconds since it was opened."""
    trouble: str = ""
    discarded: int = 0

    @property
    def armed(self) -> bool:
        """Whether keys count."""
        return self.open_for >= ARM_AFTER and self.ways is not None

    @property
    def choice(self) -> Choice | None:
        """The way on in hand."""
        return self.ways.choices[self.place] if self.ways is not None and self.ways.choices else None

    def moved(self, steps: int) -> OfferSheet:
        """The next or the previous way on."""
        count = len(self.ways.choices) if self.ways is not None else 0
        return replace(self, place=(self.place + steps) % count, trouble="", discarded=0) if count else self

    def too_soon(self) -> OfferSheet:
        """A key that was pressed before the sheet was armed: discarded, and said."""
        return replace(self, discarded=self.discarded + 1)


def draw(sheet: OfferSheet, state: State, width: int, height: int, look: Look) -> Lines:
    """The sheet at exactly ``width`` x ``height``."""
    operation = state.operation
    top = [(), _title(operation, width, look), ()] if operation is not None and height >= 16 else []
    if operation is not None and operation.failure:
        top += _fact("Stopped", operation.failure, width, 3, "crit")
    if sheet.ways is None:
        top += _fact("Found", sheet.trouble or "looking at what is there ...", width, 2)
        return block([*top, (), fit(_message(sheet), width)], width, height)
    top += [*_fact("Found", sheet.ways.found, width, 4), ()]
    bottom = [(), fit(_message(sheet), width)]
    return block([*top, *_choices(sheet, width, height - len(top) - len(bottom), look), *bottom], width, height)


def _title(operation: Operation | None, width: int, look: Look) -> Line:
    rule = look.glyphs.rule
    if operation is None:
        return put(rule * width, "faint")
    way = f"{operation.id}   {operation.release_from} {look.glyphs.arrow} {operation.release_to}"
    state = put(WORDS.get(operation.state, operation.state), ROLES.get(operation.state, "text"))
    head = join(put(f"{rule} ", "faint"), put("STOPPED HALF-WAY", "strong"), "   ", put(way, "text"), "   ", state, " ")
    return join(head, put(rule * max(width - width_of(head), 0), "faint"))


def _fact(label: str, text: str, width: int, rows: int, role: str = "text") -> Lines:
    wrapped = within(text, width - _INDENT - 1, rows, "crit" if role == "crit" else "text") or [()]
    return [join(fit(put(f" {label}", "dim"), _INDENT), wrapped[0]), *(join(" " * _INDENT, row) for row in wrapped[1:])]


def _choices(sheet: OfferSheet, width: int, room: int, look: Look) -> Lines:
    """Each way on in full where there is room; else the one in hand in full, the others by their beginnings."""
    choices = sheet.ways.choices if sheet.ways is not None else ()
    in_hand = sheet.place % len(choices) if choices else 0
    texts = [wrap(choice.does, width - _INDENT - 1, "text") for choice in choices]
    while sum(map(len, texts)) > room and any(len(text) > 1 for i, text in enumerate(texts) if i != in_hand):
        longest = max((i for i in range(len(texts)) if i != in_hand), key=lambda i: len(texts[i]))
        rows = len(texts[longest]) - 1
        texts[longest] = within(choices[longest].does, width - _INDENT - 1, rows)
    drawn: Lines = []
    for index, (choice, text) in enumerate(zip(choices, texts, strict=True)):
        held = index == in_hand
        mark = put(f" {look.glyphs.here if held else ' '} ", "info")
        name = fit(put(choice.name, "band-env" if held else "strong"), _INDENT - 4)
        drawn.append(join(mark, name, " ", text[0] if text else ()))
        drawn += [join(" " * _INDENT, row) for row in text[1:]]
    return drawn


def _message(sheet: OfferSheet) -> Line:
    if sheet.discarded:
        keys = "key" if sheet.discarded == 1 else "keys"
        return put(f"     {sheet.discarded} {keys} pressed before it was armed: discarded", "warn")
    if sheet.trouble:  # which also stands under Found
        return put(f"     {sheet.trouble}", "warn")
    return put("     armed", "strong") if sheet.armed else put("     wait", "dim")
