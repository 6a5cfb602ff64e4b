"""The fast way for a frame that is watched, as in a notebook: sums as doubles, read once at the speed of memory.

No command uses it: the console shows what the releases published. It agrees with the exact state to 1e-9 of the amounts
that were added up; its last bits depend on the order of the rows.
"""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from engine.portfolio.column_state import Fault
from engine.portfolio.finalise import kpis_of
from engine.portfolio.formula import Undefined
from engine.portfolio.frame_columns import amounts, dates, only_day
from engine.portfolio.measure import BLOCK
from engine.portfolio.missing import missing_columns
from engine.portfolio.plan import Plan, product_values
from engine.portfolio.results import Group
from engine.portfolio.state import Rows, rows_by_day

Numbers = npt.NDArray[np.float64]


def live(frame: pd.DataFrame, plan: Plan) -> Group:
    """The KPIs of a frame's latest date; nulls are those of the columns that KPIs need, duplicates are not sought."""
    date = plan.config.tape.date
    found = _present(frame, (date, *plan.needed))
    day, where, undated = _now(found[date]) if date in found else (None, None, "")
    columns = {name: _column(found[name], where) for name in plan.needed if name in found}
    missing = missing_columns(plan.needed, list(frame.columns)) if len(columns) < len(plan.needed) else {}
    sums = _FloatSums(len(frame) if where is None else _length(where), columns, frame, where, plan)
    kpis = kpis_of(sums, plan, missing, f"{date}: {undated}" if undated else "")
    return Group(day, sums.rows, {name: column.nulls for name, column in columns.items() if column.nulls}, None, kpis)


def _present(frame: pd.DataFrame, names: tuple[str, ...]) -> dict[str, pd.Series[Any]]:
    """Those of the columns that are there; to ask first would take as long as to take them."""
    found = {}
    for name in names:
        try:
            found[name] = frame[name]
        except KeyError:
            continue
    return found


def total_of(values: Numbers) -> float:
    """The sum of doubles: within a block as they come, block to block exactly."""
    if len(values) <= BLOCK:
        return float(np.einsum("i->", values))
    parts = [float(np.einsum("i->", values[at : at + BLOCK])) for at in range(0, len(values), BLOCK)]
    return math.fsum(parts) if all(map(math.isfinite, parts)) else math.nan


class _Column(NamedTuple):
    total: float
    nulls: int = 0
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class _FloatSums:
    """See :class:`engine.portfolio.finalise.Sums`."""

    rows: int
    columns: Mapping[str, _Column]
    frame: pd.DataFrame
    where: Rows | None
    plan: Plan

    def total(self, node: ast.expr) -> float:
        weights = self.plan.weights[node]
        whole = float(weights.constant) * self.rows
        for name, weight in weights.columns.items():
            whole += weight * (self.columns[name].total if name in self.columns else self._product(name))
        if not math.isfinite(whole):
            raise Undefined(f"sum({ast.unparse(node)}) is too large for a number")
        return whole

    def fault(self, name: str) -> Fault | None:
        return self.columns[name].fault

    def _product(self, text: str) -> float:
        node, _ = self.plan.products[text]
        values = product_values(node, lambda name: _chosen(amounts(self.frame[name]).values, self.where), self.rows)
        whole = total_of(values)
        if not math.isfinite(whole):
            raise Undefined(f"sum({text}) has a row without a finite value")
        return whole


def _now(raw: pd.Series[Any]) -> tuple[str | None, Rows | None, str]:
    """The latest date, its rows (None: all of them), and what is wrong with the dates."""
    only = only_day(raw)
    if only is not None:
        return only, None, ""
    found = dates(raw)
    if not found.days:
        return None, np.arange(0), found.fault
    return found.days[-1], rows_by_day(found)[found.days[-1]], found.fault


def _length(where: Rows) -> int:
    return where.stop - where.start if isinstance(where, slice) else len(where)


def _chosen(values: npt.NDArray[Any], where: Rows | None) -> npt.NDArray[Any]:
    return values if where is None else values[where]


def _column(raw: pd.Series[Any], where: Rows | None) -> _Column:
    values = raw.to_numpy()
    if values.dtype == np.float64:
        total = total_of(_chosen(values, where))
        if math.isfinite(total):
            return _Column(total)
    return _careful(raw, where)


def _careful(raw: pd.Series[Any], where: Rows | None) -> _Column:
    """A column with nulls or faults, or of another type than doubles."""
    column = amounts(raw)
    numbers = _chosen(column.numbers, where)
    total, nans = _filled_total(numbers)
    unparsed = _chosen(column.unparsed, where) if column.unparsed is not None else None
    faults = np.zeros(0, dtype=np.intp)
    if unparsed is not None or not math.isfinite(total):
        faults = np.flatnonzero(_chosen(column.faults, where))
    nulls = nans - (int(np.count_nonzero(unparsed)) if unparsed is not None else 0)
    if not len(faults):
        return _Column(total, nulls)
    first = int(faults[0])
    place = first if where is None else (where.start + first if isinstance(where, slice) else int(where[first]))
    return _Column(total, nulls, column.fault_at(len(faults), place, place + 1))


def _filled_total(numbers: Numbers) -> tuple[float, int]:
    """The sum without NaN, and how many NaN there are; a sum beyond all numbers or of infinities is NaN or infinite."""
    length = min(BLOCK, len(numbers))
    room, flags, zeros = np.empty(length), np.empty(length, dtype=np.bool_), np.zeros(length)
    parts, nans = [], 0
    with np.errstate(all="ignore"):
        for at in range(0, len(numbers), BLOCK):
            block = numbers[at : at + BLOCK]
            filled, absent = room[: len(block)], flags[: len(block)]
            np.not_equal(block, block, out=absent)
            if np.fmin.reduce(block) >= 0:  # the larger of each and 0 is found in half the time
                np.fmax(block, zeros[: len(block)], out=filled)
            else:
                np.copyto(filled, block)
                np.copyto(filled, 0.0, where=absent)
            nans += int(np.count_nonzero(absent))
            parts.append(float(np.einsum("i->", filled)))
    return (math.fsum(parts) if all(map(math.isfinite, parts)) else math.nan), nans
