from __future__ import annotations

from pathlib import Path

import pytest

from engine.records import Tail, append_line


@pytest.mark.parametrize("into", range(1, 12))
def test_a_tail_from_the_middle_begins_with_the_next_whole_line(tmp_path: Path, into: int) -> None:
    path = tmp_path / "r.jsonl"
    sizes = []
    for number in range(5):
        append_line(path, {"n": number})
        sizes.append(path.stat().st_size)
    tail = Tail.from_offset(path, sizes[0] + into)
    first = 1 + -(-into // (sizes[1] - sizes[0]))
    assert [record["n"] for record in tail.new_records()] == list(range(first, 5))
    append_line(path, {"n": 5})
    assert [record["n"] for record in tail.new_records()] == [5]
    assert tail.offset == path.stat().st_size


def test_an_offset_that_the_file_does_not_have_reads_it_all(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    assert Tail.from_offset(path, 50).new_records() == []
    append_line(path, {"n": 1})
    assert Tail.from_offset(path, 5000).new_records() == [{"n": 1}]
    assert Tail.from_offset(path, path.stat().st_size).new_records() == []
