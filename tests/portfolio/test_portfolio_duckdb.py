"""``--engine duckdb``: the bits of every other engine, whatever is in the tape."""

from __future__ import annotations

import decimal
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from odd_tapes import DAYS, TEXTS, frames
from tapes import AMOUNTS, quoted, reference, row, write

from engine.config.kpis import KpiConfig
from engine.portfolio.plan import Plan, plan_of
from engine.portfolio.stream import stream_tape
from engine.portfolio.streamed import compute_streamed
from engine.portfolio.unreadable import TapeUnreadable

pytest.importorskip("duckdb")

from engine.portfolio.on_duckdb import compute_on_duckdb, state_by_duckdb

FAST = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
SOUND = st.integers(-(10**9), 10**12).map(lambda cents: f"{cents / 100:.2f}")
WORDS = (
    *TEXTS,
    "NAN",
    "-Infinity",
    "+3.",
    ".5",
    " 12.5 ",
    "1e5",
    "1_0",
    "0x1f",
    "True",
    "９",
    "-0",
    "1e-400",
    "#N/A",
    "+",
)
CELL = st.one_of(
    SOUND,
    SOUND,
    SOUND,
    st.floats(-1e9, 1e9).map(repr),
    st.sampled_from(WORDS),
    st.text("0123456789+-_.eE xinfa'", max_size=7),
)
DATE = st.sampled_from([*DAYS * 8, "2025-12-31T10:00:00", "2025-12-31 x", " 2025-12-31", "", "soon", "2025-12-31x"])


def assert_same(path: Path, plan: Plan) -> str:
    """The state is that of the stream, or both refuse the tape in the same words; by whom it was found."""
    try:
        expected = stream_tape(path, plan)
    except TapeUnreadable as error:
        with pytest.raises(TapeUnreadable) as refused:
            state_by_duckdb(path, plan)
        assert str(refused.value) == str(error)
        return ""
    found, engine = state_by_duckdb(path, plan)
    assert found == expected
    assert [list(part.columns) for part in found[0].parts.values()] == [[*found[0].columns]] * len(found[0].parts)
    return engine


@settings(max_examples=40, **FAST)
@given(st.lists(st.tuples(DATE, CELL, CELL), max_size=8), st.booleans())
@example([(DAYS[0], "1_0", "5")], True)
def test_any_csv_gives_the_state_of_the_stream(
    tmp_path: Path, plan: Plan, drawn: list[tuple[str, str, str]], dated: bool
) -> None:
    rows = [
        row(f"0{number}", date if dated else None, cash_available=quoted(cash), dpd_90_plus=quoted(late))
        for number, (date, cash, late) in enumerate(drawn)
    ]
    assert_same(write(tmp_path / "tape.csv", rows, header=row(date="" if dated else None)), plan)


@settings(max_examples=50, **FAST)
@given(st.lists(st.tuples(st.integers(0, 400), st.text(',"\n\r\t #1.a\x00\\;', max_size=3)), min_size=1, max_size=3))
def test_a_damaged_csv_is_the_same_or_refused_alike(tmp_path: Path, plan: Plan, cuts: list[tuple[int, str]]) -> None:
    path = write(tmp_path / "tape.csv", [row("L1"), row('"L,2"', DAYS[0]), row("L3", cash_available="")])
    text = path.read_text()
    first = text.index("\n") + 1
    for at, put in cuts:
        text = text[: first + at] + put + text[first + at + len(put) // 2 :]
    path.write_bytes(text.encode())
    assert_same(path, plan)


FORGIVEN = {
    "a comma too many at the end": lambda text: text.replace("90\n", "90,\n"),
    "the same before a return": lambda text: text.replace("90\n", "90,\r\n").replace("5\n", "5\r\n"),
    "the same at the end of the file": lambda text: text.rstrip() + ",",
    "blanks around quotes": lambda text: text.replace(",90,", ', "90" ,'),
    "an underscore between digits": lambda text: text.replace(",90,", ",9_0,"),
    "a tab beside a quote": lambda text: text.replace(",90,", ',\t"90",'),
}


@pytest.mark.parametrize("what", FORGIVEN)
def test_what_duckdb_forgives_is_read_by_the_product(tmp_path: Path, plan: Plan, what: str) -> None:
    path = write(tmp_path / "tape.csv", [row("L1", dpd_90_plus="90"), row("L2")])
    path.write_bytes(FORGIVEN[what](path.read_text()).encode())
    assert assert_same(path, plan) != "duckdb"


def test_sound_quotes_and_empty_ends_are_said_in_sql_alone(tmp_path: Path, plan: Plan) -> None:
    rows = [
        row('"L,1"', cash_available='"12.5"'),
        row("L2", DAYS[0], dpd_90_plus=""),
        row('"L""3\n"'),
    ]
    assert assert_same(write(tmp_path / "tape.csv", rows), plan) == "duckdb"


@settings(max_examples=30, **FAST)
@given(frames())
def test_any_parquet_gives_the_state_of_the_stream(tmp_path: Path, plan: Plan, frame: pd.DataFrame) -> None:
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=4)
    assert_same(tmp_path / "tape.parquet", plan)


