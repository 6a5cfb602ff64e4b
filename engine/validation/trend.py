"""The history as a trend: one series for each figure and KPI, with what is usual of it."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine.errors import Refused, nearest
from engine.validation.history import FIGURES, Kept
from engine.validation.model import CHECKS, Status

SHORT: dict[str, str] = {
    "kpi_calculations": "kpi",
    "data_integrity": "data",
    "performance": "perf",
    "error_handling": "err",
    "audit_trail": "aud",
}
"""A check's name where there is room for four letters."""
LETTERS: dict[Status, str] = {"PASS": "ok", "WARN": "W", "FAIL": "F", "ERROR": "E", "NOT RUN": "-"}


@dataclass(frozen=True, slots=True)
class Series:
    """One figure over the validations, oldest first; None where it was not measured."""

    name: str
    values: tuple[float | None, ...]

    @property
    def known(self) -> tuple[float, ...]:
        """Those that were measured."""
        return tuple(value for value in self.values if value is not None)

    @property
    def last(self) -> float | None:
        """Of the newest validation."""
        return self.values[-1] if self.values else None

    @property
    def usual(self) -> tuple[float, float, float] | None:
        """Least, median and largest; None where nothing was measured."""
        known = self.known
        return (min(known), statistics.median(known), max(known)) if known else None


def known_figures(kpis: Iterable[str]) -> tuple[str, ...]:
    """The name of everything that can be shown as a trend."""
    return (*kpis, *(name for name in FIGURES if name not in set(kpis)))


def chosen(names: Sequence[str], kpis: Sequence[str]) -> tuple[str, ...]:
    """These figures, or where none is named rows and the KPIs. Refused for a name that is none."""
    known = known_figures(kpis)
    for name in names:
        if name not in known:
            near = nearest(name, known)
            fix = f"did you mean {near}? " if near else ""
            raise Refused(f"there is no figure {name!r}", f"{fix}one of: {', '.join(known)}")
    return tuple(dict.fromkeys(names)) or ("rows", *kpis)


def series(kept: Sequence[Kept], name: str) -> Series:
    """One figure, or KPI, of each validation."""
    return Series(name, tuple(one.kpis[name] if name in one.kpis else one.figures.get(name) for one in kept))


def letters(one: Kept) -> tuple[str, ...]:
    """The verdict of each check, in the order of the report."""
    return tuple(LETTERS[one.checks[name]] if name in one.checks else "-" for name in CHECKS)


def number(value: float | None) -> str:
    """A figure in few characters: whole where it is whole, else two decimals, or three digits of a small one."""
    if value is None:
        return "-"
    if value == int(value) and abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if abs(value) >= 0.1 else f"{value:.3g}"
