"""A tape examined as a stream: every fact and KPI that the same tape read whole gives, whatever its pieces."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_tapes import DAYS, TEXTS, frames
from read_whole import examine_whole
from tapes import AMOUNTS, quoted, row, write

from engine.portfolio import csv_stream, outliers, parquet_stream
from engine.portfolio.compute import compute_tape
from engine.portfolio.examined import examine_tape
from engine.portfolio.frame import examine_frame
from engine.portfolio.integrity import Integrity
from engine.portfolio.outlier_rows import first_outliers
from engine.portfolio.outliers import Tail, tail_of
from engine.portfolio.plan import Plan
from engine.portfolio.tape import read_tape

FAST = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}
CELL = st.one_of(
    st.integers(-(10**6), 10**9).map(lambda cents: f"{cents / 100:.2f}"),
    st.sampled_from([*TEXTS, "-Infinity", "+3.", " 12.5 ", "1e5", "1_0", "True", "99999.99", "0"]),
)
ID = st.sampled_from(["1", "01", "", " 1 ", "NA", "L" * 9, "9007199254740993", "é"])
DATE = st.sampled_from([*DAYS * 4, "2025-12-31T10:00:00", "", "soon"])
PIECES = st.tuples(st.integers(1, 9), st.integers(1, 5), st.integers(1, 3))
"""Rows of a row group, rows of a batch, workers."""


def comparable(found: Integrity) -> dict[str, object]:
    """All of it, without the cell that a fault quotes: a reader of whole columns shows 1e999 as inf."""
    facts = {name: getattr(found, name) for name in Integrity.__slots__}
    return {**facts, "faults": {name: fault.split(": '")[0] for name, fault in found.faults.items()}}


def assert_same(path: Path, plan: Plan, workers: int) -> None:
    """Streamed and read whole, from the first fact to the last KPI."""
    streamed = examine_tape(path, plan, workers=workers)
    tape = read_tape(path, plan.config.tape)
    whole = compute_tape(path, plan.config, by_date=tape.dates is not None)
    assert comparable(streamed.found) == comparable(examine_whole(tape, plan.config))
    assert streamed.missing == tape.missing
    assert (streamed.sha256, streamed.rows) == (tape.sha256, tape.rows)
    for one, two in zip((streamed.kpis.latest, *streamed.kpis.by), (whole.latest, *whole.by), strict=True):
        assert [(kpi.value, kpi.status) for kpi in one.kpis.values()] == [
            (kpi.value, kpi.status) for kpi in two.kpis.values()
        ]
        assert (one.measurement_date, one.rows, one.nulls) == (two.measurement_date, two.rows, two.nulls)
        assert one.duplicates == two.duplicates


@settings(max_examples=40, **FAST)
@given(st.lists(st.tuples(ID, DATE, CELL, CELL), max_size=10), st.booleans(), PIECES)
def test_any_csv_in_any_pieces_is_examined_as_when_read_whole(
    tmp_path: Path,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    drawn: list[tuple[str, str, str, str]],
    dated: bool,
    pieces: tuple[int, int, int],
) -> None:
    monkeypatch.setattr(csv_stream, "_BLOCK", 200 * pieces[1])
    rows = [
        row(name, date if dated else None, cash_available=quoted(cash), dpd_90_plus=quoted(late))
        for name, date, cash, late in drawn
    ]
    assert_same(write(tmp_path / "tape.csv", rows, header=row(date="" if dated else None)), plan, pieces[2])


@settings(max_examples=40, **FAST)
@given(frames(), PIECES)
def test_any_parquet_in_any_pieces_is_examined_as_when_read_whole(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, frame: pd.DataFrame, pieces: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(parquet_stream, "_ROWS", pieces[1])
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=pieces[0])
    assert_same(tmp_path / "tape.parquet", plan, pieces[2])
    assert comparable(examine_frame(frame, plan)) == comparable(examine_tape(tmp_path / "tape.parquet", plan).found)


CENTS = st.one_of(st.just(100_00), st.just(100_01), st.integers(0, 10**7))


@settings(max_examples=25, **FAST)
@given(st.lists(CENTS, min_size=17, max_size=60), st.integers(1, 30), st.integers(1, 7), st.booleans())
def test_outliers_are_counted_exactly_whatever_hides_them(
    tmp_path: Path,
    plan: Plan,
    monkeypatch: pytest.MonkeyPatch,
    drawn: list[int],
    alike: int,
    few: int,
    csv: bool,
) -> None:
    """With so few values kept of each piece, mostly some of them have to be looked at again."""
    monkeypatch.setattr(outliers, "_FEW", few)
    monkeypatch.setattr(parquet_stream, "_ROWS", 9)
    monkeypatch.setattr(csv_stream, "_BLOCK", 500)
    cash = [*drawn, *[100_00] * alike * 8]
    frame = pd.DataFrame([row(f"L{number}", DAYS[number % 7 == 0]) for number in range(len(cash))])
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame["cash_available_usd"] = [cents / 100 for cents in cash]
    path = tmp_path / "tape"
    if csv:
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, row_group_size=20)
    whole = examine_whole(read_tape(path, plan.config.tape), plan.config)
    examined = examine_tape(path, plan, workers=2)
    assert examined.found.outliers == whole.outliers
    most = plan.config.checks.sample_rows
    shown = first_outliers(path, examined.state, plan.config, whole.outliers)
    assert shown == {name: outlier_rows(frame, name)[:most] for name in whole.outliers}


def outlier_rows(frame: pd.DataFrame, name: str) -> list[int]:
    """Those of the latest date, in plain arithmetic."""
    now = frame[frame["measurement_date"] == frame["measurement_date"].max()]
    values = [Fraction(str(value)) for value in now[name]]
    mean = sum(values) / len(values)
    variance = sum((value - mean) ** 2 for value in values) / len(values)
    return [int(at) + 1 for at, value in zip(now.index, values, strict=True) if (value - mean) ** 2 > 16 * variance]


def test_a_value_exactly_on_the_limit_is_no_outlier(tmp_path: Path, plan: Plan) -> None:
    rows = [row(f"L{number}", cash_available="100") for number in range(17)]
    rows[3]["cash_available_usd"] = "200"  # of 17 values, one that differs lies four standard deviations off
    assert examine_tape(write(tmp_path / "tape.csv", rows), plan).found.outliers == {}
    rows.append(row("L17", cash_available="100"))
    assert examine_tape(write(tmp_path / "tape.csv", rows), plan).found.outliers == {"cash_available_usd": 1}


def test_a_tail_says_when_what_it_left_out_may_lie_beyond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outliers, "_FEW", 4)
    values = np.arange(100.0)
    tail = tail_of(values, len(values)).merge(Tail(np.array([500.0]), 1))
    assert tail.beyond((-1.0, 100.0)) == 1
    assert tail.beyond((-1.0, 50.0)) is None
    assert len(tail.values) <= 8


def test_the_first_rows_of_each_fault_are_named_by_their_place_in_the_tape(tmp_path: Path, plan: Plan) -> None:
    frame = pd.DataFrame([row(f"L{number}", DAYS[number % 2]) for number in range(90)])
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame.loc[[40, 71], "cash_available_usd"] = -1.0
    frame.loc[55, "dpd_0_7_usd"] = 2000.0
    frame.loc[88, "loan_id"] = "L2"
    frame.loc[60, "loan_id"] = None
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=11)
    found = examine_tape(tmp_path / "tape.parquet", plan, workers=3).found
    assert found.negatives["cash_available_usd"].first_rows == (41, 72)
    assert found.too_large["dpd_0_7_usd"].first_rows == (56,)
    assert found.duplicates is not None
    assert (found.duplicates.first_rows, found.repeated) == ((89,), ("L2",))
    assert found.unnamed.first_rows == (61,)


@pytest.mark.parametrize("name", ["tape.csv", "tape.parquet"])
def test_what_was_read_is_told_up_to_the_whole_tape(tmp_path: Path, plan: Plan, name: str) -> None:
    frame = pd.DataFrame([row(f"L{number}") for number in range(300)])
    path = tmp_path / name
    if name.endswith("csv"):
        frame.to_csv(path, index=False)
    else:
        frame.to_parquet(path, row_group_size=30)
    rows, shares, lock = [], [], threading.Lock()

    def told(more: int, share: float) -> None:
        with lock:
            rows.append(more)
            shares.append(share)

    examine_tape(path, plan, workers=2, told=told)
    assert sum(rows) == 300
    assert sum(shares) == pytest.approx(1)


def test_an_odd_cell_that_makes_it_begin_anew_is_told_once(tmp_path: Path, plan: Plan) -> None:
    rows = [row(f"L{number}") for number in range(300)]
    rows[299]["cash_available_usd"] = "inf"
    told: list[int] = []
    examine_tape(write(tmp_path / "tape.csv", rows), plan, workers=1, told=lambda more, share: told.append(more))
    assert sum(told) == 300


class Enough(Exception):
    """Raised where the caller was interrupted."""


def test_an_interrupted_look_does_not_read_the_tape_to_its_end(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame([row(f"L{number}") for number in range(200)])
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=5)
    told: list[int] = []

    def interrupt(more: int, share: float) -> None:
        told.append(more)
        raise Enough

    with pytest.raises(Enough):
        examine_tape(tmp_path / "tape.parquet", plan, workers=2, told=interrupt)
    assert sum(told) < 200
