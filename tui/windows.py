"""How much time plots and trends show, and the trends of the panels over that time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from engine.monitoring.columns import Stretch
    from engine.state.model import State
    from engine.state.plotted import Plotted
    from tui.app import ConsoleApp

WINDOWS: tuple[tuple[str, float], ...] = (
    ("15 min", 900.0),
    ("1 h", 3600.0),
    ("6 h", 21600.0),
    ("24 h", 86400.0),
    ("7 d", 604800.0),
    ("28 d", 2419200.0),
)
POINTS = 40
"""Columns of a panel's trend."""
_LEAST, _REST = 2.0, 20
"""Seconds between two looks at least, and how many times as long as a look took: at most a twentieth of a core."""
_LATEST = -1
NEWEST = "the newest values"
"""What trends show while no window is chosen."""


class Windows:
    """The window that was chosen; until one is, trends show the newest samples, and plots the shortest window."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app
        self._chosen = _LATEST
        self._trends: dict[str, tuple[float, ...]] = {}
        self._busy = False
        self._next = 0.0

    @property
    def seconds(self) -> float:
        """How long the window of a plot is."""
        return WINDOWS[max(self._chosen, 0)][1]

    @property
    def name(self) -> str:
        """Its name: ``6 h``."""
        return WINDOWS[max(self._chosen, 0)][0]

    @property
    def of_trends(self) -> str:
        """What the trends of the panels show, in words; empty: the newest values, as they came."""
        return WINDOWS[self._chosen][0] if self._chosen != _LATEST else ""

    def move(self, steps: int, *, plot: bool) -> str:
        """A shorter or longer window; what it is now, in words. ``plot``: the newest values alone are none."""
        least = 0 if plot else _LATEST
        self._chosen = min(max(max(self._chosen, least) + steps, least), len(WINDOWS) - 1)
        self._trends, self._next = {}, 0.0
        return self.of_trends or NEWEST

    def stretch(self, columns: int, back: float = 0.0) -> Stretch:
        """The window as a stretch that ends now, or ``back`` seconds ago."""
        from engine.monitoring.columns import Stretch

        end = self._app.look.now - timedelta(seconds=back)
        return Stretch(end - timedelta(seconds=self.seconds), end, columns)

    def shown(self, state: State) -> State:
        """The state with its trends over the window that was chosen; a gap is a gap."""
        if self._chosen == _LATEST:
            return state
        self._look(state)
        trends = self._trends
        return replace(
            state,
            resources=tuple(replace(item, trend=trends.get(item.id, ())) for item in state.resources),
            kpis=tuple(replace(item, trend=trends.get(item.id, ())) for item in state.kpis),
        )

    def _look(self, state: State) -> None:
        """Read the trends again when it is time; one look at a time, off the event loop."""
        if self._busy or monotonic() < self._next:
            return
        self._busy, began, chosen = True, monotonic(), self._chosen
        names = [one.id for one in state.resources] + [one.id for one in state.kpis]
        stretch, looks = self.stretch(POINTS), self._app.looks

        def done(found: dict[str, tuple[float, ...]]) -> None:
            self._busy = False
            self._next = monotonic() + max(_LEAST, stretch.step / 2, _REST * (monotonic() - began))
            if chosen == self._chosen:
                self._trends = found
                self._app.redraw()
            else:
                self._next = 0.0

        def failed(why: str) -> None:
            self._app.say(f"trends: {why}", "warn")
            done({})

        self._app.background(
            lambda: {name: values_of(looks.plotted(name, stretch), stretch.count) for name in names}, done, failed
        )


def values_of(found: Plotted, count: int) -> tuple[float, ...]:
    """One value for each column, the worst of it; NaN where there is none, or the last one where none is missing."""
    values = [math.nan] * count
    for column in found.columns:
        values[column.index] = column.low if found.worse_when == "lower" else column.high
    return tuple(_between(values, [column.index for column in found.columns if column.torn]))


def _between(values: list[float], torn: Sequence[int]) -> list[float]:
    """Columns between two values near enough bear the value before."""
    before = -1
    for index, value in enumerate(values):
        if value != value:
            continue
        if before >= 0 and index not in torn:
            for between in range(before + 1, index):
                values[between] = values[before]
        before = index
    return values