CLEAN = {
    "cents": np.array([1234.56, -0.01, 0.0, -0.0, 1e9]),
    "finer values": np.array([0.1 + 0.2, 1 / 3, -1e-9, 2.5e15 + 0.5, 1e17]),
    "nulls and NaN": pd.array([1.5, None, 2.0, None, 0.005], dtype="Float64"),
    "narrow floats": np.array([0.1, 2.5, np.nan, -7.25, 1e6], dtype=np.float32),
    "integers": np.array([2**53 + 1, -5, 0, 7, 2**61]),
    "small integers": np.array([1, -5, 0, 7, 100], dtype=np.int8),
    "decimals": [
        decimal.Decimal("0.10"),
        None,
        decimal.Decimal("-123456789.01"),
        decimal.Decimal(0),
        decimal.Decimal(7),
    ],
}


@pytest.mark.parametrize("what", CLEAN)
def test_numbers_of_any_kind_are_said_in_sql_alone(tmp_path: Path, plan: Plan, what: str) -> None:
    frame = pd.DataFrame([row(f"L{number}", DAYS[number % 2]) for number in range(5)])
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame["cash_available_usd"] = CLEAN[what]
    frame.to_parquet(tmp_path / "tape.parquet")
    assert assert_same(tmp_path / "tape.parquet", plan) == "duckdb"


ODD = {
    "infinities": [1.0, np.inf, 0.0],
    "text": ["1", "2.5", "(12.00)"],
    "long decimals": [decimal.Decimal("12345678901234567890.12"), decimal.Decimal(1), None],
    "values too small for it": [1e-30, 5e-324, 1.0],
    "values too large for it": [1e300, 1.0, 2.0],
    "nothing at all": [None, None, None],
}


@pytest.mark.parametrize("what", ODD)
def test_what_sql_cannot_say_is_read_by_the_product(tmp_path: Path, plan: Plan, what: str) -> None:
    frame = pd.DataFrame([row("L1"), row("L2", DAYS[0]), row("L3", DAYS[1])])
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame["cash_available_usd"] = ODD[what]
    frame.to_parquet(tmp_path / "tape.parquet")
    assert assert_same(tmp_path / "tape.parquet", plan) == "duckdb, arrow"


def test_the_reference_with_all_its_decimals_is_said_in_sql_alone(tmp_path: Path, plan: Plan) -> None:
    reference().to_csv(tmp_path / "tape.csv", index=False)
    reference().to_parquet(tmp_path / "tape.parquet")
    assert assert_same(tmp_path / "tape.csv", plan) == "duckdb"
    assert assert_same(tmp_path / "tape.parquet", plan) == "duckdb"


