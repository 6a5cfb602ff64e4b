"""Trends over any window: one series at a time, with its limits, and the alerts and operations on its time axis."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from engine.clock import pretty_duration
from engine.monitoring.columns import Stretch
from engine.state.model import State
from engine.state.plotted import PlotMark, Plotted, as_known_then
from tui import plot
from tui.lines import Line, Lines, Role, first_that_fits, fit, heading, join, put
from tui.listing import Listing, Row
from tui.look import Look
from tui.screens.samples import behind
from tui.words import age, clock, stamp

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_LEAST, _REST = 1.0, 20
"""Seconds between two looks at least, and how many times as long as a look took."""
_LEAST_LATE = 2.0
"""Seconds at least that a look may be overdue before the plot says that it is old."""
_LEAST_PLOT, _LEAST_LEGEND = 9, 3


def open_plots(app: ConsoleApp, item: str | None) -> None:
    """The plots, beginning with the condition or KPI in hand."""
    if isinstance(app.screen, Plots):
        return
    state = app.shown_state
    if state is None:
        app.say("nothing has been read yet", "warn")
    elif item in series(state):
        app.open(Plots(item))
    else:  # a row of the matrix, a line of the checklist: what is behind it, or behind the verdict
        app.open(Plots(next(iter(behind(state, item)), None)))


def series(state: State) -> tuple[str, ...]:
    """What can be plotted: the gauges, the KPIs, then whatever else is measured continuously."""
    first = [*(gauge.id for gauge in state.resources), *(kpi.id for kpi in state.kpis)]
    return tuple(dict.fromkeys([*first, *(item.id for item in state.conditions)]))


class Plots(Listing):
    """One plot and its legend; Tab takes the next series."""

    scopes = frozenset({"anywhere", "list", "plot"})

    def __init__(self, begin_with: str | None = None) -> None:
        super().__init__()
        self._chosen = begin_with or ""
        self._found: Plotted | None = None
        self._trouble = ""
        self._back = 0.0
        """Seconds between the end of the window and now."""
        self._asked: tuple[object, ...] = ()
        self._busy = False
        self._next = self._read_at = 0.0
        self._room = (80, 20)
        self._rows = 10
        """Rows of the plot itself."""
        self._drawn: tuple[tuple[object, ...], Lines] = ((), [])

    def body(self, state: State, width: int, height: int) -> Lines:
        """As large a plot as the legend leaves room for."""
        self._room = (width, height)
        names = series(state)
        if names and self._chosen not in names:
            self._chosen = names[0]
        self._look(state)
        return super().body(state, width, height)

    def heading(self, state: State, width: int) -> Lines:
        """What is plotted, over which window, how fresh; the plot itself."""
        found, windows, look = self._found, self.console_app.windows, self.look
        names = series(state)
        place = f"{names.index(self._chosen) + 1} of {len(names)}, Tab" if self._chosen in names else ""
        shown = f"{self._chosen}  {found.title}, {found.unit}" if found is not None else self._chosen
        notes: list[Line | str] = [put(f"[ {windows.name} ]", "strong"), *self._fresh(found), place]
        lines: Lines = [heading(look.glyphs.rule, "", shown.strip(" ,"), notes, width)]
        if found is None:
            return [*lines, (), put(f" {self._trouble or 'reading ...'}", "warn" if self._trouble else "dim"), ()]
        return [*lines, *self._plot(found, width, look), self._figures(found, width, self._unwatched(state))]

    def _plot(self, found: Plotted, width: int, look: Look) -> Lines:
        height = max(self._room[1] - 4 - max(_LEAST_LEGEND, min(len(found.marks) + 1, self._room[1] // 4)), _LEAST_PLOT)
        self._rows = max(height - plot.BELOW, 2)
        key = (id(found), width, height, look.glyphs)
        if self._drawn[0] != key:
            self._drawn = (key, plot.draw(found, width, height, look))
        return self._drawn[1]

    def _fresh(self, found: Plotted | None) -> list[Line | str]:
        """Where the window ends, and whether what is shown is as new as it should be."""
        told: list[Line | str] = []
        if self._back and found is not None:
            told.append(put(f"until {stamp(found.stretch.end)}", "info"))
        overdue = monotonic() - self._next
        if found is not None and overdue > max(self._pause(found.stretch), _LEAST_LATE):
            told.append(put(f"STALE, read {age(monotonic() - self._read_at)} ago", "warn"))
        if found is not None and self._trouble:
            told.append(put(self._trouble, "warn"))
        return told

    def _unwatched(self, state: State) -> str:
        """That nothing is measured now, where the window ends now: its newest value is not the present one."""
        observed = state.monitor.observed_at
        if not state.monitor.stale or self._back or self.look.replay:
            return ""
        return f", STALE {age((self.look.now - observed).total_seconds())}" if observed is not None else ", STALE"

    def _figures(self, found: Plotted, width: int, unwatched: str = "") -> Line:
        """Lowest, highest and newest value; limits that lie outside; where the values come from."""
        if not found.columns:
            return ()
        low, high = min(one.low for one in found.columns), max(one.high for one in found.columns)
        last = found.columns[-1]
        number = f".{found.decimals}f" if high < 1000 else ",.0f"
        parts = [f"min {low:{number}}", f"max {high:{number}}", f"last {last.mean:{number}}"]
        if found.newest_at is not None:
            old = (found.stretch.end - found.newest_at).total_seconds()
            if old > max(found.longest, 2 * found.stretch.step):
                parts[-1] += f" of {clock(found.newest_at)}, STALE {age(old)}"
                unwatched = ""
        parts[-1] += unwatched
        scale = plot.scale_of(found, self._rows)
        outside = [f"{word} {limit:g}" for word, limit in found.limits if not scale.low <= limit <= scale.high]
        parts += [f"not in sight: {', '.join(outside)}"] if outside else []
        figures = put(f" {'   '.join(parts)}", "text")
        return fit(first_that_fits(width, join(figures, put(f"   {found.source}", "dim")), figures), width)

    def rows(self, state: State, width: int) -> list[Row]:
        """The legend: what the letters stand for, the newest first."""
        found = self._found
        if found is None:
            return []
        made = [Row(_legend(letter, mark, found), mark.name) for letter, mark in reversed(plot.lettered(found.marks))]
        return made or [Row(put(" no alert and no operation in this stretch", "dim"))]

    def item_in_hand(self) -> str | None:
        """The condition of the alert under the cursor, else what is plotted."""
        return super().item_in_hand() or self._chosen

    def why(self) -> None:
        """The evidence of the condition under the cursor; for an operation, its view."""
        state, item = self.state, self.item_in_hand()
        if state is None or item is None:
            return
        if any(condition.id == item for condition in state.conditions):
            self.console_app.show_condition(item)
        elif any(kpi.id == item for kpi in state.kpis):
            self.console_app.show_view("kpis")
        else:
            self.console_app.show_view("operation")

    def turn(self, steps: int) -> None:
        """The next series."""
        names = series(self.state) if self.state is not None else ()
        if names:
            here = names.index(self._chosen) if self._chosen in names else 0
            self._chosen, self._found, self._trouble = names[(here + steps) % len(names)], None, ""
            self.redraw()

    def scroll(self, windows: float) -> None:
        """So many windows back (negative) or forth in time; never into the future."""
        self._back = max(self._back - windows * self.console_app.windows.seconds, 0.0)
        self.redraw()

    def hints(self) -> Line:
        """What the keys do here."""
        return self.hints_of(("[ ]", "window"), ("Left Right", "time"), ("Tab", "series"), ("Enter", "why"))

    def _pause(self, stretch: Stretch) -> float:
        return max(_LEAST, stretch.step / 2)

    def _look(self, state: State) -> None:
        """Read when another series, window, size or moment is asked for, and again when time has passed."""
        windows, columns = self.console_app.windows, plot.columns_of(self._room[0], self.look.glyphs)
        wanted = (self._chosen, windows.seconds, columns, self._back, state.at if self.look.replay else None)
        if not self._chosen or self._busy or (wanted == self._asked and (monotonic() < self._next)):
            return
        self._busy, self._asked, began = True, wanted, monotonic()
        app, name, stretch = self.console_app, self._chosen, windows.stretch(columns, self._back)

        def arrived(found: Plotted | None, trouble: str) -> None:
            self._busy = False
            self._next = monotonic() + max(self._pause(stretch), _REST * (monotonic() - began))
            if name == self._chosen:
                self._trouble = trouble
                if found is not None:
                    self._found = as_known_then(found) if self.look.replay else found
                    self._read_at = monotonic()
            if self.is_attached:
                self.redraw()

        app.background(
            lambda: app.looks.plotted(name, stretch), lambda found: arrived(found, ""), lambda why: arrived(None, why)
        )


def _legend(letter: str, mark: PlotMark, found: Plotted) -> Line:
    role: Role = "crit" if mark.loud else "warn" if mark.kind == "alert" else "info"
    ended = ", goes on" if mark.until is None else f" to {mark.until:%H:%M:%S}Z"
    lasted = (mark.until or found.stretch.end) - mark.since
    when = f"{stamp(mark.since)}{ended:<13} {pretty_duration(max(lasted.total_seconds(), 0.0)):>7}"
    return join(" ", put(letter, role), put(f"  {when}  ", "dim"), fit(put(mark.name, "text"), 14), put(mark.text))
