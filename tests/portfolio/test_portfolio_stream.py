"""A streamed tape gives the figures of the tape read whole, and refuses what that refuses."""

from __future__ import annotations

import decimal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from odd_tapes import DAYS, TEXTS, frames
from tapes import AMOUNTS, quoted, reference, row, write

from engine.config.kpis import KpiConfig
from engine.errors import Refused
from engine.portfolio import csv_stream, parquet_stream, stream
from engine.portfolio.compute import compute_tape
from engine.portfolio.plan import Plan
from engine.portfolio.results import Group
from engine.portfolio.stream import stream_tape
from engine.portfolio.streamed import compute_streamed, is_large
from engine.portfolio.unreadable import TapeUnreadable

CELL = st.one_of(
    st.integers(0, 10**9).map(lambda cents: f"{cents / 100:.2f}"),
    st.sampled_from([*TEXTS, "NAN", "-Infinity", "+3.", ".5", " 12.5 ", "1e5", "1_0", "0x1f", "True", "９"]),
)
DATE = st.sampled_from([*DAYS * 4, "2025-12-31T10:00:00", "", "soon", "31/12/2025"])
FAST = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}


def assert_same(path: Path, kpis: KpiConfig, **how: bool) -> None:
    """Streamed and read whole: the same groups, but for duplicates, and nulls in columns that no KPI needs."""
    whole, streamed = compute_tape(path, kpis, **how), compute_streamed(path, kpis, **how)
    assert streamed.tape_rows == whole.tape_rows
    assert streamed.sha256 == whole.sha256
    for one, two in zip((streamed.latest, *streamed.by), (whole.latest, *whole.by), strict=True):
        assert (one.measurement_date, one.rows) == (two.measurement_date, two.rows)
        assert unquoted(one) == unquoted(two)
        assert one.nulls == {name: count for name, count in two.nulls.items() if name in streamed.columns}


def unquoted(group: Group) -> list[tuple[object, ...]]:
    """The KPIs, without the cell that a reason quotes: a reader of whole columns shows 1e999 as inf."""
    return [(kpi.value, kpi.unheld, kpi.status, (kpi.reason or "").split(": '")[0]) for kpi in group.kpis.values()]


@settings(max_examples=60, **FAST)
@given(st.lists(st.tuples(DATE, CELL, CELL), max_size=8), st.booleans())
def test_any_csv_gives_what_it_gives_when_read_whole(
    tmp_path: Path, kpis: KpiConfig, drawn: list[tuple[str, str, str]], dated: bool
) -> None:
    rows = [
        row(f"0{number}", date if dated else None, cash_available=quoted(cash), dpd_90_plus=quoted(late))
        for number, (date, cash, late) in enumerate(drawn)
    ]
    path = write(tmp_path / "tape.csv", rows, header=row(date="" if dated else None))
    assert_same(path, kpis, by_date=dated)


@settings(max_examples=40, **FAST)
@given(frames())
def test_any_parquet_gives_what_it_gives_when_read_whole(tmp_path: Path, kpis: KpiConfig, frame: pd.DataFrame) -> None:
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=4)
    assert_same(tmp_path / "tape.parquet", kpis)


@pytest.mark.parametrize("workers", [1, 2, 3, 7])
def test_pieces_and_workers_change_no_bit(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(csv_stream, "_BLOCK", 4096)
    rows = [row(f"L{number}", DAYS[number % 3], cash_available=f"{number}.37") for number in range(500)]
    path = write(tmp_path / "tape.csv", rows)
    rows[333]["cash_available_usd"] = "abc"
    odd = write(tmp_path / "odd.csv", rows)
    frame = pd.read_csv(path)
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=60)
    expected = stream_tape(path, plan, workers=1)
    assert stream_tape(path, plan, workers=workers) == expected
    assert stream_tape(tmp_path / "tape.parquet", plan, workers=workers) == expected
    fault = stream_tape(odd, plan, workers=workers)[0].parts["2025-10-31"].columns["cash_available_usd"].fault
    assert fault is not None
    assert (fault.count, fault.row) == (1, 334)


def test_the_first_infinity_of_a_late_piece_is_named_by_its_row_in_the_tape(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = pd.DataFrame([row()] * 100)
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame.loc[77, "cash_available_usd"] = float("inf")
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=10)
    reason = compute_streamed(tmp_path / "tape.parquet", kpis).latest.kpis["CollectionRate"].reason
    assert reason == "cash_available_usd: 1 value is no finite number, in row 78: 'inf'"


