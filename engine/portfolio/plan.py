"""What the configured KPIs need of a tape: which columns, and each ``sum(...)`` as a weighted sum of column totals."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from engine.config.kpis import KpiConfig
from engine.portfolio.column_state import exact_ratio
from engine.portfolio.formula import Formula, Undefined, parse_formulas, row_values

Number = int | Fraction
Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Weights:
    """A row expression as constant times rows plus weighted columns, so that its sum follows from theirs."""

    columns: Mapping[str, Number]
    constant: Number = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The formulas of a configuration, made ready once for any number of tapes."""

    config: KpiConfig
    formulas: dict[str, Formula]
    weights: dict[ast.expr, Weights]
    """Of every expression summed by a formula, by its place in the formula."""
    products: dict[str, tuple[ast.expr, tuple[str, ...]]]
    """Expressions that are no weighted sums, by their text, with their columns: measured row by row like columns."""

    needed: tuple[str, ...]
    """The columns that the formulas sum, in the order of the tape's definition."""


def plan_of(config: KpiConfig) -> Plan:
    """Parse the formulas. FormulaError names the KPI and what is wrong."""
    formulas = parse_formulas(config)
    weights: dict[ast.expr, Weights] = {}
    products: dict[str, tuple[ast.expr, tuple[str, ...]]] = {}
    for formula in formulas.values():
        for node in formula.sums:
            found = _weights(node)
            if found is None:
                text = ast.unparse(node)
                products[text] = (node, tuple(part.id for part in ast.walk(node) if isinstance(part, ast.Name)))
                found = Weights({text: 1})
            weights[node] = found
    used = {name for formula in formulas.values() for name in formula.columns}
    return Plan(config, formulas, weights, products, tuple(name for name in config.tape.amounts if name in used))


def weighted_total(
    weights: Weights, rows: int, sums: Callable[[str], tuple[int, int]], decimals: int, node: ast.expr
) -> float:
    """The exact sum, rounded once; ``sums`` gives a column's minor units and rest. Undefined when it is too large."""
    minor: Number = weights.constant * rows * 10**decimals
    rest: Number = 0
    for name, weight in weights.columns.items():
        units, finer = sums(name)
        minor += weight * units
        rest += weight * finer
    try:
        return exact_ratio(minor, rest, decimals)
    except OverflowError:
        raise Undefined(f"sum({ast.unparse(node)}) is too large for a number") from None


def product_values(node: ast.expr, column: Callable[[str], Numbers], rows: int) -> Numbers:
    """What stands inside ``sum(...)`` for every row, where it is no weighted sum."""
    with np.errstate(all="ignore"):
        return np.ascontiguousarray(np.broadcast_to(row_values(node, column), (rows,)), dtype=np.float64)


def _weights(node: ast.expr) -> Weights | None:
    if isinstance(node, ast.Name):
        return Weights({node.id: 1})
    if isinstance(node, ast.UnaryOp):
        inner = _weights(node.operand)
        return None if inner is None else _scaled(inner, -1 if isinstance(node.op, ast.USub) else 1)
    if not isinstance(node, ast.BinOp):
        return _constant(node)
    left, right = _weights(node.left), _weights(node.right)
    if left is None or right is None:
        return None
    match node.op:
        case ast.Add():
            return _added(left, right)
        case ast.Sub():
            return _added(left, _scaled(right, -1))
        case ast.Mult() if not left.columns:
            return _scaled(right, left.constant)
        case ast.Mult() if not right.columns:
            return _scaled(left, right.constant)
        case ast.Div() if not right.columns and right.constant:
            return _scaled(left, Fraction(1) / right.constant)
    return None


def _constant(node: ast.expr) -> Weights | None:
    assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return Weights({}, _plain(Fraction(node.value))) if math.isfinite(node.value) else None


def _scaled(weights: Weights, factor: Number) -> Weights:
    return Weights(
        {name: _plain(weight * factor) for name, weight in weights.columns.items()}, _plain(weights.constant * factor)
    )


def _added(one: Weights, two: Weights) -> Weights:
    names = dict.fromkeys((*one.columns, *two.columns))
    return Weights(
        {name: _plain(one.columns.get(name, 0) + two.columns.get(name, 0)) for name in names},
        _plain(one.constant + two.constant),
    )


def _plain(number: Number) -> Number:
    """An integer where it is one: integers are quick."""
    return int(number) if number.denominator == 1 else number
