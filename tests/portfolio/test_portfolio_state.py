"""The state of a tape: merging in any order gives the same bits, and the sums are the true ones."""

from __future__ import annotations

import dataclasses
import math
import random
from fractions import Fraction
from functools import reduce
from itertools import pairwise

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_tapes import DOUBLES, frames
from tapes import reference, row

from engine.config.kpis import KpiConfig
from engine.portfolio import measure as measuring
from engine.portfolio.column_state import ColumnState
from engine.portfolio.finalise import finalise
from engine.portfolio.frame import state_of
from engine.portfolio.measure import measure, measure_all
from engine.portfolio.plan import Plan, plan_of
from engine.portfolio.results import TapeKpis
from engine.portfolio.state import State


def finished(state: State, plan: Plan, **how: bool) -> TapeKpis:
    return finalise(state, plan, {}, lambda day, rows: None, "pandas", **how)


@settings(max_examples=60, deadline=None)
@given(frames(), st.lists(st.integers(0, 12), max_size=4), st.randoms(use_true_random=False))
def test_any_cut_merged_in_any_order_is_the_whole(
    plan: Plan, frame: pd.DataFrame, cuts: list[int], shuffled: random.Random
) -> None:
    whole = state_of(frame, plan, checks=True)
    bounds = [0, *sorted(min(cut, len(frame)) for cut in cuts), len(frame)]
    parts = [state_of(frame.iloc[start:end], plan, first_row=start + 1, checks=True) for start, end in pairwise(bounds)]
    shuffled.shuffle(parts)
    assert reduce(State.merge, parts) == whole
    assert reduce(lambda late, early: early.merge(late), parts) == whole


@settings(max_examples=40, deadline=None)
@given(frames(), frames(), frames())
def test_merging_is_associative_and_commutative(
    plan: Plan, one: pd.DataFrame, two: pd.DataFrame, three: pd.DataFrame
) -> None:
    a, b, c = (
        state_of(frame.drop(columns="measurement_date", errors="ignore"), plan, first_row=first, checks=True)
        for frame, first in ((one, 1), (two, 100), (three, 200))
    )
    assert a.merge(b) == b.merge(a)
    assert a.merge(b).merge(c) == a.merge(b.merge(c))
    nothing = state_of(one.iloc[:0].drop(columns="measurement_date", errors="ignore"), plan, checks=True)
    assert a.merge(nothing) == a


def test_states_of_different_tapes_are_not_merged(plan: Plan) -> None:
    dated, undated = state_of(pd.DataFrame([row()]), plan), state_of(reference(), plan)
    with pytest.raises(ValueError, match="cannot be merged"):
        dated.merge(undated)


@settings(max_examples=60, deadline=None)
@given(frames(), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_no_bit_of_any_kpi(plan: Plan, frame: pd.DataFrame, shuffled: random.Random) -> None:
    order = list(range(len(frame)))
    shuffled.shuffle(order)

    def values(state: State) -> dict[str, object]:
        return {name: (kpi.value, kpi.unheld) for name, kpi in finished(state, plan).latest.kpis.items()}

    assert values(state_of(frame.iloc[order], plan)) == values(state_of(frame, plan))


CENTS = st.one_of(*[st.integers(-(10**13), 10**13).map(lambda cents: cents / 100)] * 6, DOUBLES)


def counted_by_hand(values: list[float]) -> ColumnState:
    finite = [value for value in values if math.isfinite(value)]
    return ColumnState(
        nans=sum(map(math.isnan, values)),
        infinite=sum(map(math.isinf, values)),
        negatives=sum(value < 0 for value in finite),
        minimum=min(finite, default=math.inf),
        maximum=max(finite, default=-math.inf),
    )


def exactly(state: ColumnState) -> Fraction:
    return Fraction(state.minor, 100) + Fraction(state.rest, 2**1126)


@settings(max_examples=300, deadline=None)
@given(st.lists(DOUBLES, max_size=40))
def test_sums_and_counts_are_those_of_exact_arithmetic(values: list[float]) -> None:
    state = measure(np.array(values, dtype=np.float64), 2).state
    finite = [value for value in values if math.isfinite(value)]
    cents = [round(Fraction(value) * 100) for value in finite]
    whole = [abs(units) < 2**53 and units / 100 == value for units, value in zip(cents, finite, strict=True)]
    expected = sum(
        (Fraction(units, 100) if is_whole else Fraction(value))
        for units, value, is_whole in zip(cents, finite, whole, strict=True)
    )
    assert exactly(state) == expected
    assert state.finer == len(finite) - sum(whole)
    counts = dataclasses.replace(state, minor=0, rest=0, finer=0)
    assert counts == counted_by_hand(values)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(min_value=-1e15, max_value=1e15), max_size=40))
def test_of_finer_values_the_sum_is_that_of_fsum(values: list[float]) -> None:
    state = measure(np.array(values, dtype=np.float64), 0).state
    assert state.total(0) == math.fsum(values)


def test_a_long_column_needs_no_luck(monkeypatch: pytest.MonkeyPatch) -> None:
    random_ = np.random.default_rng(5)
    cents = random_.integers(-(10**11), 10**11, 300_000)
    values = cents / 100
    values[random_.random(len(values)) < 0.05] = np.nan
    values[7], values[200_000] = 9e13, 0.001
    kept = np.isfinite(values)
    kept[[7, 200_000]] = False
    monkeypatch.setattr(measuring, "_MANY", 1000)
    states = {measure(values, 2, threads).state for threads in (1, 2, 3)}
    states |= {measure(random_.permutation(values), 2).state}
    assert len(states) == 1
    (state,) = states
    assert exactly(state) == Fraction(int(cents[kept].sum()), 100) + 9 * 10**13 + Fraction(0.001)
    assert (state.finer, state.nans) == (1, len(values) - kept.sum() - 2)


