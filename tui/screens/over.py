"""What opens over a view: the evidence of a condition, help, the palette, a page of text."""

from __future__ import annotations

from engine.monitoring.model import ConditionReading
from engine.state.model import State
from tui.calling import call_words
from tui.calling import facts as people
from tui.commands import (
    COMMANDS,
    GROUPS,
    Command,
    group,
    key_of,
    keys_of,
    listed,
    refusal,
    shown,
    stands_for,
    typing_key,
)
from tui.field import EMPTY
from tui.lines import Line, Lines, block, fit, heading, join, put, wrap
from tui.listing import Listing, Row
from tui.panels import resources
from tui.panels.resources import LEVELS
from tui.screens.samples import show_samples
from tui.words import age, ago

_LABELS = 32
"""Most cells that the labels of a page take."""

_LEVELS = (
    ("ok", "on target"),
    (resources.PENDING, "beyond a limit, not for long enough yet"),
    ("W", "a warning tier has held"),
    ("C", "a critical tier has held"),
    (resources.ROLL_BACK, "a roll-back tier has held"),
    ("stale, missing", "never ok: the value is too old, or there is none"),
)


class Evidence(Listing):
    """Why a condition is where it is, and what to do about it."""

    def __init__(self, condition: str) -> None:
        super().__init__()
        self._condition = condition

    def _found(self, state: State) -> ConditionReading | None:
        return next((item for item in state.conditions if item.id == self._condition), None)

    def heading(self, state: State, width: int) -> Lines:
        """The condition, its level and value."""
        item = self._found(state)
        if item is None:
            return [heading(self.look.glyphs.rule, "", self._condition, [], width)]
        level = put(resources.level_of(state, item), LEVELS["stale" if item.stale else item.level])
        value = put(item.text, "stale" if item.stale else "strong")
        return [
            heading(self.look.glyphs.rule, "", f"{item.id}  {item.title}", [value, level], width),
            (),
        ]

    def rows(self, state: State, width: int) -> list[Row]:
        """Evidence first, then the playbook."""
        item = self._found(state)
        if item is None:
            return [Row(put(f" {self._condition} is not watched by a condition", "dim"))]
        tier, shown = item.firing or item.pending, resources.words_of(state, item)
        held = f"{tier}: {held_of(item)}" if tier else "within its target"
        facts = [
            *([("now", shown)] if shown != item.text else []),
            ("evidence", item.evidence),
            ("held", held + ("" if item.firing or not tier else " (not held yet)")),
            ("clears", item.clears or "-"),
            *([("measured", note)] if (note := _note(state, item.id)) else []),
            ("observed", ago(item.observed_at, self.look.now) + (" STALE" if item.stale else "")),
            *people(state, item.id),
            ("", ""),
            ("look at", item.look_at),
            *(("run" if not index else "", command) for index, command in enumerate(item.run)),
            ("call", call_words(state, item)),
            ("", ""),
            ("samples", f"Enter, or {key_of('samples')} from anywhere: what this rests on, sample by sample"),
        ]
        made: list[Row] = []
        for label, text in facts:
            lines = wrap(text, width - 13, "text") or [()]
            made.append(Row(join(fit(put(f" {label}", "dim"), 12), lines[0]), item.id))
            made += [Row(join(" " * 12, line), item.id) for line in lines[1:]]
        return made

    def why(self) -> None:
        """Deeper: its samples."""
        show_samples(self.console_app, self._condition)

    def item_in_hand(self) -> str | None:
        """The condition: ``a`` acknowledges it from here."""
        return self._condition


def _note(state: State, name: str) -> str:
    """How its gauge was measured."""
    return next((gauge.note for gauge in state.resources if gauge.id == name), "")


def held_of(item: ConditionReading) -> str:
    """``12m of 10m``; a tier that holds at once has nothing to be counted against."""
    return f"{age(item.held)} of {age(item.hold)}" if item.hold else age(item.held)


