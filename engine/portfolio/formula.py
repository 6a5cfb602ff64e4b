"""KPI formulas: numbers, ``+ - * /``, parentheses, ``sum(...)`` over columns, and KPIs defined above.

A formula is parsed by Python's own parser and walked over a whitelist; it is never evaluated as code.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from engine.config.kpis import KpiConfig
from engine.errors import OpsError, meant

_LONGEST = 2000
_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_SIGNS: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}


class FormulaError(OpsError):
    """A formula in ``config/kpis.yml`` that cannot be used."""

    def __init__(self, kpi: str, what: str, fix: str) -> None:
        super().__init__(f"config/kpis.yml: kpis.{kpi}.formula {what}", fix)


class Undefined(Exception):
    """The formula has no value on this tape; the text is the reason that people are told."""


@dataclass(frozen=True, slots=True)
class Formula:
    """One parsed formula."""

    kpi: str
    tree: ast.expr
    columns: tuple[str, ...]
    """Columns it sums itself, in order of appearance; those of the KPIs it uses are not among them."""
    kpis: tuple[str, ...]
    """KPIs it uses."""
    divisors: tuple[str, ...]
    """Columns summed below a fraction line."""

    @property
    def sums(self) -> tuple[ast.expr, ...]:
        """What stands inside each ``sum(...)``, in no particular order."""
        return tuple(call.args[0] for call in _sums(self.tree))

    def value(self, total: Callable[[ast.expr], float], kpi: Callable[[str], float]) -> float:
        """Its value, given what ``sum`` of a row expression is, and the KPIs above it. Undefined says why not."""
        result = _value(self.tree, total, kpi)
        if not math.isfinite(result):
            raise Undefined("the result is too large for a number")
        return result


def parse_formulas(config: KpiConfig) -> dict[str, Formula]:
    """Every formula of the configuration, in its order. FormulaError names the KPI and what is wrong."""
    formulas: dict[str, Formula] = {}
    for kpi, definition in config.kpis.items():
        formulas[kpi] = parse(kpi, definition.formula, config.tape.amounts, tuple(formulas))
    return formulas


def parse(kpi: str, text: str, columns: Collection[str], above: Collection[str]) -> Formula:
    """Parse one formula that may sum ``columns`` and use the KPIs ``above`` it."""
    if len(text) > _LONGEST:
        raise FormulaError(kpi, f"is {len(text)} characters long", f"at most {_LONGEST}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        said = error.msg if isinstance(error, SyntaxError) else str(error)
        raise FormulaError(kpi, f"cannot be read: {said}", 'such as "sum(a + b) / sum(c) * 100"') from error
    _check(tree, _Grammar(kpi, columns, above), in_sum=False)
    return Formula(
        kpi,
        tree,
        columns=_unique(_columns(tree)),
        kpis=_unique(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in above),
        divisors=_unique(_divisors(tree)),
    )


def columns_behind(kpi: str, formulas: dict[str, Formula]) -> frozenset[str]:
    """Every column that ``kpi`` rests on, also through other KPIs."""
    formula = formulas[kpi]
    return frozenset(formula.columns).union(*(columns_behind(name, formulas) for name in formula.kpis))


def divisors_behind(kpi: str, formulas: dict[str, Formula]) -> frozenset[str]:
    """Every column that stands below a fraction line of ``kpi``, also through other KPIs."""
    formula = formulas[kpi]
    return frozenset(formula.divisors).union(*(divisors_behind(name, formulas) for name in formula.kpis))


def row_values(node: ast.expr, column: Callable[[str], Any]) -> Any:
    """What stands inside ``sum(...)``, for all rows at once; ``column`` gives a column's numbers."""
    if isinstance(node, ast.Name):
        return column(node.id)
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](row_values(node.left, column), row_values(node.right, column))
    if isinstance(node, ast.UnaryOp):
        return _SIGNS[type(node.op)](row_values(node.operand, column))
    return _number(node)


@dataclass(frozen=True, slots=True)
class _Grammar:
    kpi: str
    columns: Collection[str]
    above: Collection[str]


def _check(node: ast.expr, grammar: _Grammar, *, in_sum: bool) -> None:
    match node:
        case ast.Constant(value=bool()):
            pass
        case ast.Constant(value=int() | float()):
            return
        case ast.Name(id=name):
            _check_name(name, grammar, in_sum=in_sum)
            return
        case ast.BinOp(op=sign) if type(sign) in _OPERATORS:
            _check(node.left, grammar, in_sum=in_sum)
            _check(node.right, grammar, in_sum=in_sum)
            return
        case ast.UnaryOp(op=sign) if type(sign) in _SIGNS:
            _check(node.operand, grammar, in_sum=in_sum)
            return
        case ast.Call(func=ast.Name(id="sum"), args=[inner], keywords=[]) if not in_sum:
            if not any(isinstance(part, ast.Name) for part in ast.walk(inner)):
                raise FormulaError(grammar.kpi, f"sums no column: {ast.unparse(node)}", "name one of tape.amounts")
            _check(inner, grammar, in_sum=True)
            return
    raise FormulaError(
        grammar.kpi,
        f"has {ast.unparse(node)[:60]!r}, which has no meaning there",
        "known are numbers, + - * /, parentheses, sum(columns), and KPIs that stand above",
    )


def _check_name(name: str, grammar: _Grammar, *, in_sum: bool) -> None:
    known = grammar.columns if in_sum else grammar.above
    if name in known:
        return
    if not in_sum and name in grammar.columns:
        raise FormulaError(grammar.kpi, f"uses the column {name} outside of sum(...)", f"sum({name})")
    what = "a column of tape.amounts" if in_sum else "a KPI that stands above it"
    fix = meant(name, known, "known") if known else "known: none"
    raise FormulaError(grammar.kpi, f"names {name}, which is not {what}", fix)


def _value(node: ast.expr, total: Callable[[ast.expr], float], kpi: Callable[[str], float]) -> float:
    if isinstance(node, ast.Call):
        return total(node.args[0])
    if isinstance(node, ast.Name):
        return kpi(node.id)
    if isinstance(node, ast.UnaryOp):
        return float(_SIGNS[type(node.op)](_value(node.operand, total, kpi)))
    if not isinstance(node, ast.BinOp):
        return _number(node)
    left, right = _value(node.left, total, kpi), _value(node.right, total, kpi)
    if isinstance(node.op, ast.Div) and right == 0:
        raise Undefined(f"{ast.unparse(node.right)} is 0")
    return float(_OPERATORS[type(node.op)](left, right))


def _number(node: ast.expr) -> float:
    assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
    return float(node.value)


def _columns(node: ast.AST) -> Iterator[str]:
    for call in _sums(node):
        for part in ast.walk(call.args[0]):
            if isinstance(part, ast.Name):
                yield part.id


def _divisors(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, ast.BinOp) and isinstance(part.op, ast.Div):
            yield from _columns(part.right)


def _sums(node: ast.AST) -> Iterator[ast.Call]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Call))


def _unique(names: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))
