"""Reading a tape: what is no tape is said, with the row and the reason."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tapes import row, write

from engine.config.kpis import KpiConfig
from engine.portfolio.compute import compute_tape
from engine.portfolio.csv_shape import check_shape
from engine.portfolio.tape import read_tape
from engine.portfolio.unreadable import TapeUnreadable

BROKEN = {
    "nothing at all": (b"", "not even a header"),
    "a row that is cut off": (b"a,b,c\n1,2,3\n4,5\n", "has 2 fields in row 2, its header 3"),
    "a row that is too long": (b"a,b\n1,2\n4,5,6\n", "has 3 fields in row 2, its header 2"),
    "every row too long": (b"a,b\n1,2,3\n4,5,6\n", "has 3 fields in row 1"),
    "a cut row among quotes": (b'a,b,c\n"1,5",2,3\n4,5\n', "has 2 fields in row 2"),
    "an open quote": (b'a,b\n"1,2\n', "is no CSV file"),
    "bytes of another encoding": (b"a,b\n\xe9,2\n", "is not UTF-8"),
    "a column twice": (b"a,b,a\n1,2,3\n", "has the column 'a' twice"),
    "a broken Parquet file": (b"PAR1 and then nothing", "is no Parquet tape"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_no_tape_is_refused_with_the_reason(tmp_path: Path, kpis: KpiConfig, what: str) -> None:
    data, reason = BROKEN[what]
    (tmp_path / "tape.csv").write_bytes(data)
    with pytest.raises(TapeUnreadable) as refused:
        read_tape(tmp_path / "tape.csv", kpis.tape)
    assert reason in refused.value.what
    assert str(tmp_path / "tape.csv") in refused.value.what


def test_a_file_that_is_not_there_is_said_in_words(tmp_path: Path, kpis: KpiConfig) -> None:
    with pytest.raises(TapeUnreadable, match="No such file"):
        read_tape(tmp_path / "tape.csv", kpis.tape)


@pytest.mark.parametrize(
    "change", [lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), str.rstrip, lambda t: t + "\n\n"]
)
def test_harmless_differences_of_files_change_nothing(tmp_path: Path, kpis: KpiConfig, change) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "tape.csv", [row("007"), row("008", cash_available="")])
    expected = read_tape(path, kpis.tape)
    path.write_bytes(change(path.read_text()).encode())
    tape = read_tape(path, kpis.tape)
    assert tape.rows == 2
    assert tape.ids is not None and tape.ids.tolist() == ["007", "008"]
    for name, column in tape.amounts.items():
        assert column.values.tolist() == expected.amounts[name].values.tolist()
        assert column.nulls.tolist() == expected.amounts[name].nulls.tolist()


def test_the_hash_is_that_of_the_bytes_read(tmp_path: Path, kpis: KpiConfig) -> None:
    path = write(tmp_path / "tape.csv", [row()])
    assert read_tape(path, kpis.tape).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_text_from_the_tape_is_harmless_in_reasons(tmp_path: Path, kpis: KpiConfig) -> None:
    tape = read_tape(write(tmp_path / "tape.csv", [row(cash_available="\x1b[2J12")]), kpis.tape)
    assert "\x1b" not in tape.amounts["cash_available_usd"].fault()


def test_whole_numbers_that_name_rows_are_text_also_beside_nulls(tmp_path: Path, kpis: KpiConfig) -> None:
    frame = pd.DataFrame([row()] * 3)
    frame["loan_id"] = pd.array([2**53, 2**53 + 1, None], dtype="Int64")
    frame.to_parquet(tmp_path / "tape.parquet")
    ids = read_tape(tmp_path / "tape.parquet", kpis.tape).ids
    assert ids is not None
    assert ids.tolist()[:2] == ["9007199254740992", "9007199254740993"]
    assert compute_tape(tmp_path / "tape.parquet", kpis).latest.duplicates == 0


FIELDS = st.text(alphabet="ab1.\t ", max_size=3)
ROWS = st.lists(FIELDS, min_size=1, max_size=4).filter(lambda fields: fields != [""])


def shape_of(data: bytes) -> list[str] | str:
    try:
        return check_shape(data)
    except TapeUnreadable as error:
        return error.what


@given(st.lists(ROWS, min_size=1, max_size=6), st.sampled_from(["\n", "\r\n"]))
def test_counting_commas_finds_the_same_ragged_rows_as_a_parser(table: list[list[str]], newline: str) -> None:
    plain = newline.join(",".join(fields) for fields in table)
    quoted = newline.join(",".join(f'"{field}"' for field in fields) for fields in table)
    assert shape_of(plain.encode()) == shape_of(quoted.encode())
    assert shape_of((plain + newline).encode()) == shape_of(quoted.encode())