@pytest.mark.parametrize("kind", ["datetime64[ns]", "datetime64[ms]", "category"])
def test_dates_of_any_kind_are_told_apart(tmp_path: Path, plan: Plan, kind: str) -> None:
    frame = pd.concat([reference(), reference()])
    frame["measurement_date"] = pd.Series([DAYS[0]] * 400 + [DAYS[2]] * 600, index=frame.index).astype(kind)
    frame.to_parquet(tmp_path / "tape.parquet")
    assert assert_same(tmp_path / "tape.parquet", plan) == "duckdb"


def test_a_partitioned_directory_is_one_tape(tmp_path: Path, plan: Plan) -> None:
    frame = pd.concat([reference().assign(measurement_date=day) for day in DAYS])
    frame.to_parquet(tmp_path / "parts", partition_cols=["measurement_date"])
    assert assert_same(tmp_path / "parts", plan) == "duckdb"


def test_files_that_differ_in_a_type_are_read_by_the_product_and_in_columns_refused(tmp_path: Path, plan: Plan) -> None:
    whole, cut = tmp_path / "parts" / "1.parquet", tmp_path / "parts" / "2.parquet"
    whole.parent.mkdir()
    reference().assign(cash_available_usd=5).to_parquet(whole)
    reference().to_parquet(cut)
    assert assert_same(tmp_path / "parts", plan) == "duckdb, arrow"
    reference().drop(columns="cash_available_usd").to_parquet(cut)
    assert assert_same(tmp_path / "parts", plan) == ""


@pytest.mark.parametrize("name", ["a*.csv", "[t].parquet", "t?.csv", "it's.csv", "über.parquet"])
def test_a_name_is_no_pattern(tmp_path: Path, plan: Plan, name: str) -> None:
    path = tmp_path / name
    write(path, [row()]) if path.suffix == ".csv" else reference().to_parquet(path)
    write(tmp_path / "aa.csv", [row("L2")])
    assert_same(path, plan)


def test_columns_that_differ_in_case_only_are_two(tmp_path: Path, plan: Plan) -> None:
    frame = reference()
    frame.insert(0, "Total_Receivable_USD", 5.0)
    frame.to_parquet(tmp_path / "tape.parquet")
    assert assert_same(tmp_path / "tape.parquet", plan) == "arrow"


def test_row_expressions_are_measured_row_by_row(tmp_path: Path, kpis: KpiConfig) -> None:
    formula = "sum(cash_available_usd * dpd_0_7_usd) / sum(total_receivable_usd)"
    kpi = msgspec.structs.replace(kpis.kpis["PAR30"], formula=formula)
    plan = plan_of(msgspec.structs.replace(kpis, kpis={"K": kpi}))
    reference().to_parquet(tmp_path / "tape.parquet")
    assert assert_same(tmp_path / "tape.parquet", plan) == "duckdb, arrow"


@pytest.mark.parametrize("cash", ["5", "abc", ""])
def test_the_answer_is_that_of_the_stream(tmp_path: Path, kpis: KpiConfig, cash: str) -> None:
    rows = [row("L1"), row("L1"), row("L2", DAYS[0], cash_available=cash), row("L3", DAYS[0], total_receivable="0")]
    path = write(tmp_path / "tape.csv", rows)
    for how in ({"by_date": True, "duplicates": True}, {"pooled": True}, {"hashed": False}):
        by_duckdb, streamed = (found(path, kpis, **how) for found in (compute_on_duckdb, compute_streamed))
        assert answer(by_duckdb) == answer(streamed)


def answer(kpis: Any) -> dict[str, object]:
    """Without the engine's name."""
    return {**kpis.as_json(by_date=bool(kpis.by)), "engine": ""}


def test_a_signal_ends_it_as_it_ends_every_command(
    tmp_path: Path, kpis: KpiConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    def signalled(*_: object) -> None:
        raise RuntimeError("Query interrupted")  # what DuckDB makes of a SIGINT

    monkeypatch.setattr("engine.portfolio.on_duckdb._answer", signalled)
    with pytest.raises(KeyboardInterrupt):
        compute_on_duckdb(write(tmp_path / "tape.csv", [row()]), kpis)
