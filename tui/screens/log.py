"""View 7: the monitoring log, then the whole audit trail, a page at a time; search and filter."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from engine.records.counted import counted
from engine.state.model import State
from engine.state.trail_pages import KINDS, Filter, TrailLine, TrailPage, filter_of, joined
from tui.lines import Line, Lines, heading, put
from tui.listing import Listing, Row
from tui.panels import log
from tui.sheets.form import Ask

_NEAR = 20
"""Rows from the oldest line that was read, at which the page before it is read too."""
_EVERY = 1.0
"""Seconds between two looks at what was added."""
_MOST = 20_000
"""Lines held at most; a narrower filter shows what is older."""


class ReadTrail:
    """The part of the trail that was read, and where it ends on both sides."""

    def __init__(self, wanted: Filter) -> None:
        self.wanted = wanted
        self.lines: list[TrailLine] = []
        self.first: int | None = None
        """None: nothing was read yet; 0: it is read from its beginning."""
        self.end = 0
        self.damaged = 0
        self.reached = ""

    @property
    def whole(self) -> bool:
        """Whether nothing older can be had."""
        return self.first == 0 or len(self.lines) >= _MOST

    def before(self, page: TrailPage) -> int:
        """An older page; how many lines stand above those that were there."""
        had = len(self.lines)
        self.lines = joined([*page.lines, *self.lines])
        self.end = page.end if self.first is None else self.end
        self.first, self.reached = page.first, page.reached or self.reached
        self.damaged += page.damaged
        return len(self.lines) - had

    def after(self, page: TrailPage) -> None:
        """What was added."""
        self.lines = joined([*self.lines, *page.lines])
        self.end, self.damaged = page.end, self.damaged + page.damaged


class Log(Listing):
    """Newest last; what is older is read when the cursor comes near it, or while a filter looks for it."""

    start_at_end = True
    scopes = frozenset({"anywhere", "list", "log"})

    def __init__(self) -> None:
        super().__init__()
        self._trail = ReadTrail(Filter())
        self._trouble = ""
        self._busy = False
        self._next = 0.0
        self._above = 0
        """Rows above the trail."""

    @property
    def _past(self) -> bool:
        """In a replay the trail is the state's: what came later is not known yet."""
        return self.console_app.replay is not None

    def body(self, state: State, width: int, height: int) -> Lines:
        """Read what is needed, then draw."""
        if not self._past:
            self._look()
        return super().body(state, width, height)

    def _look(self) -> None:
        trail, looks = self._trail, self.console_app.looks
        if self._busy or (self._trouble and monotonic() < self._next):
            return
        short = trail.first is None or len(trail.lines) < self._height or self.cursor - self._above < _NEAR
        if short and not trail.whole:
            self._read(lambda: looks.trail_before(trail.first, trail.wanted), trail, self._older)
        elif monotonic() >= self._next:
            self._read(lambda: looks.trail_after(trail.end, trail.wanted), trail, trail.after)

    def _read(self, work: Callable[[], TrailPage], trail: ReadTrail, take: Callable[[TrailPage], object]) -> None:
        self._busy = True

        def arrived(page: TrailPage | None, trouble: str) -> None:
            self._busy, self._trouble, self._next = False, trouble, monotonic() + _EVERY
            if page is not None and trail is self._trail:
                take(page)
            if self.is_attached:
                self.redraw()

        self.console_app.background(work, lambda page: arrived(page, ""), lambda why: arrived(None, why))

    def _older(self, page: TrailPage) -> None:
        """The cursor stays on its line."""
        below = self.cursor >= self._above and self._trail.first is not None
        more = self._trail.before(page)
        if below and not self._follows:
            self.cursor += more
            self._first += more

    def heading(self, state: State, width: int) -> Lines:
        """What stands here, what is left out, how far back it goes."""
        wanted = self._trail.wanted
        notes: list[Line | str] = []
        if wanted:
            notes.append(put(f"only {wanted.kind}{f' with {wanted.text!r}' if wanted.text else ''}", "info"))
        notes.append(f"{counted(len(self._trail.lines), 'event')} read" if self._trail.first is not None else "")
        lines: Lines = [heading(self.look.glyphs.rule, "7", "Log and events", notes, width)]
        stale = state.monitor.stale and not self.look.replay
        if stale and not wanted:
            lines.append(
                put(f" the log is STALE: {state.monitor.reason or 'the monitor that writes it stands still'}", "warn")
            )
        if self._trouble:
            lines.append(put(f" the audit trail cannot be read: {self._trouble}", "warn"))
        return lines

    def rows(self, state: State, width: int) -> list[Row]:
        """Problems, log, events; with a filter the events alone."""
        made: list[Row] = []
        if not self._trail.wanted:
            made += [Row(put(f" {problem}", "warn")) for problem in state.problems]
            made += [Row(log.labels())]
            made += [Row(log.row(text), text) for text in log.rows(state)] + [Row(())]
        made.append(Row(put(f" Audit trail{self._how_far()}", "title")))
        self._above = len(made)
        if self._past or self._trail.first is None:
            return made + [Row(put(f" {text}", "text"), text) for text in state.events]
        day = ""
        for line in self._trail.lines:
            when = f"{line.day[5:]} " if line.day != day else "      "
            day, words = line.day, line.words
            made.append(Row((*put(f" {when}", "dim"), *put(words, "text")), words))
        if not self._trail.lines:
            made.append(Row(put(" nothing of it" if self._trail.whole else " looking ...", "dim")))
        return made

    def _how_far(self) -> str:
        trail = self._trail
        if self._past or trail.first is None:
            return ""
        bad = f"; {trail.damaged} damaged line{'s' if trail.damaged > 1 else ''} left out" if trail.damaged else ""
        if trail.first == 0:
            return f", from its beginning{bad}"
        if trail.whole:
            return f", the newest {len(trail.lines):,} lines; f narrows it{bad}"
        return f", read back to {trail.reached.replace('T', ' ')}Z{'; reading' if self._busy else ''}{bad}"

    def hints(self) -> Line:
        """What the keys do here."""
        return self.hints_of(("f", "filter"), ("F", "next kind"), ("/", "search"), ("n N", "next"), ("y", "copy"))

    def filter_by(self, wanted: Filter) -> None:
        """Show only these events, of the whole trail."""
        if self._past:
            self.console_app.say("a replay shows the newest events of its moment: / searches in them", "warn")
            return
        self._trail, self._trouble, self._next, self._follows = ReadTrail(wanted), "", 0.0, True
        self.redraw()

    def filter(self) -> Ask:
        """The form that asks for it."""
        facts = (
            ("Kinds", ", ".join(KINDS)),
            ("Example", "alerts MEM: alerts that name MEM; people: what people did; 0003: whatever names it"),
            ("Now", f"{self._trail.wanted.kind} {self._trail.wanted.text}".strip()),
        )

        def answer(text: str) -> None:
            self.filter_by(filter_of(text))

        return Ask("FILTER", facts, "Kind, text", False, answer, "", local=True, enter="filters")

    def next_kind(self) -> None:
        """Everything, operations, alerts, people, and round again."""
        here = KINDS.index(self._trail.wanted.kind)
        self.filter_by(Filter(KINDS[(here + 1) % len(KINDS)], self._trail.wanted.text))
