"""V1 and V2 are different programs with the same answers; only the published decimals differ."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_at_work import HEADER, computed, tape

from engine.pipeline.figures import COLUMNS, DATE, Figures, Program, TapeUnreadable
from engine.pipeline.sample_tapes import write_live_book, write_reference
from engine.pipeline.v1 import V1
from engine.pipeline.v2 import V2

BOTH: tuple[Program, Program] = (V1(), V2())
each = pytest.mark.parametrize("program", BOTH, ids=lambda program: program.name)

amounts = st.floats(0, 1e9, allow_subnormal=False).map(repr) | st.integers(-(10**6), 10**6).map(str)
odd = st.sampled_from(["", " 7 ", "NaN", "null", "abc", "inf", "-inf", "1e999", "1_0", "0x1", "+5", ".5", "5.", "1e3"])
cells = st.one_of(amounts, amounts, amounts, odd)
dates = st.sampled_from(["2025-11-30", "2025-12-31", "2025-12-31 10:00:00", "2025-12-31", "20251231", "", "soon"])
rows = st.lists(st.tuples(st.just("L1"), dates, *[cells] * len(COLUMNS)), max_size=8)


def agree(one: Figures, other: Figures) -> None:
    assert (one.rows, one.errors) == (other.rows, other.errors)
    assert [(group.measurement_date, group.rows) for group in one.groups] == [
        (group.measurement_date, group.rows) for group in other.groups
    ]
    for mine, theirs in zip(one.groups, other.groups, strict=True):
        for name, kpi in mine.kpis.items():
            assert kpi.reason == theirs.kpis[name].reason
            other = theirs.kpis[name].value
            assert (kpi.value is None) == (other is None)
            assert kpi.value is None or kpi.value == pytest.approx(other, rel=1e-9, abs=1e-6)


@settings(max_examples=300, deadline=None)
@given(rows)
def test_both_releases_answer_alike_whatever_stands_in_the_tape(given_rows: list[tuple[str, ...]]) -> None:
    data = tape(given_rows)
    agree(computed(BOTH[0], data), computed(BOTH[1], data))


@settings(max_examples=60, deadline=None)
@given(rows, st.sets(st.sampled_from(HEADER), max_size=3))
def test_both_releases_answer_alike_when_columns_are_missing(given_rows: list[tuple[str, ...]], gone: set[str]) -> None:
    kept = [index for index, name in enumerate(HEADER) if name not in gone]
    data = tape([[row[index] for index in kept] for row in given_rows], [HEADER[index] for index in kept])
    agree(computed(BOTH[0], data), computed(BOTH[1], data))


@each
def test_the_reference_tape_gives_the_documented_figures(program: Program, tmp_path: Path) -> None:
    write_reference(tmp_path / "tape.csv")
    kpis = computed(program, (tmp_path / "tape.csv").read_bytes(), decimals=2).latest.kpis
    assert {name: kpi.value for name, kpi in kpis.items()} == {
        "PAR30": 11.58,
        "PAR90": 6.08,
        "CollectionRate": 29.11,
        "PortfolioHealth": 10.0,
    }
    assert kpis["PortfolioHealth"].unheld == pytest.approx(25.74)


def test_a_release_publishes_its_own_decimals(tmp_path: Path) -> None:
    write_live_book(tmp_path / "tape.csv")
    data = (tmp_path / "tape.csv").read_bytes()
    values = [
        [kpi.value for kpi in computed(program, data, decimals=program.decimals).latest.kpis.values()]
        for program in BOTH
    ]
    assert values == [[2.2, 0.3, 12.0, 10.0], [2.21, 0.32, 11.97, 10.0]]


@each
def test_parquet_and_csv_of_the_same_rows_agree(program: Program) -> None:
    columns = {name: [1000.5 + index, None, 3.25] for index, name in enumerate(COLUMNS)}
    text = tape([("L", "2025-12-31", *("" if c[i] is None else c[i] for c in columns.values())) for i in range(3)])
    table = pa.table({"loan_id": ["L"] * 3, DATE: ["2025-12-31"] * 3, **columns})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    agree(computed(program, text), computed(program, sink.getvalue(), "tape.parquet"))


@each
def test_parquet_with_typed_dates_and_unusable_columns_is_understood(program: Program) -> None:
    import datetime

    columns: dict[str, list[object]] = {name: [10, 20] for name in COLUMNS}
    columns["cash_available_usd"] = [float("nan"), float("inf")]
    columns["dpd_90_plus_usd"] = [True, False]
    table = pa.table({DATE: [datetime.date(2025, 12, 31)] * 2, **columns})
    sink = io.BytesIO()
    pq.write_table(table, sink)
    figures = computed(program, sink.getvalue(), "tape.parquet")
    assert (figures.latest.measurement_date, figures.rows, figures.errors) == ("2025-12-31", 2, 2)
    assert "row 2" in (figures.latest.kpis["CollectionRate"].reason or "")
    assert "2 values" in (figures.latest.kpis["PAR90"].reason or "")


@each
@pytest.mark.parametrize("data", [b"", b"not a tape \x00\xff", b"PAR1"])
def test_what_is_no_parquet_file_is_refused(program: Program, data: bytes) -> None:
    with pytest.raises(TapeUnreadable):
        computed(program, data, "tape.parquet")


@each
def test_a_tape_of_many_batches_counts_its_rows_on(program: Program) -> None:
    usual = ("L1", "2025-12-31", 1000, 950, 95, 20, 10, 5)
    many = [usual] * 60_000
    many[45_678] = (*usual[:4], "cash", *usual[5:])
    figures = computed(program, tape(many))
    assert (figures.rows, figures.errors) == (60_000, 1)
    assert figures.latest.kpis["PAR30"].value == 3.5
    assert "first in row 45679" in (figures.latest.kpis["CollectionRate"].reason or "")


@each
def test_a_long_computation_can_be_stopped_on_its_way(program: Program) -> None:
    class Enough(Exception):
        pass

    asked = 0

    def between() -> None:
        nonlocal asked
        asked += 1
        if asked == 3:
            raise Enough

    data = tape([("L1", "2025-12-31", 1000, 950, 95, 20, 10, 5)] * 60_000)
    with pytest.raises(Enough):
        program.compute(io.BytesIO(data), "tape.csv", decimals=2, between=between)


def test_the_live_book_breaks_no_rule_of_integrity(tmp_path: Path) -> None:
    import pandas as pd

    write_live_book(tmp_path / "tape.csv")
    write_live_book(tmp_path / "again.csv")
    assert (tmp_path / "tape.csv").read_bytes() == (tmp_path / "again.csv").read_bytes()
    book = pd.read_csv(tmp_path / "tape.csv")
    money = book.drop(columns=["loan_id", DATE])
    assert not book.isna().any(axis=None)
    assert not book.duplicated(["loan_id", DATE]).any()
    assert (money >= 0).all(axis=None)
    assert (money.filter(like="dpd_").sum(axis=1) <= money["total_receivable_usd"]).all()
    assert (money["total_eligible_usd"] <= money["total_receivable_usd"]).all()
    for _, month in money.groupby(book[DATE]):
        assert (((month - month.mean()) / month.std()).abs() < 4).all(axis=None)
    assert (((money - money.mean()) / money.std()).abs() < 4).all(axis=None)
    assert book[DATE].nunique() == 6