@settings(max_examples=150, deadline=None)
@given(st.integers(1, 9).flatmap(lambda rows: st.lists(st.lists(CENTS, min_size=rows, max_size=rows), max_size=4)))
def test_short_columns_measured_together_are_as_each_by_itself(columns: list[list[float]]) -> None:
    arrays = [np.array(values, dtype=np.float64) for values in columns]
    alone = [measuring._measure(array, 2, 0, squares=False) for array in arrays]
    assert measure_all(arrays, 2) == alone
    assert [repr(found.state) for found in measure_all(arrays, 2)] == [repr(found.state) for found in alone]


def test_very_large_amounts_do_not_leave_the_integers() -> None:
    values = np.full(200_000, 8e13)
    assert measure(values, 2).state.minor == 200_000 * 8 * 10**15


def test_the_first_infinity_is_named_whatever_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "_MANY", 1000)
    values = np.ones(300_000)
    values[[250_000, 280_000]] = np.inf
    for threads in (1, 2):
        assert measure_all([values, values], 2, threads)[1].first_infinite == 250_000


def test_cancelling_cents_cancel() -> None:
    assert math.fsum([0.1, 0.2, -0.3]) != 0
    assert measure(np.array([0.1, 0.2, -0.3]), 2).state.total(2) == 0.0


def test_narrow_floats_are_widened_before_they_are_added(plan: Plan) -> None:
    narrow = pd.Series([0.1] * 3, dtype=np.float32)
    frame = pd.DataFrame([row()] * 3).assign(cash_available_usd=narrow)
    state = state_of(frame, plan).parts["2025-12-31"].columns["cash_available_usd"]
    assert state.total(2) == math.fsum([float(np.float32(0.1))] * 3)
    assert state.finer == 3


def test_text_with_separators_or_parentheses_is_no_number_and_no_guess(plan: Plan) -> None:
    texts = ["1,000.00", "-", "(12.00)", "", "5.25"]
    frame = pd.DataFrame([row(cash_available=text) for text in texts])
    state = state_of(frame, plan, first_row=11).parts["2025-12-31"].columns["cash_available_usd"]
    assert (state.unparsed, state.nulls, state.minor, state.infinite) == (3, 1, 525, 0)
    assert state.fault is not None
    assert (state.fault.count, state.fault.row, state.fault.shown) == (3, 11, "'1,000.00'")


def test_nulls_of_a_typed_column_are_told_from_nan(plan: Plan) -> None:
    frame = pd.DataFrame([row()] * 3)
    frame["cash_available_usd"] = pd.array([1.5, None, 2.0], dtype="Float64")
    frame["total_eligible_usd"] = [1.0, math.nan, math.nan]
    columns = state_of(frame, plan).parts["2025-12-31"].columns
    assert (columns["cash_available_usd"].nulls, columns["cash_available_usd"].nans) == (1, 0)
    assert (columns["total_eligible_usd"].nulls, columns["total_eligible_usd"].nans) == (0, 2)


def test_dates_are_never_added_up_unless_asked_and_then_it_is_said(plan: Plan) -> None:
    frame = pd.DataFrame([row(), row(date="2025-11-30", dpd_90_plus="45"), row(date="2025-11-30", dpd_90_plus="45")])
    frame[frame.columns[2:]] = frame[frame.columns[2:]].astype(float)
    state = state_of(frame, plan)
    now = finished(state, plan).latest
    assert (now.measurement_date, now.rows, now.pooled) == ("2025-12-31", 1, 0)
    assert now.kpis["PAR90"].value == 0.5
    assert "pooled_dates" not in now.as_json()
    together = finished(state, plan, pooled=True).latest
    assert (together.measurement_date, together.rows, together.as_json()["pooled_dates"]) == (None, 3, 2)
    assert together.kpis["PAR90"].value == pytest.approx(95 / 3000 * 100, rel=1e-15)


def with_formula(config: KpiConfig, formula: str) -> Plan:
    kpi = msgspec.structs.replace(config.kpis["PAR30"], formula=formula)
    return plan_of(msgspec.structs.replace(config, kpis={"K": kpi}))


def test_weights_constants_and_products_of_columns_are_summed_as_written(kpis: KpiConfig) -> None:
    rows = pd.DataFrame([row("L1", cash_available="0.1", dpd_0_7="3"), row("L2", cash_available="0.2", dpd_0_7="5")])

    def value(formula: str) -> float | None:
        plan = with_formula(kpis, formula)
        return finished(state_of(rows, plan), plan).latest.kpis["K"].value

    assert value("sum(cash_available_usd * 2 - dpd_0_7_usd / 4 + 1)") == pytest.approx(0.6 - 2 + 2, abs=1e-15)
    assert value("sum(cash_available_usd * dpd_0_7_usd)") == pytest.approx(0.3 + 1.0)
    assert value("sum(1 / (dpd_0_7_usd - 3))") is None


def test_a_row_expression_without_a_value_says_so(kpis: KpiConfig) -> None:
    plan = with_formula(kpis, "sum(1 / dpd_0_7_usd)")
    kpi = finished(state_of(pd.DataFrame([row(dpd_0_7="0")]), plan), plan).latest.kpis["K"]
    assert kpi.reason == "sum(1 / dpd_0_7_usd) has a row without a finite value"
