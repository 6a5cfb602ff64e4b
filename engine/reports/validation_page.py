"""A validation report as one HTML file: what is wrong, every question with its limit and rows, and the trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.config import Deployment
from engine.reports.render import TEMPLATES, environment
from engine.reports.svg import element, title
from engine.validation.history import Kept
from engine.validation.model import Check, Part, Report, Status
from engine.validation.trend import Series, letters, number, series

TITLES = {
    "kpi_calculations": ("KPI calculations", "Did the release publish what the tape gives?"),
    "data_integrity": ("Data integrity", "Is the tape sound, and is what was published still there?"),
    "performance": ("Performance", "Are the runs fast enough?"),
    "error_handling": ("Error handling", "Are odd tapes answered as documented, and do few rows fail?"),
    "audit_trail": ("Audit trail", "Is it unbroken, and did every run leave its events?"),
}
SHOWN = 60
"""Validations of the trend."""
_FIGURES = ("rows", "null_percent", "latency_ms_per_1000_rows", "run_seconds")
"""Shown as a trend beside the KPIs."""
_W, _H, _PAD = 220.0, 44.0, 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """A part as the page shows it."""

    part: Part
    word: str
    """Its status; a finding that changes no verdict is a NOTE."""
    above: bool
    """Whether its sentence stands at the top of the page already."""


@dataclass(frozen=True, slots=True)
class Trend:
    """One figure over the validations."""

    name: str
    drawing: Any
    last: str
    usual: str


def page(deployment: Deployment, report: Report, history: Sequence[Kept]) -> str:
    """The whole page; ``history``: kept validations, oldest first, this one among them."""
    from markupsafe import Markup

    before = _until(report, history)
    every = [part for check in report.checks.values() for part in check.parts]
    style = (TEMPLATES / "validation.css").read_text(encoding="utf-8")
    return (
        environment("html")
        .get_template("validation.html.j2")
        .render(
            report=report,
            deployment=deployment.console.deployment,
            style=Markup(style),  # noqa: S704 - our own file
            checks=[
                (name, *TITLES.get(name, (name, "")), check, _questions(check)) for name, check in checks_of(report)
            ],
            passed=sum(check.status == "PASS" for check in report.checks.values()),
            counts=_counts(every),
            wrong=[(title, check, *_told(check)) for title, check in _named(report) if check.issues],
            notes=[part for part in every if _word(part) == "NOTE"],
            kpis=_kpis(report),
            trends=_trends(deployment, before),
            rows=[(one, letters(one)) for one in reversed(before[-12:])],
            shown=len(before),
        )
    )


def checks_of(report: Report) -> list[tuple[str, Check]]:
    """The checks, what is wrong first."""
    weight: dict[Status, int] = {"ERROR": 0, "FAIL": 0, "NOT RUN": 1, "WARN": 2, "PASS": 3}
    return sorted(report.checks.items(), key=lambda item: weight[item[1].status])


def _named(report: Report) -> list[tuple[str, Check]]:
    return [(TITLES.get(name, (name, ""))[0], check) for name, check in checks_of(report)]


def _told(check: Check) -> tuple[list[Part], list[str]]:
    """The parts that found something, and the issues that are no part's."""
    parts = [part for part in check.parts if part.issues and _word(part) != "NOTE"]
    of_parts = {issue for part in parts for issue in part.issues}
    return parts, [issue for issue in check.issues if issue not in of_parts]


def _until(report: Report, history: Sequence[Kept]) -> list[Kept]:
    """Live validations up to this one; a trial is not set beside them."""
    return [one for one in history if one.live and one.timestamp <= report.timestamp][-SHOWN:]


def _word(part: Part) -> str:
    return "NOTE" if part.severity == "note" and part.status == "WARN" else part.status


def _questions(check: Check) -> list[Question]:
    weight = {"ERROR": 0, "FAIL": 0, "WARN": 1, "NOTE": 2, "PASS": 3, "NOT RUN": 4}
    made = [Question(part, _word(part), bool(part.issues) or part.summary in check.issues) for part in check.parts]
    return sorted(made, key=lambda one: weight[one.word])


def _counts(parts: Sequence[Part]) -> list[tuple[str, int]]:
    """How many questions have which answer, worst first; those that none has are left out."""
    words = [_word(part) for part in parts]
    order = ("ERROR", "FAIL", "WARN", "NOTE", "NOT RUN", "PASS")
    return [(word, words.count(word)) for word in order if word in words]


def _kpis(report: Report) -> list[tuple[str, str, str, str, bool]]:
    """Name, published, recomputed, difference, whether they agree."""
    check = report.checks.get("kpi_calculations")
    found = check.figures.get("kpis") if check is not None else None
    rows = []
    for name, figure in (found or {}).items() if isinstance(found, dict) else ():
        if isinstance(figure, dict):
            cells = [_cell(figure.get(key)) for key in ("published", "recomputed", "difference")]
            rows.append((name, cells[0], cells[1], cells[2], figure.get("agrees") is True))
    return rows


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.6g}"
    return "-" if value is None else str(value)


def _trends(deployment: Deployment, kept: Sequence[Kept]) -> list[Trend]:
    from markupsafe import Markup

    made = []
    for name in (*deployment.kpis.kpis, *_FIGURES):
        found = series(kept, name)
        if (usual := found.usual) is None:
            continue
        words = f"{number(usual[0])} to {number(usual[2])}, median {number(usual[1])}"
        drawing = Markup(drawn(found, kept))  # noqa: S704 - every attribute and text is escaped there
        made.append(Trend(name.replace("_", " "), drawing, number(found.last), words))
    return made


def drawn(found: Series, kept: Sequence[Kept]) -> str:
    """A small plot: the line, and a mark where a validation did not pass."""
    low, _, high = found.usual or (0.0, 0.0, 0.0)
    step = (_W - 2 * _PAD) / max(len(found.values) - 1, 1)
    points = [
        (_PAD + at * step, _H / 2 if high == low else _H - _PAD - (value - low) / (high - low) * (_H - 2 * _PAD), one)
        for at, (value, one) in enumerate(zip(found.values, kept, strict=True))
        if value is not None
    ]
    line = element("polyline", points=" ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points), cls="line")
    marks = [
        element(
            "circle", title(f"{one.timestamp[:16]}Z {one.status}"), cx=x, cy=y, r=3.0, cls=f"dot s-{one.status[:1]}"
        )
        for x, y, one in points
        if one.status != "PASS"
    ]
    last = [element("circle", cx=x, cy=y, r=2.5, cls="dot last") for x, y, _ in points[-1:]]
    return element(
        "svg",
        line,
        *last,
        *marks,
        viewBox=f"0 0 {_W:g} {_H:g}",
        preserveAspectRatio="xMinYMid meet",
        role="img",
        aria_label=found.name,
    )
