"""Formulas: what they may say, and that nothing else is ever evaluated."""

from __future__ import annotations

import ast
import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.portfolio.formula import (
    FormulaError,
    Undefined,
    columns_behind,
    divisors_behind,
    parse,
    parse_formulas,
    row_values,
)

COLUMNS = ("a", "b", "c")


def value(text: str, **sums: float) -> float:
    formula = parse("K", text, COLUMNS, ("ABOVE",))
    return formula.value(lambda node: sums[ast.unparse(node)], lambda name: 7.0)


def test_the_four_operations_signs_and_parentheses_mean_what_they_mean_in_arithmetic() -> None:
    assert value("-(1 + 2) * 3 / +4 - 0.5") == -2.75


def test_sums_and_kpis_above_are_looked_up() -> None:
    assert value("sum(a + b) / sum(c) * 100 + ABOVE", **{"a + b": 3.0, "c": 4.0}) == 82.0


def test_a_zero_denominator_is_undefined_and_names_the_denominator() -> None:
    with pytest.raises(Undefined, match=r"^sum\(c\) is 0$"):
        value("sum(a) / sum(c)", a=1.0, c=0.0)


def test_a_result_beyond_all_numbers_is_undefined() -> None:
    with pytest.raises(Undefined, match="too large"):
        value("sum(a) * 10", a=1e308)


def test_row_values_work_on_columns() -> None:
    formula = parse("K", "sum(a * 2 - b)", COLUMNS, ())
    assert isinstance(formula.tree, ast.Call)
    assert row_values(formula.tree.args[0], {"a": 5.0, "b": 1.0}.__getitem__) == 9.0


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('true')",
        "sum(a).real",
        "(lambda: 1)()",
        "sum(a) ** 2",
        "sum(a) // 2",
        "sum(a) if 1 else 2",
        "sum(a, b)",
        "sum(sum(a))",
        "sum(*a)",
        "sum(x for x in a)",
        "max(a)",
        "'text'",
        "True",
        "1j",
        "a[0]",
        "f'{a}'",
        "sum(1)",
        "not 1",
        "1 < 2",
        "",
        "sum(a",
        "sum(a) /",
        "(" * 300 + "1" + ")" * 300,
        "1" * 3000,
    ],
)
def test_anything_else_is_refused_with_a_sentence(text: str) -> None:
    with pytest.raises(FormulaError) as refused:
        parse("K", text, COLUMNS, ())
    assert "kpis.K.formula" in refused.value.what
    assert refused.value.fix


def test_a_misspelt_column_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(FormulaError) as refused:
        parse("K", "sum(cash_availble_usd)", ("cash_available_usd",), ())
    assert refused.value.fix == "did you mean cash_available_usd?"


def test_a_column_outside_of_a_sum_is_refused_with_what_was_meant() -> None:
    with pytest.raises(FormulaError) as refused:
        parse("K", "a / sum(b)", COLUMNS, ())
    assert refused.value.fix == "sum(a)"


def test_a_kpi_can_only_use_those_above_it() -> None:
    with pytest.raises(FormulaError, match="BELOW"):
        parse("K", "BELOW * 2", COLUMNS, ("ABOVE",))


def test_dependencies_are_followed_through_other_kpis(kpis) -> None:  # type: ignore[no-untyped-def]
    formulas = parse_formulas(kpis)
    assert columns_behind("PortfolioHealth", formulas) == {
        "dpd_30_60_usd",
        "dpd_60_90_usd",
        "dpd_90_plus_usd",
        "total_receivable_usd",
        "cash_available_usd",
        "total_eligible_usd",
    }
    assert divisors_behind("PortfolioHealth", formulas) == {"total_receivable_usd", "total_eligible_usd"}
    assert divisors_behind("PAR90", formulas) == {"total_receivable_usd"}


NUMBERS = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False).map(lambda number: f"({number!r})")
TEXTS = st.recursive(
    NUMBERS, lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({' '.join(parts)})")
)


@given(TEXTS)
def test_formulas_of_numbers_equal_python_arithmetic(text: str) -> None:
    try:
        expected = eval(text)
    except ZeroDivisionError:
        expected = math.nan
    if math.isfinite(expected):
        assert value(text) == expected
    else:
        with pytest.raises(Undefined):
            value(text)


@given(st.text(max_size=40))
def test_no_text_whatever_raises_anything_but_a_formula_error(text: str) -> None:
    with contextlib.suppress(FormulaError):
        parse("K", text, COLUMNS, ())
