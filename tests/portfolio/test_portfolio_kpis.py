"""The KPIs of a tape: the documented figures, exactness, and honesty about what is missing."""

from __future__ import annotations

import math
import random
import sys
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tapes import AMOUNTS, reference, row, write

from engine.config.kpis import KpiConfig
from engine.errors import Refused
from engine.portfolio.compute import compute_tape

# One row per period, with extra columns and no loan_id, as finance teams keep them
PERIODS = """period,measurement_date,total_receivable_usd,total_eligible_usd,discounted_balance_usd,dpd_0_7_usd,\
dpd_7_30_usd,dpd_30_60_usd,dpd_60_90_usd,par30_pct,cash_available_usd,dpd_90_plus_usd
2025Q4,2025-12-02,8000.00,7200.00,6800.00,7290.00,228.00,156.00,87.00,7.41,249.00,0.0
2025Q3,2025-09-30,6700.00,6250.00,5890.00,6181.00,201.00,134.00,72.00,9.23,156.00,0.0
2025Q2,2025-06-30,5700.00,5220.00,4920.00,5213.00,179.00,112.00,68.00,11.45,198.00,0.0
"""


def test_the_seeded_reference_gives_the_documented_figures(tmp_path: Path, kpis: KpiConfig) -> None:
    reference().to_csv(tmp_path / "tape.csv", index=False)
    now = compute_tape(tmp_path / "tape.csv", kpis).latest
    shown = {name: round(kpi.value or math.nan, 2) for name, kpi in now.kpis.items()}
    assert shown == {"PAR30": 11.58, "PAR90": 6.08, "CollectionRate": 29.11, "PortfolioHealth": 10.0}
    assert round(now.kpis["PortfolioHealth"].unheld or 0, 1) == 25.7
    assert (now.measurement_date, now.rows, now.duplicates) == (None, 500, 0)


def test_business_tiers_stand_beside_the_value(tmp_path: Path, kpis: KpiConfig) -> None:
    reference().to_csv(tmp_path / "tape.csv", index=False)
    statuses = {name: kpi.status for name, kpi in compute_tape(tmp_path / "tape.csv", kpis).latest.kpis.items()}
    assert statuses == {"PAR30": "CRITICAL", "PAR90": "CRITICAL", "CollectionRate": "ok", "PortfolioHealth": "ok"}


def test_now_is_the_latest_date_wherever_it_stands_in_the_file(tmp_path: Path, kpis: KpiConfig) -> None:
    (tmp_path / "periods.csv").write_text(PERIODS)
    result = compute_tape(tmp_path / "periods.csv", kpis, by_date=True)
    assert result.latest.measurement_date == "2025-12-02"
    assert result.latest.kpis["PAR30"].value == pytest.approx((156 + 87) / 8000 * 100, abs=1e-12)
    assert [group.measurement_date for group in result.by] == ["2025-06-30", "2025-09-30", "2025-12-02"]
    assert [group.rows for group in result.by] == [1, 1, 1]
    assert result.tape_rows == 3


def test_a_trend_of_an_undated_tape_is_refused(tmp_path: Path, kpis: KpiConfig) -> None:
    path = write(tmp_path / "tape.csv", [row(date=None)])
    assert compute_tape(path, kpis).latest.measurement_date is None
    with pytest.raises(Refused, match="measurement_date"):
        compute_tape(path, kpis, by_date=True)


def test_nulls_count_as_zero_and_are_counted(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row("L1"), row("L2", dpd_90_plus="", dpd_30_60=" "), row("L3", dpd_90_plus="NULL")]
    now = compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest
    assert now.kpis["PAR90"].value == pytest.approx(5 / 3000 * 100, abs=1e-12)
    assert now.nulls == {"dpd_90_plus_usd": 2, "dpd_30_60_usd": 1}
    assert now.as_json()["nulls"] == 3


@pytest.mark.parametrize("text", ["abc", "1;5", "0x10", "1_000", "True", "１２", "inf", "-Infinity", "1e999"])
def test_what_is_no_finite_number_makes_the_kpis_that_need_it_undefined(
    tmp_path: Path, kpis: KpiConfig, text: str
) -> None:
    rows = [row("L1"), row("L2", cash_available=text), row("L3", cash_available=text)]
    now = compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest
    assert now.kpis["PAR30"].value is not None
    assert now.kpis["CollectionRate"].value is None
    reason = now.kpis["CollectionRate"].reason or ""
    assert reason.startswith("cash_available_usd: 2 values are no finite numbers, first in row 2:")
    assert "CollectionRate is undefined" in (now.kpis["PortfolioHealth"].reason or "")


def test_a_fault_in_an_older_date_does_not_touch_now(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row("L1", "2025-11-30", cash_available="abc"), row("L1", "2025-12-31")]
    result = compute_tape(write(tmp_path / "tape.csv", rows), kpis, by_date=True)
    assert result.latest.kpis["CollectionRate"].value is not None
    assert result.by[0].kpis["CollectionRate"].value is None


def test_a_column_of_nothing_but_words_is_no_column_of_numbers(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row("L1", cash_available="True"), row("L2", cash_available="False")]
    assert compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest.kpis["CollectionRate"].value is None


