"""Following a file: everything once, in order, whatever happens to the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DamagedRecord
from engine.records import Tail, append_line, write_file


def test_each_call_returns_only_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    tail = Tail(path)
    assert tail.new_records() == []
    append_line(path, {"n": 1})
    assert tail.new_records() == [{"n": 1}]
    assert tail.new_records() == []
    append_line(path, {"n": 2})
    append_line(path, {"n": 3})
    assert tail.new_records() == [{"n": 2}, {"n": 3}]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12))
def test_records_that_arrive_in_pieces_arrive_once(tmp_path_factory: pytest.TempPathFactory, steps: list[int]) -> None:
    path = tmp_path_factory.mktemp("tail") / "records.jsonl"
    whole = b"".join(b'{"n":%d}\n' % number for number in range(12))
    tail, got, at = Tail(path), [], 0
    for step in [*steps, len(whole)]:
        with path.open("ab") as stream:
            stream.write(whole[at : at + step])
        at = min(at + step, len(whole))
        got += [record["n"] for record in tail.new_records()]
    assert got == list(range(12))


@given(st.integers(1, 50))
def test_reading_in_small_bites_gives_the_same(tmp_path_factory: pytest.TempPathFactory, bite: int) -> None:
    path = tmp_path_factory.mktemp("tail") / "records.jsonl"
    path.write_bytes(b"".join(b'{"n":%d}\n' % number for number in range(30)))
    tail, got = Tail(path), []
    while records := tail.new_records(bite):
        got += [record["n"] for record in records]
    assert got == list(range(30))


def test_a_replaced_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_line(path, {"n": 1})
    tail = Tail(path)
    tail.new_records()
    write_file(path, b'{"n":7}\n{"n":8}\n')
    assert tail.new_records() == [{"n": 7}, {"n": 8}]


def test_a_shortened_file_is_read_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2}\n')
    tail = Tail(path)
    tail.new_records()
    path.write_bytes(b'{"n":9}\n')
    assert tail.new_records() == [{"n": 9}]


def test_a_damaged_line_is_told_once_and_hides_nothing_around_it(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"n":1}\nnonsense\n{"n":3}\n')
    tail = Tail(path)
    assert tail.new_records() == [{"n": 1}]
    with pytest.raises(DamagedRecord, match="line 2"):
        tail.new_records()
    assert tail.new_records() == [{"n": 3}]
    assert tail.new_records() == []
