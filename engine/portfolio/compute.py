"""Computing the KPIs of a tape: full precision, correctly rounded sums, so that neither row order nor chunks matter."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.config.kpis import KpiConfig, KpiDefinition
from engine.errors import Refused
from engine.portfolio.formula import Formula, Undefined, parse_formulas, row_values
from engine.portfolio.results import Group, KpiValue, TapeKpis, business_status
from engine.portfolio.tape import Tape, read_tape

ENGINE = "pandas"


def compute_tape(path: Path, config: KpiConfig, *, by_date: bool = False) -> TapeKpis:
    """The KPIs of the tape at ``path``; with ``by_date`` also those of every date.

    TapeUnreadable when it is no tape; Refused for ``by_date`` on a tape without dates.
    """
    return compute(read_tape(path, config.tape), config, by_date=by_date)


def compute(tape: Tape, config: KpiConfig, *, by_date: bool = False) -> TapeKpis:
    """The KPIs of a tape that was read."""
    if by_date and tape.dates is None:
        raise Refused(f"the tape has no column {config.tape.date}, so there is no trend to show", "leave --by out")
    formulas = parse_formulas(config)
    days = tape.dates.days if tape.dates is not None else ()
    wanted = (days if by_date else days[-1:]) or (None,)
    groups = tuple(_group(tape, day, config, formulas) for day in wanted)
    return TapeKpis(ENGINE, tape.sha256, tape.rows, groups[-1], groups if by_date else ())


class _Rows:
    """The rows of one date: sums over them, and what stands in the way of a sum."""

    def __init__(self, tape: Tape, rows: npt.NDArray[np.intp], date_fault: str) -> None:
        self._tape = tape
        self._rows = rows
        self._date_fault = date_fault

    def total(self, node: ast.expr) -> float:
        """The correctly rounded sum of a row expression; Undefined when a column it needs cannot be summed."""
        with np.errstate(all="ignore"):
            values = np.broadcast_to(row_values(node, self._column), self._rows.shape)
        if not np.isfinite(values).all():
            raise Undefined(f"sum({ast.unparse(node)}) has a row without a finite value")
        try:
            return math.fsum(values.tolist())
        except OverflowError:
            raise Undefined(f"sum({ast.unparse(node)}) is too large for a number") from None

    def _column(self, name: str) -> npt.NDArray[np.float64]:
        return self._tape.amounts[name].values[self._rows]

    def check(self, formula: Formula) -> None:
        """Undefined with the first thing that makes the formula meaningless here."""
        for name in formula.columns:
            if name in self._tape.missing:
                raise Undefined(self._tape.missing[name])
        if self._date_fault:
            raise Undefined(self._date_fault)
        if not self._rows.size:
            raise Undefined("the tape has no rows")
        for name in formula.columns:
            fault = self._tape.amounts[name].fault(self._rows)
            if fault:
                raise Undefined(f"{name}: {fault}")

    def nulls(self) -> dict[str, int]:
        """Nulls per column that has some."""
        counts = {name: int(column.nulls[self._rows].sum()) for name, column in self._tape.amounts.items()}
        return {name: count for name, count in counts.items() if count}


def _group(tape: Tape, day: str | None, config: KpiConfig, formulas: dict[str, Formula]) -> Group:
    rows = _rows_of(tape, day)
    fault = f"{config.tape.date}: {tape.dates.fault}" if tape.dates is not None and tape.dates.fault else ""
    data = _Rows(tape, rows, fault)
    kpis: dict[str, KpiValue] = {}
    for name, definition in config.kpis.items():
        kpis[name] = _kpi(formulas[name], definition, data, kpis)
    return Group(day, int(rows.size), data.nulls(), _duplicates(tape, rows, day), kpis)


def _rows_of(tape: Tape, day: str | None) -> npt.NDArray[np.intp]:
    if tape.dates is None:
        return np.arange(tape.rows, dtype=np.intp)
    if day is None:  # no row has a readable date: none of them is known to be of now
        return np.arange(0, dtype=np.intp)
    return np.flatnonzero(tape.dates.of_row == tape.dates.days.index(day))


def _kpi(formula: Formula, definition: KpiDefinition, rows: _Rows, above: dict[str, KpiValue]) -> KpiValue:
    def kpi(name: str) -> float:
        value = above[name].value
        if value is None:
            raise Undefined(f"{name} is undefined: {above[name].reason}")
        return value

    try:
        rows.check(formula)
        value = formula.value(rows.total, kpi)
    except Undefined as undefined:
        return KpiValue(None, definition.unit, "undefined", str(undefined))
    if definition.hold_to is None:
        return KpiValue(value, definition.unit, business_status(definition, value))
    low, high = definition.hold_to
    held = min(max(value, low), high)
    return KpiValue(held, definition.unit, business_status(definition, held), None, value)


def _duplicates(tape: Tape, rows: npt.NDArray[np.intp], day: str | None) -> int | None:
    """Within one date a repeated identity is a repeated (id, date); a period file holds one row per date."""
    if tape.ids is not None:
        ids: pd.Series[str] = tape.ids.iloc[rows].dropna()
        return int(ids.duplicated().sum())
    return 0 if day is not None and rows.size <= 1 else None
