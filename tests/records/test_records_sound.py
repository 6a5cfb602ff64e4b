"""What is sound of a damaged file is read, and what is not is counted."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from engine.records import records_from_end, sound_records

LINES = st.lists(
    st.one_of(st.integers(0, 200_000).map(lambda size: {"n": size, "x": "y" * (size % 70_000)}), st.none())
)


@given(LINES, st.binary(max_size=40).filter(lambda tail: b"\n" not in tail))
def test_sound_records_are_all_read_in_order_whatever_is_damaged_between(
    tmp_path_factory: object, lines: list[dict[str, object] | None], torn: bytes
) -> None:
    path: Path = tmp_path_factory.getbasetemp() / "runs.jsonl"  # type: ignore[attr-defined]
    path.write_bytes(b"".join((json.dumps(x).encode() if x else b'{"garbage') + b"\n" for x in lines) + torn)
    assert sound_records(path) == ([line for line in lines if line], lines.count(None))
    assert list(records_from_end(path)) == list(reversed(lines))


def test_an_absent_file_has_no_records(tmp_path: Path) -> None:
    assert sound_records(tmp_path / "none") == ([], 0)


def test_damage_before_the_record_that_is_asked_for_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    path.write_bytes(b"\xff" * 300_000 + b'\n{"n":1}\n')
    assert next(records_from_end(path)) == {"n": 1}