BROKEN = {
    "a row that is cut off": (b"a,b,c\n1,2,3\n4,5\n", "has 2 fields in row 2, its header 3"),
    "a row that is too long": (b"a,b\n1,2\n4,5,6\n", "has 3 fields in row 2, its header 2"),
    "nothing at all": (b"", "not even a header"),
    "a column twice": (b"a,b,a\n1,2,3\n", "has the column 'a' twice"),
    "a broken Parquet file": (b"PAR1 and then nothing", "is no Parquet tape"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_tape_is_refused_with_the_reason(tmp_path: Path, plan: Plan, what: str) -> None:
    data, reason = BROKEN[what]
    (tmp_path / "tape.csv").write_bytes(data)
    with pytest.raises(TapeUnreadable) as refused:
        stream_tape(tmp_path / "tape.csv", plan)
    assert reason in refused.value.what
    assert str(tmp_path / "tape.csv") in refused.value.what


def test_a_file_that_is_not_there_is_said_in_words(tmp_path: Path, plan: Plan) -> None:
    with pytest.raises(TapeUnreadable, match="No such file"):
        stream_tape(tmp_path / "tape.csv", plan)


CHANGES = {
    "a byte order mark": lambda text: "\ufeff" + text,
    "line ends of another system": lambda text: text.replace("\n", "\r\n"),
    "no line end at the end": str.rstrip,
    "empty lines": lambda text: text + "\n\n",
    "a line break in quotes": lambda text: text.replace("L7", '"L\n7"'),
    "blanks in the header": lambda text: text.replace("cash_available_usd", " cash_available_usd "),
}


@pytest.mark.parametrize("what", CHANGES)
def test_harmless_differences_of_files_change_nothing(tmp_path: Path, kpis: KpiConfig, what: str) -> None:
    path = write(tmp_path / "tape.csv", [row("L7"), row("L8", cash_available="")])
    path.write_bytes(CHANGES[what](path.read_text()).encode())
    assert_same(path, kpis)


def test_a_partitioned_directory_is_one_tape(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = pd.concat([reference().assign(measurement_date=day) for day in DAYS])
    frame.to_parquet(tmp_path / "parts", partition_cols=["measurement_date"])
    streamed = compute_streamed(tmp_path / "parts", kpis, by_date=True)
    assert [(group.measurement_date, group.rows) for group in streamed.by] == [(day, 500) for day in DAYS]
    assert streamed.latest.kpis == compute_tape(tmp_path / "parts", kpis).latest.kpis


def test_files_with_different_columns_are_no_tape(tmp_path: Path, plan: Plan) -> None:
    (tmp_path / "parts").mkdir()
    reference().to_parquet(tmp_path / "parts" / "1.parquet")
    reference().drop(columns="cash_available_usd").to_parquet(tmp_path / "parts" / "2.parquet")
    with pytest.raises(TapeUnreadable, match="different columns"):
        stream_tape(tmp_path / "parts", plan)


def test_dates_and_decimals_of_parquet_are_read_as_what_they_are(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = pd.DataFrame([row("L1"), row("L2", "2025-11-30")])
    for name in AMOUNTS:
        frame[name] = [decimal.Decimal(text) for text in frame[name]]
    frame["measurement_date"] = pd.to_datetime(frame["measurement_date"])
    frame.to_parquet(tmp_path / "tape.parquet")
    assert_same(tmp_path / "tape.parquet", kpis, by_date=True)


def test_a_trend_of_an_undated_stream_is_refused(tmp_path: Path, kpis: KpiConfig) -> None:
    with pytest.raises(Refused, match="measurement_date"):
        compute_streamed(write(tmp_path / "tape.csv", [row(date=None)]), kpis, by_date=True)


def test_only_large_tapes_are_streamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "tape.csv", [row()])
    assert not is_large(path)
    monkeypatch.setattr("engine.portfolio.streamed.LARGE", 100)
    assert is_large(path)
    assert is_large(tmp_path)
    assert not is_large(tmp_path / "nowhere")


def test_streaming_loads_no_pandas(tmp_path: Path) -> None:
    path = write(tmp_path / "tape.csv", [row(), row("L2", cash_available="")])
    code = (
        "import sys, pathlib, msgspec, yaml\n"
        "from engine.config.kpis import KpiConfig\n"
        "from engine.portfolio.streamed import compute_streamed\n"
        f"text = pathlib.Path({str(Path(stream.__file__).parents[2] / 'config' / 'kpis.yml')!r}).read_text()\n"
        "config = msgspec.convert(yaml.safe_load(text), KpiConfig, strict=False)\n"
        f"print(compute_streamed(pathlib.Path({str(path)!r}), config).latest.rows, 'pandas' in sys.modules)\n"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["2", "False"]


def test_a_row_group_that_is_too_large_is_read_in_batches(
    tmp_path: Path, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = pd.DataFrame([row(f"L{number}", DAYS[number % 3], cash_available=f"{number}.37") for number in range(90)])
    frame[list(AMOUNTS)] = frame[list(AMOUNTS)].astype(float)
    frame.to_parquet(tmp_path / "tape.parquet", row_group_size=60)
    at_once = stream_tape(tmp_path / "tape.parquet", plan)
    monkeypatch.setattr(parquet_stream, "_GROUP", 40)
    monkeypatch.setattr(parquet_stream, "_ROWS", 7)
    assert stream_tape(tmp_path / "tape.parquet", plan) == at_once
