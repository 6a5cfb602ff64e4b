"""The facts of the wall: three measurements with their limits, and three answers, in two columns."""

from __future__ import annotations

import re

from engine.monitoring.model import KpiReading, ResourceReading
from engine.state.model import State
from tui.commands.command import key_of
from tui.lines import Line, Lines, Role, clause, crop, first_that_fits, fit, join, plain, put, right
from tui.look import Look
from tui.panels import header
from tui.panels.resources import LEVELS, level_of
from tui.words import age, number, seconds

_NAMES = {"LAT": "latency", "ERR": "errors"}
_LABEL, _VALUE, _LIMIT, _LEVEL = 11, 9, 14, 3
_MARGIN = 3
_FOR = re.compile(r" for .*$")
_TIER = re.compile(r"^[a-z -]*(?=[<>])")
_SIGN = re.compile(r"([<>]) *")
_STATUS: dict[str, tuple[str, Role]] = {
    "ok": ("ok", "dim"),
    "WARNING": ("W", "warn"),
    "CRITICAL": ("C", "crit"),
    "undefined": ("none", "warn"),
}


def rows(state: State, width: int, look: Look) -> Lines:
    """Three rows of ``width`` cells."""
    measured = [*_kpis(state, look), *_gauges(state, look)][:3]
    left = _LABEL + _VALUE + _LIMIT + _LEVEL + 4
    gap = max((width - 2 * _MARGIN - left - 32) // 2, 1)
    room = width - 2 * _MARGIN - left - gap
    answers = [_validation(state, look), _way_back(state, look, room - 11), _watch(state)]
    made: Lines = []
    for index, (label, choices) in enumerate(answers):
        fact = measured[index] if index < len(measured) else ()
        answer = join(fit(put(label, "dim"), 11), first_that_fits(room - 11, *choices))
        made.append(fit(join(" " * _MARGIN, fit(fact, left), " " * gap, crop(answer, room)), width))
    return made


def freshness(state: State, look: Look) -> Line:
    """How old the newest sample is."""
    observed = state.monitor.observed_at
    if observed is None:
        return put("no data", "warn")
    old = age((look.now - observed).total_seconds())
    return put(f"data STALE {old}", "warn") if state.monitor.stale else put(f"data {old}", "dim")


def _kpis(state: State, look: Look) -> list[Line]:
    """The KPI that is worst, or the first."""
    weight = {"CRITICAL": 0, "undefined": 1, "WARNING": 2}
    worst = min(
        state.kpis, key=lambda kpi: (weight.get(kpi.status, 4 - kpi.stale), kpi.value is not None), default=None
    )
    return [_kpi(worst, look)] if worst is not None else []


def _kpi(kpi: KpiReading, look: Look) -> Line:
    if kpi.value is None:
        return join(fit(put(kpi.title, "dim"), _LABEL), put(f"none: {kpi.reason or 'not published'}", "warn"))
    unit = kpi.unit if kpi.unit == "%" else ""
    beyond = kpi.critical if kpi.status == "CRITICAL" else kpi.warning
    limit = f"limit {'<' if kpi.worse_when == 'lower' else '>'} {beyond:g}" if beyond is not None else ""
    word, role = _STATUS.get(kpi.status, (kpi.status, "warn"))
    passed = (look.now - kpi.observed_at).total_seconds() if kpi.observed_at else None
    return _measured(kpi.title, f"{number(kpi.value, kpi.decimals)} {unit}", limit, word, role, _old(passed, kpi.stale))


def _gauges(state: State, look: Look) -> list[Line]:
    """Errors and latency."""
    found = {gauge.id: gauge for gauge in state.resources}
    return [_gauge(state, found[name], look) for name in ("ERR", "LAT") if name in found]


def _gauge(state: State, gauge: ResourceReading, look: Look) -> Line:
    label = _NAMES[gauge.id]
    if gauge.value is None:
        return join(fit(put(label, "dim"), _LABEL), put(f"missing: {gauge.reason or 'no sample'}", "warn"))
    condition = next((item for item in state.conditions if item.id == gauge.id), None)
    word = level_of(state, condition) if condition is not None and gauge.level == "C" else gauge.level
    bare = _SIGN.sub(r"\1 ", _TIER.sub("", _FOR.sub("", gauge.limit)))
    limit = f"limit {bare}" if bare else ""
    passed = (look.now - gauge.observed_at).total_seconds() if gauge.observed_at else None
    return _measured(label, gauge.text, limit, word, LEVELS[gauge.level], _old(passed, gauge.stale))


def _old(passed: float | None, stale: bool) -> str:
    return ("stale" if passed is None else f"stale {age(passed)}") if stale else ""


def _measured(label: str, value: str, limit: str, word: str, role: Role, old: str) -> Line:
    """A value that is too old says so where its limit stands."""
    shown = right(put(value, "stale" if old else "strong"), _VALUE)
    tail = put(old, "warn") if old else join(fit(put(limit, "dim"), _LIMIT), "  ", put(word, role))
    return join(fit(put(label, "dim"), _LABEL), shown, "  ", tail)


Answer = tuple[str, tuple[Line, ...]]


def _validation(state: State, look: Look) -> Answer:
    checks, list_ = state.checks, state.checklist
    passed = (look.now - checks.observed_at).total_seconds() if checks.observed_at else None
    when = f" {age(passed)} ago" if passed is not None else ""
    if checks.running:
        return "validation", (put("runs now", "info"),)
    if checks.status != "PASS":
        return "validation", (put(f"{checks.status}{when}", "crit" if checks.status in ("FAIL", "ERROR") else "warn"),)
    if checks.stale:
        return "validation", (put(f"PASS, stale{when.removesuffix(' ago')}", "warn"),)
    hourly = f"{list_.hourly_passed} of {list_.hourly_due} hourly PASS"
    if not list_.hourly_due:
        return "validation", (put(f"PASS{when}", "text"),)
    return "validation", (put(hourly, "text" if list_.hourly_passed == list_.hourly_due else "warn"),)


def _way_back(state: State, look: Look, room: int) -> Answer:
    way = state.way_back
    whole = header.how_it_stands(state, look)[0]
    if not way.ready or state.operation is not None or way.seconds is None:
        ink: Role = next((span.role for span in whole), "text")
        live, cut = way.release == state.release, clause(plain(whole).strip(), room)
        back = "a rollback" if look.read_only else key_of("rollback")
        short = (
            f"{way.release} is live" if live else f"{back} goes back" if state.operation is not None or not cut else cut
        )
        return "way back", (join(f"{way.release},", whole), put(short, ink))
    said = f", {way.basis} {age((look.now - way.basis_at).total_seconds())}" if way.basis and way.basis_at else ""
    words = f"{way.release}, {seconds(way.seconds)}"
    role: Role = "warn" if way.stale or way.note else "text"
    stale = ", stale" if way.stale else ""
    return "way back", (put(f"{words}{said}{stale}", role), put(f"{words}{stale or said}", role), put(words, role))


def _watch(state: State) -> Answer:
    holder = state.watch.holder
    return "on watch", (put(holder, "text") if holder else put("nobody", "dim" if state.phase == "BEFORE" else "warn"),)
