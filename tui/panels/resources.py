"""Panel 2: the gauges, each with its way to the roll-back limit."""

from __future__ import annotations

from engine.monitoring.model import ConditionReading, ResourceReading
from engine.state.model import State
from tui.glyphs import bar, spark, squeezed
from tui.lines import Line, Lines, Role, block, fit, heading, join, marked, put, right, width_of
from tui.look import Look

KEY, NAME = "2", "Resources"
_WIDE = 56
_BAR = 10
_FILLED: dict[str, Role] = {"W": "warn", "C": "crit"}
ROLL_BACK = "RB"
"""In place of C where the roll-back tier has held, and there is something to roll back."""
PENDING = "pending"
"""In place of ok where a limit is passed, though not for long enough yet."""
LEVELS: dict[str, Role] = {"ok": "dim", PENDING: "warn", "W": "warn", "C": "crit", "stale": "warn", "missing": "warn"}


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel at exactly ``width`` x ``height``."""
    notes = [f"trend {look.window}" if look.window else "", "bar: way to rollback"]
    notes += [] if look.window else ["trend: newest"]
    lines = [heading(look.glyphs.rule, KEY, NAME, notes, width, focused=look.cursor is not None)]
    if not state.resources:
        lines.append(put(f" none: {state.monitor.reason or 'nothing measured yet'}", "warn"))
    for index, gauge in enumerate(state.resources):
        condition = next((item for item in state.conditions if item.id == gauge.id), None)
        word = level_of(state, condition) if condition is not None and gauge.level == "C" else gauge.level
        line = fit(row(gauge, width, look, word), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def level_of(state: State, condition: ConditionReading) -> str:
    """``RB`` where a roll-back tier has held, apart from ``C``, a critical one; on the old release there is none."""
    if condition.stale and condition.level != "missing":
        return "stale"  # whatever it was: a value that is too old is not ok
    rolls = condition.firing == "rollback" and state.release != state.way_back.release
    if condition.level == "ok" and condition.pending:
        return PENDING
    return ROLL_BACK if condition.level == "C" and rolls else condition.level


def row(gauge: ResourceReading, width: int, look: Look, word: str = "") -> Line:
    """One gauge: label, value, bar, trend, level (``word``: in its place); the limit where there is room."""
    label = fit(put(f" {gauge.label}", "text"), 6)
    level = put(word, LEVELS[gauge.level]) if word and not gauge.stale else _level(gauge, look)
    if gauge.value is None and gauge.level == "missing":
        return join(label, put(f"missing: {gauge.reason or 'no sample'}", "warn"))
    role: Role = "stale" if gauge.stale else "strong"
    tail = join("  ", fit(level, 10 if gauge.stale else 3))
    if gauge.fraction is None:
        return join(fit(join(label, "  ", put(gauge.text, role)), width - width_of(tail)), tail)
    head = join(label, right(put(gauge.text, role), 9), "  ", _bar(gauge, look), "  ")
    limit = _limit(gauge, width)
    room = width - width_of(head) - width_of(limit) - width_of(tail)
    shown = squeezed(gauge.trend, room) if look.window else gauge.trend
    line = spark(shown, max(room, 0), look.glyphs, _limit_value(gauge), high=_beyond(gauge))
    trend = put(line, "stale" if gauge.stale else "trend")
    return join(head, trend, limit, tail)


def plain_row(gauge: ResourceReading, width: int, look: Look) -> Line:
    """One value that leads to no limit: label, value, trend."""
    label = join(" ", fit(_level(gauge, look), 10 if gauge.stale else 8), fit(put(gauge.label, "text"), 8))
    if gauge.value is None:
        return join(label, put(f"missing: {gauge.reason or 'no sample'}", "warn"))
    text = fit(put(gauge.text, "stale" if gauge.stale else "strong"), 26)
    room = min(max(width - 18 - 26 - 2, 0), 40)
    return join(
        label,
        text,
        put(spark(gauge.trend, room, look.glyphs), "stale" if gauge.stale else "trend"),
    )


def words_of(state: State, condition: ConditionReading) -> str:
    """A condition's value as its gauge says it: ``84 GB free`` rather than ``1686 x``."""
    gauge = next((gauge for gauge in state.resources if gauge.id == condition.id and gauge.text), None)
    return gauge.text if gauge is not None and not condition.stale else condition.text


def _bar(gauge: ResourceReading, look: Look) -> Line:
    full, empty = bar(gauge.fraction, _BAR - 3 if gauge.stale else _BAR, look.glyphs)
    filled: Role = "stale" if gauge.stale else _FILLED.get(gauge.level, "info")
    return join(put(full, filled), put(empty, "faint"))


def _beyond(gauge: ResourceReading) -> bool:
    """Whether it stands above a limit: a value that stays there is no flat line at the bottom."""
    return gauge.level in ("W", "C") and ">" in gauge.limit


def _limit_value(gauge: ResourceReading) -> float:
    """The value at the bar's end; 0 where it cannot be told."""
    return gauge.value / gauge.fraction if gauge.value and gauge.fraction else 0.0


def _limit(gauge: ResourceReading, width: int) -> Line:
    """The limit of the bar's end, where there is room for it; the heading says what the bar leads to."""
    if width < _WIDE or not gauge.limit:
        return ()
    words = gauge.limit.removeprefix("roll back ").removeprefix("rollback ")
    return join("  ", fit(put(words, "dim"), min(17 + max(width - 62, 0) // 2, 30)))


def _level(gauge: ResourceReading, look: Look) -> Line:
    if gauge.stale:
        return put(f"stale {look.age(gauge.observed_at)}" if gauge.observed_at else "stale", "warn")
    return put(gauge.level, LEVELS[gauge.level])
