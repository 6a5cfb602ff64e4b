"""Panel 2: the gauges, each with its way to the roll-back limit."""

from __future__ import annotations

from engine.state.model import ResourceView, State
from tui.glyphs import bar, spark
from tui.lines import Line, Lines, Role, block, fit, heading, join, marked, put, right, width_of
from tui.look import Look
from tui.words import age

KEY, NAME = "2", "Resources"
_WIDE = 54
_FILLED: dict[str, Role] = {"W": "warn", "C": "crit"}
LEVELS: dict[str, Role] = {"ok": "dim", "W": "warn", "C": "crit", "stale": "warn", "missing": "warn"}


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel at exactly ``width`` x ``height``."""
    notes = ["bar: way to rollback"]
    lines = [heading(look.glyphs.rule, KEY, NAME, notes, width, focused=look.cursor is not None)]
    if not state.resources:
        lines.append(put(f" none: {state.monitor.reason or 'nothing measured yet'}", "warn"))
    for index, gauge in enumerate(state.resources):
        line = fit(row(gauge, width, look), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def row(gauge: ResourceView, width: int, look: Look) -> Line:
    """One gauge: label, value, bar, trend, level; the limit in words where there is room."""
    label = fit(put(f" {gauge.label}", "text"), 6)
    level = _level(gauge, look)
    if gauge.value is None and gauge.level == "missing":
        return join(label, put(f"missing: {gauge.reason or 'no sample'}", "warn"))
    role: Role = "stale" if gauge.stale else "strong"
    tail = join("  ", fit(level, 9 if gauge.stale else 3))
    limit = join("  ", fit(put(gauge.limit, "dim"), 26)) if width >= _WIDE and gauge.limit else ()
    if gauge.fraction is None:
        value = put(gauge.text, role)
        fixed = join(label, "  ", value, "  ")
        return join(fit(fixed, width - width_of(limit) - width_of(tail)), limit, tail)
    value = right(put(gauge.text, role), 9)
    size = 10 if width < _WIDE else 14
    full, empty = bar(gauge.fraction, size, look.glyphs)
    filled: Role = "stale" if gauge.stale else _FILLED.get(gauge.level, "info")
    drawn = join(put(full, filled), put(empty, "faint"))
    fixed = join(label, value, "  ", drawn)
    room = width - width_of(fixed) - width_of(limit) - width_of(tail) - 2
    trend = put(spark(gauge.trend, max(room, 0), look.glyphs), "stale" if gauge.stale else "title")
    return join(fit(join(fixed, "  ", trend), width - width_of(limit) - width_of(tail)), limit, tail)


def _level(gauge: ResourceView, look: Look) -> Line:
    if gauge.stale:
        passed = (look.now - gauge.observed_at).total_seconds() if gauge.observed_at else None
        return put("stale" if passed is None else f"stale {age(passed)}", "warn")
    return put(gauge.level, LEVELS[gauge.level])
