"""What must hold within each row of a tape, over any of its columns: what breaks it is counted, the first rows kept.

A rule looks at one block of rows at a time, and what it found of two blocks is merged: memory stays flat.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from engine.config.kpis import ChecksSection, KpiConfig
from engine.portfolio.columns import Flags, Numbers
from engine.portfolio.formula import Formula, parse, parse_formulas

_CLOSE = 1e-9
"""Relative: what floating point does to a sum of cents."""
_SIGNS: dict[type[ast.operator], Callable[[Numbers, Numbers], Numbers]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
Columns = Mapping[str, Numbers]
Key = tuple[str, ...]
"""Of a rule: its kind, and the columns it is about."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that breaks a rule."""

    row: int
    name: str
    """Its identity and date, as far as the tape has them."""
    values: tuple[tuple[str, float], ...]
    """What was compared, by name."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What one rule found in some rows."""

    judged: int = 0
    count: int = 0
    first: tuple[Hit, ...] = ()

    def merge(self, other: Broken, most: int) -> Broken:
        """Both together; the first rows are those that stand highest in the tape."""
        first = sorted((*self.first, *other.first), key=lambda hit: hit.row)[:most]
        return Broken(self.judged + other.judged, self.count + other.count, tuple(first))

    def behind(self, rows: int) -> Broken:
        """The same with so many rows before them."""
        return replace(self, first=tuple(replace(hit, row=hit.row + rows) for hit in self.first))


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Of a block: which rows could be judged, which of them break the rule, and what to show of those."""

    judged: Flags
    broken: Flags
    shown: Mapping[str, Numbers]


@dataclass(frozen=True, slots=True)
class RowRule:
    """One rule: its key, the columns it cannot do without, and how it judges a block."""

    key: Key
    columns: tuple[str, ...]
    judge: Callable[[Columns], Verdicts]


def rules_of(config: KpiConfig, present: Sequence[str], unread: Sequence[str]) -> list[RowRule]:
    """The configured rules that these columns can answer. ``unread``: columns of money by age that are no buckets.

    FormulaError for a formula that cannot be used.
    """
    section = config.checks
    rules = [stated_rule(name, text, config, section.stated_tolerance) for name, text in section.stated.items()]
    rules += [never_rising_rule([name for name in chain if name in present]) for chain in section.never_rising]
    rules += [range_rule(name, interval[0], interval[1]) for name, interval in section.ranges.items()]
    rules += [unread_rule(name, _whole(name, section, present)) for name in unread]
    if unread:
        wholes = {name: _whole(name, section, present) for name in unread}
        rules.append(together_rule([name for name in config.tape.buckets if name in present], wholes, config))
    return [rule for rule in rules if rule.columns and set(rule.columns) <= set(present)]


def needs_rows(section: ChecksSection, present: Sequence[str], unread: Sequence[str]) -> bool:
    """Whether the tape has anything that these rules ask about: else nobody reads it once more."""
    asked = {*section.stated, *section.ranges}
    chains = any(sum(name in present for name in chain) > 1 for chain in section.never_rising)
    return bool(unread) or chains or not asked.isdisjoint(present)


def stated_rule(name: str, text: str, config: KpiConfig, tolerance: float) -> RowRule:
    """A column must be what its formula, or KPI, gives for the row's own columns."""
    formulas = parse_formulas(config)
    formula = formulas[text] if text in formulas else parse(f"checks.stated.{name}", text, _AnyName(), tuple(formulas))
    needed = _columns_of(formula, formulas)

    def judge(columns: Columns) -> Verdicts:
        with np.errstate(all="ignore"):
            given = _of_rows(formula, formulas, config, columns)
            stated = columns[name]
            apart = np.abs(stated - given)
            judged = np.isfinite(apart)
            broken = judged & (apart > tolerance + _CLOSE * np.abs(given))
        return Verdicts(judged, broken, {name: stated, "its sums give": given})

    return RowRule(("stated", name), (name, *needed), judge)


def never_rising_rule(chain: Sequence[str]) -> RowRule:
    """No column of the chain may be larger than the one before it; nulls are passed over with their row."""

    def judge(columns: Columns) -> Verdicts:
        values = [columns[name] for name in chain]
        judged, broken = np.isfinite(values[0]), np.zeros(len(values[0]), dtype=np.bool_)
        with np.errstate(all="ignore"):
            for one, next_one in pairwise(values):
                judged &= np.isfinite(next_one)
                broken |= next_one > one + _CLOSE * np.abs(one)
        return Verdicts(judged, judged & broken, dict(zip(chain, values, strict=True)))

    return RowRule(("never_rising", *chain), tuple(chain) if len(chain) > 1 else (), judge)


def range_rule(name: str, low: float, high: float) -> RowRule:
    """A column must lie in an interval, its ends included."""

    def judge(columns: Columns) -> Verdicts:
        values = columns[name]
        judged = ~np.isnan(values)
        return Verdicts(judged, judged & ((values < low) | (values > high)), {name: values})

    return RowRule(("range", name), (name,), judge)