def test_a_missing_column_is_named_with_the_one_that_may_be_meant(tmp_path: Path, kpis: KpiConfig) -> None:
    line = row()
    line["Total_Eligible_USD"] = line.pop("total_eligible_usd")
    now = compute_tape(write(tmp_path / "tape.csv", [line]), kpis).latest
    assert now.kpis["CollectionRate"].reason == (
        "the column total_eligible_usd is missing (there is 'Total_Eligible_USD')"
    )
    assert now.kpis["PAR30"].value is not None


@pytest.mark.parametrize("text", ["0", "", "0.0"])
def test_a_zero_or_missing_denominator_is_undefined_never_zero(tmp_path: Path, kpis: KpiConfig, text: str) -> None:
    now = compute_tape(write(tmp_path / "tape.csv", [row(total_receivable=text)]), kpis).latest
    assert now.kpis["PAR30"].value is None
    assert now.kpis["PAR30"].reason == "sum(total_receivable_usd) is 0"
    assert now.kpis["PAR30"].status == "undefined"
    assert now.kpis["CollectionRate"].value == pytest.approx(10.0)


def test_an_empty_tape_is_no_healthy_one(tmp_path: Path, kpis: KpiConfig) -> None:
    now = compute_tape(write(tmp_path / "tape.csv", [], header=row()), kpis).latest
    assert (now.rows, now.measurement_date) == (0, None)
    assert {kpi.value for kpi in now.kpis.values()} == {None}
    assert now.kpis["PAR30"].reason == "the tape has no rows"


def test_a_row_without_a_date_leaves_now_unknown(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row("L1"), row("L2", date="31/12/2025"), row("L3", date="")]
    now = compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest
    assert (now.kpis["PAR30"].reason or "").startswith("measurement_date: 2 values are no dates")


def test_what_is_too_large_for_a_number_is_undefined(tmp_path: Path, kpis: KpiConfig) -> None:
    rows = [row("L1", total_eligible="1.7e308"), row("L2", total_eligible="1.7e308")]
    kpi = compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest.kpis["CollectionRate"]
    assert (kpi.value, kpi.reason) == (None, "sum(total_eligible_usd) is too large for a number")


def test_parquet_gives_what_csv_gives(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = reference()
    frame.to_csv(tmp_path / "tape.csv", index=False)
    frame.to_parquet(tmp_path / "tape.parquet")
    frame.assign(part=[number % 3 for number in range(500)]).to_parquet(tmp_path / "parts", partition_cols=["part"])
    expected = compute_tape(tmp_path / "tape.csv", kpis).latest
    for name in ("tape.parquet", "parts"):
        assert compute_tape(tmp_path / name, kpis).latest.kpis == expected.kpis


def test_parquet_dates_and_decimals_are_read_as_what_they_are(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = pd.DataFrame([row("L1"), row("L2", "2025-11-30")])
    for name in AMOUNTS:
        frame[name] = [Decimal(text) for text in frame[name]]
    frame["measurement_date"] = pd.to_datetime(frame["measurement_date"])
    frame.to_parquet(tmp_path / "tape.parquet")
    result = compute_tape(tmp_path / "tape.parquet", kpis, by_date=True)
    assert [group.measurement_date for group in result.by] == ["2025-11-30", "2025-12-31"]
    assert result.latest.kpis["PAR30"].value == pytest.approx(3.5, abs=1e-12)


MONEY = st.one_of(
    st.floats(min_value=0, max_value=1e12, allow_nan=False),
    st.floats(min_value=0, max_value=1e-6, allow_nan=False),
    st.integers(min_value=0, max_value=10**15).map(lambda cents: cents / 100),
)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(MONEY, MONEY, MONEY), min_size=1, max_size=30), st.randoms(use_true_random=False))
def test_sums_are_exact_in_any_order_of_rows(
    tmp_path: Path, kpis: KpiConfig, drawn: list[tuple[float, float, float]], shuffled: random.Random
) -> None:
    rows = [
        row(f"L{number}", cash_available=repr(cash), total_eligible=repr(eligible), dpd_90_plus=repr(late))
        for number, (cash, eligible, late) in enumerate(drawn)
    ]
    first = compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest.kpis
    shuffled.shuffle(rows)
    again = compute_tape(write(tmp_path / "tape.csv", rows), kpis).latest.kpis
    assert first == again
    eligible = sum(Fraction(float(line["total_eligible_usd"])) for line in rows)
    value = first["CollectionRate"].value
    if eligible and value is not None:
        exact = sum(Fraction(float(line["cash_available_usd"])) for line in rows) / eligible * 100
        assert abs(Fraction(value) - exact) <= abs(exact) * Fraction(1, 10**12) + Fraction(1, 10**12)
    late = sum(Fraction(float(line["dpd_90_plus_usd"])) for line in rows) / (1000 * len(rows)) * 100
    smallest = Fraction(sys.float_info.min)  # below it a double cannot be exact
    assert abs(Fraction(first["PAR90"].value or 0.0) - late) <= abs(late) * Fraction(1, 10**12) + smallest
