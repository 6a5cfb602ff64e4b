"""Panel 4: the KPIs as the running release published them, with their business tier."""

from __future__ import annotations

from engine.monitoring.model import KpiReading
from engine.state.model import State
from tui.glyphs import spark, squeezed
from tui.lines import Line, Lines, Role, block, fit, heading, join, marked, put, right, width_of, wrap
from tui.look import Look
from tui.words import change, hour, number

KEY, NAME = "4", "KPIs"
_WIDE = 54
_STATUS: dict[str, tuple[str, Role]] = {
    "ok": ("ok", "dim"),
    "WARNING": ("W", "warn"),
    "CRITICAL": ("C", "crit"),
    "undefined": ("none", "warn"),
}


def draw(state: State, width: int, height: int, look: Look) -> Lines:
    """The panel at exactly ``width`` x ``height``."""
    against = state.kpis[0].change_from if state.kpis else ""
    notes = [f"run {hour(state.kpis_at)}", f"vs {against}" if against else ""]
    notes.append(f"trend {look.window}" if look.window else "trend: tape dates")
    lines = [heading(look.glyphs.rule, KEY, NAME, notes, width, focused=look.cursor is not None)]
    for index, kpi in enumerate(state.kpis):
        line = fit(row(kpi, width, look), width)
        lines.append(marked(line) if look.cursor == index else line)
    return block(lines, width, height)


def row(kpi: KpiReading, width: int, look: Look) -> Line:
    """One KPI: name, value, change, trend, tier; its limits too where there is room."""
    name = fit(put(f" {kpi.title}", "text"), 12)
    if kpi.value is None:
        return join(name, put(f"none: {kpi.reason or 'not published'}", "warn"))
    value = right(put(number(kpi.value, kpi.decimals), "stale" if kpi.stale else "strong"), 6)
    limit = join("  ", fit(put(_limits(kpi), "dim"), 13)) if width >= _WIDE else ()
    tail = join(limit, " " if kpi.stale else "  ", fit(_status(kpi, look), 10 if kpi.stale else 3))
    held = kpi.unheld is not None and abs(kpi.unheld - kpi.value) > 1e-9
    if held and (width >= _WIDE or not kpi.stale):
        head = join(name, value, " ", fit(put(f"(unheld {kpi.unheld:.1f})", "dim"), 14))
    else:
        unit = put(f" {kpi.unit if kpi.unit == '%' else ''}".ljust(3), "dim")
        head = join(name, value, unit, right(put(change(kpi.change, kpi.decimals), "dim"), 5), "  ")
    room = width - width_of(head) - width_of(tail)
    shown = squeezed(kpi.trend, room) if look.window else kpi.trend
    trend = put(spark(shown, max(room, 0), look.glyphs), "stale" if kpi.stale else "trend")
    return join(head, trend, tail)


def compared(kpi: KpiReading, width: int) -> Lines:
    """Beside it: the old release on the same tape and what the rule says, the baseline, the tape before, anomalies."""
    lines: Lines = []
    margin = " " * 14
    if kpi.old_release and kpi.value is not None:
        pair = f"{kpi.old_release} {'none' if kpi.old_value is None else f'{kpi.old_value:g}'}, now {kpi.value:g}; "
        said = f"{pair if kpi.agrees is not None else ''}{kpi.agreement}"
        said += " STALE" if kpi.stale else ""
        role: Role = "stale" if kpi.stale else "warn" if kpi.agrees is False else "dim"
        lines += [join(margin, line) for line in wrap(f"same tape: {said}", width, role)]
    was = [
        f"{name} {number(value, kpi.decimals)} ({_moved(kpi, value)})"
        for name, value in ((f"baseline, {kpi.baseline_of},", kpi.baseline), ("last tape", kpi.last))
        if value is not None
    ]
    if was:
        lines += [join(margin, line) for line in wrap("; ".join(was), width, "dim")]
    if kpi.anomaly:
        lines += [join(margin, line) for line in wrap(f"ANOMALY  {kpi.anomaly}", width, "warn")]
    return lines


def run_trend(kpi: KpiReading, width: int, look: Look) -> Line:
    """Its last runs; the trend above is that of the tape's measurement dates."""
    shown = spark(kpi.runs, min(width - 40, 80), look.glyphs).strip()
    return join(" " * 14, put(shown, "trend"), put(f"  last {len(kpi.runs)} runs", "dim"))


def _moved(kpi: KpiReading, since: float) -> str:
    """How far the value is from an earlier one, in % of that."""
    if kpi.value is None or not since:
        return "no change can be told"
    percent = (kpi.value - since) / abs(since) * 100
    return "unchanged" if abs(percent) < 0.005 else f"{percent:+.2f} %"


def _limits(kpi: KpiReading) -> str:
    sign = "<" if kpi.worse_when == "lower" else ">"
    shown = [f"{limit:g}" for limit in (kpi.warning, kpi.critical) if limit is not None]
    return f"W {sign}{shown[0]} C {sign}{shown[1]}" if len(shown) == 2 else ""


def _status(kpi: KpiReading, look: Look) -> Line:
    if kpi.stale:
        return put(f"stale {look.age(kpi.observed_at)}" if kpi.observed_at else "stale", "warn")
    word, role = _STATUS.get(kpi.status, (kpi.status, "warn"))
    return put(word, role)
