"""Earlier validations: verdicts and KPIs over time; Enter shows one report whole."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING

from engine.state.model import State
from engine.validation.history import History, Kept
from engine.validation.trend import SHORT, letters, number, series
from tui.glyphs import spark
from tui.lines import Line, Lines, Role, fit, heading, join, put, right
from tui.listing import Listing, Row
from tui.panels.validation import STATUS
from tui.screens.whole import Whole
from tui.words import ago, stamp

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_EVERY = 5.0
"""Seconds between two looks at the history."""
_LETTER: dict[str, Role] = {"ok": "text", "W": "warn", "F": "crit", "E": "crit", "-": "dim"}


def open_validations(app: ConsoleApp) -> None:
    """The list."""
    if not isinstance(app.screen, Validations):
        app.open(Validations())


class Validations(Listing):
    """One row each, newest first, below the trend of each KPI."""

    def __init__(self) -> None:
        super().__init__()
        self._found: History | None = None
        self._trouble = ""
        self._busy = False
        self._next = 0.0

    def _look(self) -> None:
        if self._busy or monotonic() < self._next:
            return
        self._busy, app = True, self.console_app

        def arrived(found: History | None, trouble: str) -> None:
            self._busy, self._trouble, self._next = False, trouble, monotonic() + _EVERY
            self._found = found or self._found
            if self.is_attached:
                self.redraw()

        app.background(app.looks.validations, lambda found: arrived(found, ""), lambda why: arrived(None, why))

    def heading(self, state: State, width: int) -> Lines:
        """How many, and each KPI over them."""
        self._look()
        notes: list[Line | str] = [f"{len(self._found.kept)} on record"] if self._found is not None else []
        if self._found is not None and self._found.damaged:
            notes.append(put(f"{self._found.damaged} damaged lines", "warn"))
        if self.look.replay:
            notes.append(put("as they are now, not in the replay", "warn"))
        lines: Lines = [heading(self.look.glyphs.rule, "h", "Earlier validations", notes, width)]
        if self._trouble:
            lines.append(put(f" {self._trouble}", "warn"))
        if self._found is not None:
            lines += self._trends(state, self._found.live, width)
        checks = "".join(f"{short:<5}" for short in SHORT.values())
        return [*lines, put(f"   {'when':<20}{'verdict':<9}{checks}{'of':<5}issues", "title")]

    def _trends(self, state: State, kept: Sequence[Kept], width: int) -> Lines:
        room = min(width - 52, 60)
        made: Lines = []
        for kpi in state.kpis:
            found = series(kept, kpi.id)
            if (usual := found.usual) is None:
                continue
            words = f"{number(usual[0])} to {number(usual[2])}, median {number(usual[1])}"
            drawn = put(spark(found.known, room, self.look.glyphs), "trend")
            head = join(fit(put(f" {kpi.title}", "text"), 14), right(put(number(found.last), "strong"), 9), "  ")
            made.append(join(head, drawn, put(f"  {words}", "dim")))
        return [*made, ()] if made else []

    def rows(self, state: State, width: int) -> list[Row]:
        """Newest first."""
        if self._found is None:
            return [Row(put(" reading ...", "dim"))] if not self._trouble else []
        made = [Row(self._row(one), one.report) for one in reversed(self._found.kept)]
        return made or [Row(put(" none yet", "dim"))]

    def _row(self, one: Kept) -> Line:
        when = f"{stamp(one.at)[:11]} {ago(one.at, self.look.now).removesuffix(' ago')}"
        checks = [fit(put(letter, _LETTER[letter]), 5) for letter in letters(one)]
        beside = "" if one.live else "  trial"
        return join(
            fit(put(f"   {when}", "dim"), 23),
            fit(put(one.status, STATUS[one.status]), 9),
            *checks,
            fit(put(one.release or "-", "text"), 5),
            put(f"{one.issues or '-'}{beside}", "dim"),
        )

    def footing(self, state: State, width: int) -> Lines:
        """What the letters mean."""
        return [(), put(" ok PASS, W WARN, F FAIL, E ERROR, - NOT RUN; Enter shows one report whole", "dim")]

    def hints(self) -> Line:
        """What the keys do here."""
        return self.hints_of(("Enter", "report"), ("8", "newest"), ("j k", "move"))

    def why(self) -> None:
        """The report under the cursor."""
        item = self.item_in_hand()
        if item is not None:
            app = self.console_app
            app.open(Whole(f"Report {item.rpartition('/')[2]}", lambda: app.looks.validation(item)))
