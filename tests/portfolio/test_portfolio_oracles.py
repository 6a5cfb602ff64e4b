"""Other engines as oracles: what DuckDB and polars add up, the exact state adds up too, to a billionth."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_tapes import FINITE
from tapes import AMOUNTS

from engine.portfolio.column_state import ColumnState
from engine.portfolio.frame import state_of
from engine.portfolio.plan import Plan
from engine.portfolio.stream import stream_tape

duckdb = pytest.importorskip("duckdb")
polars = pytest.importorskip("polars")

DAYS = ("2025-11-30", "2025-12-31")
CELL = st.one_of(
    st.none(),
    st.integers(-(10**13), 10**13).map(lambda cents: cents / 100),
    st.sampled_from([0.0, -0.0, 1e-9, 1e15, 0.1, -0.1, 1e-300]),
    FINITE,
)
SETTINGS = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


@st.composite
def tapes(draw: st.DrawFn) -> pd.DataFrame:
    """Finite amounts and nulls on two dates; ids repeated, of mixed length, beyond 2**53."""
    rows = draw(st.integers(0, 20))
    ids = st.sampled_from(["1", "01", "9007199254740993", "9007199254740992", "L" * 40])
    frame = pd.DataFrame(
        {
            "loan_id": pd.Series(draw(st.lists(ids, min_size=rows, max_size=rows)), dtype="str"),
            "measurement_date": pd.Series(
                draw(st.lists(st.sampled_from(DAYS), min_size=rows, max_size=rows)), dtype="str"
            ),
        }
    )
    for name in AMOUNTS:
        frame[name] = pd.array(draw(st.lists(CELL, min_size=rows, max_size=rows)), dtype="Float64")
    return frame


def by_duckdb(path: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    found = {}
    for name in AMOUNTS:
        text = (
            f"select measurement_date, count(*), count(*) - count({name}), coalesce(fsum({name}), 0), "
            f"count(*) filter ({name} < 0), min({name}), max({name}) from read_parquet('{path}') group by 1"
        )
        for day, *values in duckdb.sql(text).fetchall():
            found[(day, name)] = tuple(values)
    return found


def by_polars(path: Path) -> dict[tuple[str, str], tuple[Any, ...]]:
    found = {}
    for name in AMOUNTS:
        column = polars.col(name)
        grouped = (
            polars.read_parquet(path)
            .group_by("measurement_date")
            .agg(
                polars.len().alias("rows"),
                column.null_count().alias("nulls"),
                column.sum().alias("sum"),
                (column < 0).sum().alias("negatives"),
                column.min().alias("min"),
                column.max().alias("max"),
            )
        )
        for day, *values in grouped.rows():
            found[(day, name)] = tuple(values)
    return found


def assert_agrees(state: ColumnState, rows: int, said: tuple[Any, ...], added: float) -> None:
    count, nulls, total, negatives, least, most = said
    assert (rows, state.missing, state.negatives) == (count, nulls, negatives)
    assert state.total(2) == pytest.approx(total, rel=1e-9, abs=1e-9 * added)
    assert (state.minimum if rows > nulls else None, state.maximum if rows > nulls else None) == (least, most)


@pytest.mark.parametrize("oracle", [by_duckdb, by_polars])
@settings(max_examples=15, **SETTINGS)
@given(frame=tapes())
def test_sums_counts_and_ranges_are_those_of_another_engine(
    tmp_path: Path, plan: Plan, oracle: Any, frame: pd.DataFrame
) -> None:
    path = tmp_path / "tape.parquet"
    frame.to_parquet(path, row_group_size=7)
    said = oracle(path)
    streamed = stream_tape(path, plan, columns=AMOUNTS)[0]
    assert streamed == state_of(frame, plan)
    assert {(day, name) for day in streamed.parts for name in AMOUNTS} == set(said)
    for (day, name), values in said.items():
        part = streamed.parts[day]
        amounts = frame.loc[frame["measurement_date"] == day, name].dropna()
        assert_agrees(part.columns[name], part.rows, values, math.fsum(abs(amount) for amount in amounts))


def test_a_hundred_thousand_rows_agree_with_both_and_with_fsum(tmp_path: Path, plan: Plan) -> None:
    random = np.random.default_rng(3)
    rows = 100_000
    frame = pd.DataFrame({name: np.round(random.lognormal(9, 2, rows), 2) for name in AMOUNTS})
    frame["measurement_date"] = "2025-12-31"
    frame.loc[random.random(rows) < 0.05, "cash_available_usd"] = np.nan
    path = tmp_path / "tape.parquet"
    frame.to_parquet(path)
    columns = stream_tape(path, plan, columns=AMOUNTS)[0].parts["2025-12-31"].columns
    for said in (by_duckdb(path), by_polars(path)):
        for name in AMOUNTS:
            assert_agrees(columns[name], rows, said[("2025-12-31", name)], 0.0)
    assert columns["total_receivable_usd"].total(2) == pytest.approx(
        math.fsum(frame["total_receivable_usd"]), rel=1e-14
    )
