"""From the state of a tape to its KPIs; what has no value gives its reason."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from engine.config.kpis import KpiDefinition
from engine.errors import Refused
from engine.portfolio.column_state import Fault
from engine.portfolio.columns import fault_words, undated_words
from engine.portfolio.formula import Formula, Undefined
from engine.portfolio.plan import Plan, weighted_total
from engine.portfolio.results import Group, KpiValue, TapeKpis, business_status
from engine.portfolio.state import Partition, State

Duplicates = Callable[[str | None, int], int | None]
"""How many identities are repeated within a date of so many rows; None when that is not known."""


class Sums(Protocol):
    """What a formula asks of the rows of one date, whatever has added them up."""

    @property
    def rows(self) -> int:
        """How many rows there are."""

    def total(self, node: ast.expr) -> float:
        """The sum of a row expression. Undefined says why there is none."""

    def fault(self, name: str) -> Fault | None:
        """What in a column is no finite number."""


def finalise(
    state: State,
    plan: Plan,
    missing: Mapping[str, str],
    duplicates: Duplicates,
    engine: str,
    sha256: str | None = None,
    *,
    by_date: bool = False,
    pooled: bool = False,
) -> TapeKpis:
    """The KPIs of the latest date, or of all dates ``pooled``; with ``by_date`` also of every date.

    ``missing`` holds the sentence about each configured column that is not there.
    """
    if by_date and not state.dated:
        raise Refused(f"the tape has no column {plan.config.tape.date}, so there is no trend to show", "leave --by out")
    told = dict(missing)
    undated = f"{plan.config.tape.date}: {undated_words(state.undated)}" if state.undated is not None else ""

    def group(day: str | None, part: Partition, repeats: int | None, dates: int = 0) -> Group:
        kpis = kpis_of(ExactSums(part, plan), plan, told, undated)
        nulls = {name: column.missing for name, column in part.columns.items() if column.missing}
        finer = {name: column.finer for name, column in part.columns.items() if column.finer}
        return Group(day, part.rows, nulls, repeats, kpis, finer, dates)

    days: tuple[str | None, ...] = state.days or (None,)
    wanted = days if by_date else days[-1:]
    groups = []
    for day in wanted:
        part = state.parts.get(day, Partition())
        groups.append(group(day, part, duplicates(day, part.rows)))
    now = groups[-1]
    if pooled and len(days) > 1:
        counts = [duplicates(day, state.parts[day].rows) for day in days]
        known = [count for count in counts if count is not None]
        now = group(None, state.pooled(), sum(known) if len(known) == len(counts) else None, len(days))
    return TapeKpis(engine, sha256, state.rows, now, tuple(groups) if by_date else ())


@dataclass(frozen=True, slots=True)
class ExactSums:
    """The sums of a partition, each rounded once."""

    part: Partition
    plan: Plan

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.part.rows

    def total(self, node: ast.expr) -> float:
        """See :class:`Sums`."""

        def sums(name: str) -> tuple[int, int]:
            column = self.part.columns.get(name) or self.part.products[name]
            if name in self.part.products and (column.nans or column.infinite):
                raise Undefined(f"sum({name}) has a row without a finite value")
            return column.minor, column.rest

        return weighted_total(self.plan.weights[node], self.part.rows, sums, self.plan.config.tape.decimals, node)

    def fault(self, name: str) -> Fault | None:
        """See :class:`Sums`."""
        return self.part.columns[name].fault


def kpis_of(sums: Sums, plan: Plan, missing: Mapping[str, str], undated: str) -> dict[str, KpiValue]:
    """Every KPI in the order of the configuration."""
    kpis: dict[str, KpiValue] = {}
    for name, definition in plan.config.kpis.items():
        kpis[name] = _kpi(plan.formulas[name], definition, sums, kpis, missing, undated)
    return kpis


def _kpi(
    formula: Formula,
    definition: KpiDefinition,
    sums: Sums,
    above: dict[str, KpiValue],
    missing: Mapping[str, str],
    undated: str,
) -> KpiValue:
    def kpi(name: str) -> float:
        value = above[name].value
        if value is None:
            raise Undefined(f"{name} is undefined: {above[name].reason}")
        return value

    try:
        _check(formula, sums, missing, undated)
        value = formula.value(sums.total, kpi)
    except Undefined as undefined:
        return KpiValue(None, definition.unit, "undefined", str(undefined))
    if definition.hold_to is None:
        return KpiValue(value, definition.unit, business_status(definition, value))
    low, high = definition.hold_to
    held = min(max(value, low), high)
    return KpiValue(held, definition.unit, business_status(definition, held), None, value)


def _check(formula: Formula, sums: Sums, missing: Mapping[str, str], undated: str) -> None:
    """Undefined with the first thing that makes the formula meaningless here."""
    for name in formula.columns:
        if name in missing:
            raise Undefined(missing[name])
    if undated:
        raise Undefined(undated)
    if not sums.rows:
        raise Undefined("the tape has no rows")
    for name in formula.columns:
        fault = sums.fault(name)
        if fault is not None:
            raise Undefined(f"{name}: {fault_words(fault)}")
