"""The KPIs of a report: now, baseline, limits, change, and both releases on the same tape."""

from __future__ import annotations

from collections.abc import Sequence

from engine.config.monitoring import Condition
from engine.monitoring.model import Evaluation, KpiReading
from engine.reports.document import Mark, Row, Section, Table
from engine.reports.found import Found


def section(found: Found) -> Section:
    """Every KPI; business tiers are said and judge no release."""
    state, old = found.state, found.deployment.console.releases.old
    before = found.before
    columns = (
        "KPI",
        "now",
        f"{old} before",
        "change",
        f"{old} on this tape",
        "apart",
        "limits (business)",
        "status",
        "owner",
    )
    rows = tuple(_row(found, kpi, before) for kpi in state.kpis) if state is not None else ()
    table = Table(columns, rows, "the monitor kept nothing near this moment: the KPIs are missing")
    return Section("kpis", "KPIs", _lead(found, state), (table, _conditions(found)))


def number(value: float | None, decimals: int, unit: str = "") -> str:
    """A value as published; ``-`` where there is none."""
    return "-" if value is None else f"{value:,.{decimals}f}{f' {unit}' if unit == '%' else ''}"


def _row(found: Found, kpi: KpiReading, before: Evaluation | None) -> Row:
    was = next((item.value for item in before.kpis if item.id == kpi.id), None) if before else None
    shadow = found.shadow.values.get(kpi.id) if found.shadow else None
    decimals = found.deployment.old.decimals
    change = "-" if kpi.value is None or was is None else f"{kpi.value - was:+.{kpi.decimals}f}"
    apart = "-"
    if kpi.value is not None and shadow is not None:
        apart = f"{kpi.value - shadow:+.{kpi.decimals}f}" + (
            f" ({abs(kpi.value / shadow - 1) * 100:.2f} %)" if shadow else ""
        )
        if kpi.agrees and kpi.value != shadow:  # beside a variance of 0.00 %: what the older one's decimals hide
            apart += ", rounding: no variance"
    sign = ">=" if kpi.worse_when == "higher" else "<="
    limits = " · ".join(f"{sign} {limit:g}" for limit in (kpi.warning, kpi.critical) if limit is not None) or "-"
    word = kpi.reason or "missing" if kpi.value is None else f"{kpi.status}{' (stale)' if kpi.stale else ''}"
    held = f" (unheld {kpi.unheld:.1f})" if kpi.unheld is not None and kpi.unheld != kpi.value else ""
    cells = (
        kpi.title,
        number(kpi.value, kpi.decimals, kpi.unit) + held,
        number(was, decimals, kpi.unit),
        change,
        number(shadow, decimals, kpi.unit),
        apart,
        limits,
        word,
        kpi.owner,
    )
    return Row(cells, _mark(kpi))


def _mark(kpi: KpiReading) -> Mark:
    if kpi.value is None or kpi.stale:
        return "?"
    marks: dict[str, Mark] = {"WARNING": "W", "CRITICAL": "C"}
    return marks.get(kpi.status, "ok")


def _lead(found: Found, state: Evaluation | None) -> str:
    told = []
    if state is not None and state.kpis_at is not None:
        tape = f" of the tape of {state.measurement_date}" if state.measurement_date else ""
        told.append(
            f"Published by {state.release or 'no identified release'} at {state.kpis_at:%d %b %H:%M:%SZ}{tape}."
        )
    shadow = found.shadow
    if shadow is None:
        told.append(
            f"{found.deployment.console.releases.old} has not computed a tape in the shadow: consistency is unknown."
        )
    elif shadow.reason:
        told.append(f"Shadow run of {shadow.release} at {shadow.at:%d %b %H:%M:%SZ} gave nothing: {shadow.reason}.")
    else:
        told.append(f"Shadow run of {shadow.release} at {shadow.at:%d %b %H:%M:%SZ}.")
    variance = next((item for item in state.conditions if item.id == "KPIV"), None) if state is not None else None
    if variance is not None:
        told.append(f"Variance on the same input: {variance.text}.")
    told.append("Warning and critical are the portfolio's business status, told to its owner; they judge no release.")
    return " ".join(told)


def _conditions(found: Found) -> Table:
    """Every condition at the moment, with the baseline where there is one."""
    state, monitoring = found.state, found.deployment.monitoring
    baseline = state.baseline if state is not None else None
    rows = []
    for reading in state.conditions if state is not None else ():
        configured = monitoring.conditions.get(reading.id)
        usual = baseline.values.get(configured.metric) if baseline and configured else None
        sign = "<" if configured and configured.worse_when == "lower" else ">"
        sign += "=" if configured and configured.inclusive else ""
        tiers = [f"{words} {sign} {limit:g}" for words, limit in merged(limits_of(configured))] if configured else []
        words = reading.reason or (f"{reading.firing} fires" if reading.firing else "") or reading.level
        rows.append(
            Row(
                (
                    reading.id,
                    reading.title,
                    reading.text,
                    "-" if usual is None else f"{usual:,.0f}" if usual >= 1000 else f"{usual:.3g}",
                    configured.target if configured else "",
                    " · ".join(tiers) if configured and not configured.words else "",
                    words,
                ),
                level_mark(reading.level) if reading.needed or reading.reason is None else "",
            )
        )
    columns = ("id", "condition", "now", "baseline", "target", "limits", "level")
    caption = "Conditions at this moment"
    if baseline is not None:
        caption += f"; baseline: medians of {baseline.runs} runs of {baseline.release}"
    return Table(columns, tuple(rows), "no condition was judged near this moment", caption)


def limits_of(condition: Condition) -> list[tuple[str, float]]:
    """Its tiers with their limits, lightest first: ``("warning", 200)``."""
    tiers = (("warning", condition.warning), ("critical", condition.critical), ("roll back", condition.rollback))
    return [(word, tier.enter) for word, tier in tiers if tier is not None]


def merged(limits: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Tiers that share a limit told together: ``("critical, roll back", 500)``."""
    words: dict[float, list[str]] = {}
    for word, limit in limits:
        words.setdefault(limit, []).append(word)
    return [(", ".join(several), limit) for limit, several in words.items()]


def level_mark(level: str) -> Mark:
    """The mark of a condition's or gauge's level."""
    marks: dict[str, Mark] = {"ok": "ok", "W": "W", "C": "C"}
    return marks.get(level, "?")