class Text(Listing):
    """A page of lines to read, or to copy from."""

    def __init__(self, title: str, lines: list[Line]) -> None:
        super().__init__()
        self._title = title
        self._text = lines

    def heading(self, state: State, width: int) -> Lines:
        """What it is."""
        return [heading(self.look.glyphs.rule, "", self._title, ["Esc back", "j k PgDn PgUp move"], width), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """The lines."""
        return [Row(line) for line in self._text]


class Help(Listing):
    """Every command with its keys and its own words."""

    def heading(self, state: State, width: int) -> Lines:
        """How to read it."""
        return [
            heading(
                self.look.glyphs.rule,
                key_of("help"),
                "Help",
                [
                    f"{key_of('back')} back",
                    f"{keys_of('down', 'up', 'page-down', 'page-up')} move",
                    f"{key_of('rollback')}, name, Enter rolls back",
                ],
                width,
            )
        ]

    def rows(self, state: State, width: int) -> list[Row]:
        """One paragraph for each command, under what it is for."""
        made: list[Row] = []
        over = ""
        for command in listed(replay=self.console_app.replay is not None):
            if group(command) != over:
                over = group(command)
                made += [*([Row(())] if made else []), Row(put(f" {GROUPS[over]}", "strong"))]
            keys = " ".join(shown(key) for key in command.keys) or ":"
            lines = wrap(command.help(), width - 18, "dim" if command.risk == "view" else "text")
            made.append(Row(join(fit(put(f" {keys}", "key"), 16), *lines[:1]), command.id))
            made += [Row(join(" " * 16, line), command.id) for line in lines[1:]]
        made += [Row(()), Row(put(" Levels", "strong"))]
        made += [Row(join(fit(put(f" {word}", "key"), 16), put(text, "dim"))) for word, text in _LEVELS]
        late = wrap(f"its event loop is {self.console_app.lag.lateness.words()}", width - 18, "dim")
        return [*made, Row(()), Row(put(" This console", "strong")), *(Row(join(" " * 16, line)) for line in late)]

    def move(self, rows: int) -> None:
        """The page itself moves: nothing in it is chosen."""
        last = len(self._rows_now()) - self._height
        self._first = self.cursor = max(min(self._first + rows, last), 0)
        self.redraw()


class Palette(Listing):
    """Find a command by letters of its name; Enter runs it."""

    scopes = frozenset({"anywhere"})

    def __init__(self, scopes: frozenset[str]) -> None:
        super().__init__()
        self._field = EMPTY
        self._from = scopes

    def _matches(self) -> list[type[Command]]:
        words = self._field.text.casefold().split()
        offered = [
            item
            for item in listed(replay=self.console_app.replay is not None)
            if item.palette and item.scope in (*self._from, "replay")
        ]
        named = [item for item in offered if all(word in f"{item.title} {item.id}".casefold() for word in words)]
        told = [
            item
            for item in offered
            if all(word in f"{item.title} {item.help()} {item.also}".casefold() for word in words)
        ]
        return [*named, *(item for item in told if item not in named)]

    def heading(self, state: State, width: int) -> Lines:
        """The field."""
        field = self._field.draw(min(width - 4, 60), self.look.glyphs.caret)
        return [heading(self.look.glyphs.rule, key_of("find"), "Find a command", [], width), (), join("  ", field), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """What matches, best known first."""
        made = []
        for command in self._matches():
            keys = " ".join(shown(key) for key in command.keys)
            barred = refusal(command, read_only=self.look.read_only, past=bool(self.look.replay))
            line = join("  ", fit(put(command.title, "dim" if barred else "strong"), 26), fit(put(keys, "key"), 12))
            made.append(Row(join(line, put(barred or command.help(), "dim")), command.id))
        return made or [Row(put("  nothing matches", "dim"))]

    def takes(self, name: str, character: str | None) -> bool:
        """Letters go to the field, arrows move, Enter runs."""
        if name == "enter":
            chosen = self.item_in_hand()
            self.console_app.back(leave=False)
            if chosen is not None:
                self.console_app.invoke(COMMANDS[chosen])
            return True
        if name in ("down", "up", "tab", "shift+tab"):
            self.move(1 if name in ("down", "tab") else -1)
            return True
        if stands_for("rollback", name, character) and not self._field.text:
            return False  # the way back comes before a search
        after = self._field.key(name, character)
        if after is None:
            return False
        self._field, self.cursor = after, 0
        self.redraw()
        return True

    def pasted(self, text: str) -> None:
        """Words may be pasted; they run nothing."""
        self._field, self.cursor = self._field.pasted(text), 0
        self.redraw()

    def hints(self) -> Line:
        """What the keys do here."""
        return put(f"Enter runs it   Up Down choose   Esc back   {typing_key('rollback')} roll back", "dim")


def paragraphs(texts: list[tuple[str, str]], width: int) -> list[Line]:
    """Labelled paragraphs for a page of text."""
    lines: list[Line] = []
    column = min(max((len(label) for label, _ in texts), default=0) + 3, _LABELS)
    for label, text in texts:
        rows = wrap(text, max(width - column - 2, 20), "text") or [()]
        lines.append(join(fit(put(f" {label}", "dim"), column - 1), " ", rows[0]))
        lines += [join(" " * column, row) for row in rows[1:]]
    return block(lines, width, len(lines))
