"""The fast float mode: the same answers as the exact state to 1e-9, and the same reasons where there is none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_tapes import DAYS, FINITE, frames
from tapes import AMOUNTS, reference, row

from engine.portfolio.frame import kpis_of_frame
from engine.portfolio.live import live, total_of
from engine.portfolio.measure import BLOCK, measure
from engine.portfolio.plan import Plan
from engine.portfolio.results import Group


def exact(frame: pd.DataFrame, plan: Plan) -> Group:
    return kpis_of_frame(frame, plan).latest


@settings(max_examples=80, deadline=None)
@given(frames())
def test_dates_rows_nulls_and_reasons_are_those_of_the_exact_state(plan: Plan, frame: pd.DataFrame) -> None:
    fast, slow = live(frame, plan), exact(frame, plan)
    assert (fast.measurement_date, fast.rows) == (slow.measurement_date, slow.rows)
    assert fast.nulls == {name: count for name, count in slow.nulls.items() if name in plan.needed}
    reasons = {name: kpi.reason for name, kpi in slow.kpis.items() if "no finite number" in (kpi.reason or "")}
    assert {name: fast.kpis[name].reason for name in reasons} == reasons


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(FINITE, FINITE, st.sampled_from([*DAYS, DAYS[-1]])), min_size=1, max_size=30))
def test_both_modes_agree_to_a_billionth_of_what_was_added(plan: Plan, drawn: list[tuple[float, float, str]]) -> None:
    frame = pd.DataFrame({name: [float(row()[name])] * len(drawn) for name in AMOUNTS})
    frame["measurement_date"] = [day for *_, day in drawn]
    frame["cash_available_usd"] = [cash for cash, *_ in drawn]
    frame["dpd_90_plus_usd"] = [late for _, late, _ in drawn]
    fast, slow = live(frame, plan), exact(frame, plan)
    now = frame[frame["measurement_date"] == slow.measurement_date]
    for kpi, part, whole in (
        ("CollectionRate", "cash_available_usd", "total_eligible_usd"),
        ("PAR90", "dpd_90_plus_usd", "total_receivable_usd"),
    ):
        added = float(now[part].abs().sum() / now[whole].sum()) * 100
        assert fast.kpis[kpi].value == pytest.approx(slow.kpis[kpi].value, abs=1e-9 * added + 1e-12)


def test_a_long_column_stays_within_a_billionth() -> None:
    random = np.random.default_rng(11)
    values = np.round(random.lognormal(9, 2, 5 * BLOCK + 7), 2)
    assert total_of(values) == pytest.approx(measure(values, 2).state.total(2), rel=1e-12)
    assert total_of(values[::3]) == pytest.approx(math.fsum(values[::3]), rel=1e-12)


def test_the_reference_is_the_documented_one(plan: Plan) -> None:
    kpis = live(reference(), plan).kpis
    assert kpis["PAR30"].value == pytest.approx(11.582404478471114, abs=1e-12)
    assert kpis["PortfolioHealth"].value == 10.0
    assert kpis["PortfolioHealth"].unheld == pytest.approx(25.739332334924697, abs=1e-9)


def test_a_missing_column_is_named(plan: Plan) -> None:
    frame = reference().drop(columns="cash_available_usd")
    kpis = live(frame, plan).kpis
    assert kpis["CollectionRate"].reason == "the column cash_available_usd is missing"
    assert kpis["PAR30"].value is not None


def test_an_empty_frame_is_no_healthy_one(plan: Plan) -> None:
    assert live(reference().iloc[:0], plan).kpis["PAR30"].reason == "the tape has no rows"


@pytest.mark.parametrize("kind", ["datetime64[ns]", "str", "category", "object"])
def test_dates_of_any_kind_are_told_apart(plan: Plan, kind: str) -> None:
    frame = pd.concat([reference(), reference() * 1])
    frame["measurement_date"] = pd.Series(["2025-11-30"] * 500 + ["2025-12-31"] * 500, index=frame.index).astype(kind)
    assert (live(frame, plan).measurement_date, live(frame, plan).rows) == ("2025-12-31", 500)
    only = frame.iloc[500:]
    assert (live(only, plan).measurement_date, live(only, plan).rows) == ("2025-12-31", 500)


def test_a_sum_beyond_all_numbers_says_so(plan: Plan) -> None:
    frame = reference().assign(cash_available_usd=1.7e308)
    assert live(frame, plan).kpis["CollectionRate"].reason == "sum(cash_available_usd) is too large for a number"
