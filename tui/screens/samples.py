"""The samples behind a verdict: one key from any condition, row of the matrix, or the verdict itself."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from time import monotonic
from typing import TYPE_CHECKING

from engine.clock import pretty_duration
from engine.monitoring.trace import Sampled, Trace
from engine.monitoring.trace_words import allowed_gap, beyond_words, tier_words, verdict_on
from engine.state.model import State
from tui.commands.command import key_of
from tui.lines import Line, Lines, Role, fit, heading, join, put, wrap
from tui.listing import Listing, Row
from tui.panels import resources

if TYPE_CHECKING:
    from tui.app import ConsoleApp

_REST = 20
"""Times as long as a look took, before the next one: at most a twentieth of a core."""
_TIERS: dict[str, Role] = {"warning": "warn", "critical": "crit", "rollback": "crit"}


def behind(state: State, item: str | None) -> tuple[str, ...]:
    """The conditions behind what is in hand: a condition itself, a row of the matrix; else behind the verdict."""
    known = [condition.id for condition in state.conditions]
    if item in known:
        return (str(item),)
    rows: dict[str, tuple[str, ...]] = {row.verdict: row.conditions for row in state.matrix}
    if item in rows:
        return tuple(name for name in rows[str(item)] if name in known)
    firing = tuple(condition.id for condition in state.conditions if condition.firing)
    return tuple(name for name in rows.get(state.verdict.word, ()) if name in known) or firing


def show_samples(app: ConsoleApp, item: str | None) -> None:
    """Open the samples behind ``item``, or say why there are none."""
    state = app.shown_state
    names = behind(state, item) if state is not None else ()
    if names:
        app.open(Samples(names))
    else:
        app.say(f"no condition is behind this: {key_of('view.conditions')} shows them all", "warn")


class Samples(Listing):
    """The samples of one condition, how its run was counted, and whether they give what the monitor said."""

    start_at_end = True

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__()
        self._names = tuple(names)
        self._index = 0
        self._trace: Trace | None = None
        self._trouble = ""
        self._asked: tuple[str, datetime | None] | None = None
        self._busy = False
        self._began = self._next = 0.0
        """When it may be read again: a long look back is not repeated at every sample."""

    @property
    def _chosen(self) -> str:
        return self._names[self._index]

    def turn(self, steps: int) -> None:
        """The next condition behind the same verdict."""
        self._index = (self._index + steps) % len(self._names)
        self._trace, self._trouble, self._follows = None, "", True
        self.redraw()

    def _ask(self, state: State) -> None:
        """Read again whenever the monitor has judged again; one look at a time."""
        wanted = (self._chosen, state.monitor.observed_at)
        again = self._asked is not None and self._asked[0] == self._chosen
        if self._busy or wanted == self._asked or (again and monotonic() < self._next):
            return
        self._busy, self._asked, self._began = True, wanted, monotonic()
        app, name = self.console_app, self._chosen
        app.background(lambda: app.actions.trace(name), lambda found: self._arrived(name, found, ""), self._failed)

    def _failed(self, why: str) -> None:
        self._arrived(self._chosen, None, why)

    def _arrived(self, name: str, found: Trace | None, trouble: str) -> None:
        self._busy = False
        self._next = monotonic() + _REST * (monotonic() - self._began)
        if name == self._chosen:
            self._trace, self._trouble = found, trouble
        if self.is_attached:
            self.redraw()

    def heading(self, state: State, width: int) -> Lines:
        """What the monitor said, how each tier was counted, whether the samples give the same."""
        self._ask(state)
        found = self._trace
        item = next((one for one in state.conditions if one.id == self._chosen), None)
        notes: list[Line | str] = (
            [put(resources.level_of(state, item), resources.LEVELS[item.level])] if item is not None else []
        )
        if len(self._names) > 1:
            notes.append(f"{self._index + 1} of {len(self._names)}, Tab: the next")
        lines: Lines = [heading(self.look.glyphs.rule, "", f"{self._chosen}  samples", notes, width)]
        if found is None:
            return lines
        role: Role = "dim" if found.agrees and found.counted else "warn"
        lines += wrap(f"monitor: {found.said}", width - 2, "text", 1)[:2]
        lines += wrap(verdict_on(found), width - 2, role, 1)[:2]
        for tier in found.tiers:
            words = tier_words(tier, measured=bool(found.counted))
            lines.append(put(f" {words}", _TIERS[tier.tier] if tier.firing else "dim"))
        return [*lines, put(f" {allowed_gap(found)}", "dim")] if allowed_gap(found) else lines

    def rows(self, state: State, width: int) -> list[Row]:
        """Oldest first; what breaks the run stands on a line of its own."""
        found = self._trace
        if found is None:
            return [Row(put(f" {self._trouble or 'reading the samples ...'}", "warn" if self._trouble else "dim"))]
        made: list[Row] = []
        for sample in found.samples:
            if sample.breaks:
                made.append(Row(put(f" -- {sample.breaks}: the count starts again", "warn"), self._chosen))
            made.append(Row(_row(sample), self._chosen))
        if found.reason:
            made.append(Row(put(f" {found.reason}", "warn"), self._chosen))
        return made or [Row(put(f" no sample of {found.metric} is kept", "warn"), self._chosen)]

    def item_in_hand(self) -> str | None:
        """The condition: ``a`` acknowledges it from here."""
        return self._chosen


def _row(sample: Sampled) -> Line:
    at = f"{sample.at:%H:%M:%S}.{sample.at.microsecond // 1000:03d}Z"
    after = f"+{pretty_duration(sample.after)}" if sample.after is not None else ""
    role: Role = _TIERS[sample.beyond] if sample.beyond else "dim"
    return join(
        f" {at}  ",
        fit(put(sample.text, "strong"), 18),
        fit(put(beyond_words(sample), role), 17),
        fit(put(after, "dim"), 9),
        put(sample.source, "dim"),
    )


class Because(Listing):
    """The conditions that a row of the matrix rests on, or is near to."""

    def __init__(self, verdict: str) -> None:
        super().__init__()
        self._verdict = verdict

    def heading(self, state: State, width: int) -> Lines:
        """The row."""
        entry = next((row for row in state.matrix if row.verdict == self._verdict), None)
        notes = ["active" if entry is not None and entry.active else "not active"]
        lines: Lines = [heading(self.look.glyphs.rule, "6", self._verdict, notes, width)]
        return [*lines, *(wrap(entry.evidence, width - 2, "text", 1) if entry is not None else []), ()]

    def rows(self, state: State, width: int) -> list[Row]:
        """One for each condition; Enter shows its evidence, ``e`` its samples."""
        entry = next((row for row in state.matrix if row.verdict == self._verdict), None)
        names = entry.conditions if entry is not None else ()
        made = []
        for item in state.conditions:
            if item.id in names:
                level = fit(put(resources.level_of(state, item), resources.LEVELS[item.level]), 8)
                made.append(Row(join(" ", level, fit(put(item.id, "text"), 7), put(item.evidence, "text")), item.id))
        return made or [Row(put(" no condition is near it", "dim"))]

    def why(self) -> None:
        """The evidence of the condition under the cursor."""
        item = self.item_in_hand()
        if item is not None:
            self.console_app.show_condition(item)
