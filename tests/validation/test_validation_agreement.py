"""When values agree: half a unit for publishing, and the rule of the facts between two releases."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.portfolio.results import Group, KpiValue
from engine.validation.agreement import compare, variance


def group(value: float | None) -> Group:
    reason = "why" if value is None else None
    return Group("2025-12-31", 5, {}, 0, {"K": KpiValue(value, "%", "ok", reason)})


def answer(value: object, reason: object = None) -> dict[str, object]:
    return {"measurement_date": "2025-12-31", "rows": 5, "kpis": {"K": {"value": value, "reason": reason}}}


@given(st.floats(min_value=-1e6, max_value=1e6), st.integers(min_value=0, max_value=6))
def test_every_correctly_rounded_value_agrees(value: float, decimals: int) -> None:
    assert compare(answer(round(value, decimals)), group(value), decimals).issues == ()


@given(st.floats(min_value=-1e4, max_value=1e4), st.integers(min_value=0, max_value=4), st.sampled_from([-1, 1]))
def test_a_value_one_unit_away_never_agrees(value: float, decimals: int, side: int) -> None:
    away = round(value, decimals) + side * 1.01 * 10.0**-decimals
    assert compare(answer(away), group(value), decimals).issues


@pytest.mark.parametrize("value", [None, "2.2", True, math.nan, math.inf, [], {}])
def test_what_is_no_number_never_agrees_with_one(value: object) -> None:
    assert compare(answer(value), group(2.2), 1).issues


def test_undefined_agrees_with_undefined_only_with_a_reason() -> None:
    assert compare(answer(None, "no rows"), group(None), 1).issues == ()
    assert compare(answer(None, ""), group(None), 1).issues
    assert compare(answer(0.0), group(None), 1).issues


@pytest.mark.parametrize(
    ("old", "new"), [(2.20, 2.21), (0.31, 0.32), (0.3, 0.32), (12.0, 11.97)], ids=["PAR30", "PAR90", "PAR90-v1", "rate"]
)
def test_the_shadow_run_of_the_facts_is_all_rounding(old: float, new: float) -> None:
    assert not variance(old, new, (1, 2), 0.02).beyond(0.1)


def test_a_variance_counts_when_it_is_beyond_relatively_and_absolutely() -> None:
    assert variance(2.2, 2.4, (1, 2), 0.02).beyond(5)
    assert not variance(2.2, 2.4, (1, 2), 0.02).beyond(10)
    assert not variance(0.1, 0.15, (1, 2), 0.02).beyond(5)
    assert variance(0.0, 0.5, (1, 2), 0.02).beyond(5)
    assert not variance(0.0, 0.0, (1, 2), 0.02).beyond(0)