def null_rule(name: str) -> RowRule:
    """A column must have a value; text that is no number is none either."""

    def judge(columns: Columns) -> Verdicts:
        missing = np.isnan(columns[name])
        return Verdicts(np.ones(len(missing), dtype=np.bool_), missing, {})

    return RowRule(("null", name), (name,), judge)


def unread_rule(name: str, whole: str) -> RowRule:
    """A column of money by age that no KPI sums must hold none, but what its ``whole`` (empty: none) holds as well."""

    def judge(columns: Columns) -> Verdicts:
        values = columns[name]
        beyond = _beyond(columns, name, whole)
        shown = {name: values, **({whole: columns[whole]} if whole else {})}
        return Verdicts(~np.isnan(values), beyond != 0, shown)

    return RowRule(("unread", name), (name, *([whole] if whole else [])), judge)


def together_rule(buckets: Sequence[str], unread: Mapping[str, str], config: KpiConfig) -> RowRule:
    """Buckets that fit into their whole must do so together with the money that stands beside them."""
    total = config.tape.total

    def judge(columns: Columns) -> Verdicts:
        whole = columns[total]
        together = np.zeros(len(whole))
        for name in buckets:
            together += np.nan_to_num(np.maximum(columns[name], 0), posinf=0)
        with np.errstate(all="ignore"):
            limit = whole * (1 + _CLOSE)
            fits = together <= limit
            for name, inside in unread.items():
                together += np.maximum(_beyond(columns, name, inside), 0)
            judged = np.isfinite(whole) & (whole >= 0)
            broken = judged & fits & (together > limit)
        return Verdicts(judged, broken, {"together": together, total: whole})

    wholes = [name for name in unread.values() if name]
    return RowRule(("together",), (total, *dict.fromkeys((*buckets, *unread, *wholes))), judge)


def _whole(name: str, section: ChecksSection, present: Sequence[str]) -> str:
    """The bucket that a column of money by age is a part of; empty: of none that is there."""
    whole = section.ages_within.get(name, "")
    return whole if whole in present else ""


def _beyond(columns: Columns, name: str, whole: str) -> Numbers:
    """What a column holds that its whole does not; cents that floating point makes of nothing are nothing."""
    values = np.nan_to_num(columns[name], posinf=0, neginf=0)
    if not whole:
        return values
    held = np.nan_to_num(columns[whole], posinf=0, neginf=0)
    return np.where(values > held + _CLOSE * np.abs(held), values - held, 0.0)


def judge_block(rules: Sequence[RowRule], columns: Columns, name: Callable[[int], str], most: int) -> dict[Key, Broken]:
    """What each rule found in a block of rows, numbered from 1; ``name`` tells what a row is called."""
    found = {}
    for rule in rules:
        verdicts = rule.judge(columns)
        places = np.flatnonzero(verdicts.broken)
        first = [
            Hit(place + 1, name(place), tuple((shown, float(of[place])) for shown, of in verdicts.shown.items()))
            for place in (int(one) for one in places[:most])
        ]
        found[rule.key] = Broken(int(np.count_nonzero(verdicts.judged)), int(places.size), tuple(first))
    return found


class _AnyName(tuple[str, ...]):
    """Any column may be named: whether the tape has it is seen when it is read."""

    def __contains__(self, name: object) -> bool:
        return True


def _columns_of(formula: Formula, formulas: Mapping[str, Formula]) -> tuple[str, ...]:
    above = [name for kpi in formula.kpis for name in _columns_of(formulas[kpi], formulas)]
    return tuple(dict.fromkeys((*formula.columns, *above)))


def _of_rows(formula: Formula, formulas: Mapping[str, Formula], config: KpiConfig, columns: Columns) -> Numbers:
    """The formula of every row by itself: NaN or infinite where it has no value there."""

    def value(node: ast.expr) -> Numbers:
        if isinstance(node, ast.Call):
            return value(node.args[0])
        if isinstance(node, ast.Name):
            return kpi(node.id) if node.id in formula.kpis else np.nan_to_num(columns[node.id], posinf=np.inf)
        if isinstance(node, ast.UnaryOp):
            return -value(node.operand) if isinstance(node.op, ast.USub) else value(node.operand)
        if isinstance(node, ast.BinOp):
            return _SIGNS[type(node.op)](value(node.left), value(node.right))
        assert isinstance(node, ast.Constant) and isinstance(node.value, int | float)
        return np.float64(node.value)  # type: ignore[return-value]

    def kpi(name: str) -> Numbers:
        found, hold = _of_rows(formulas[name], formulas, config, columns), config.kpis[name].hold_to
        return found if hold is None else np.clip(found, hold[0], hold[1])

    return value(formula.tree)
