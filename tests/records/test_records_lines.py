"""Appending and reading lines: what a crash leaves is forgiven, what no crash leaves is refused."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config.quantities import Duration
from engine.errors import DamagedRecord
from engine.records import Tail, append_line, read_lines
from engine.records.lines import decode, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef", max_size=5), inner, max_size=4),
    max_leaves=12,
)
RECORDS = st.dictionaries(st.text("abcdefgh", min_size=1, max_size=5), JSON, max_size=5)


@given(RECORDS)
def test_what_is_written_is_read_again(record: dict[str, Any]) -> None:
    assert decode(encode(record)[:-1]) == record


@given(RECORDS)
def test_the_same_record_gives_the_same_bytes_whatever_the_order_of_its_keys(record: dict[str, Any]) -> None:
    assert encode(dict(reversed(record.items()))) == encode(record)
    assert encode(decode(encode(record)[:-1])) == encode(record)


@given(st.text() | st.floats() | st.integers() | st.sets(st.integers()) | st.dates())
def test_no_value_stops_a_record(value: object) -> None:
    assert set(decode(encode({"odd": value})[:-1])) == {"odd"}


def test_values_json_has_no_form_for_become_readable() -> None:
    record = {"a": "\udc80", "b": 2**70, "c": float("nan"), "d": Duration(2.5), "e": Path("/x"), "f": {3: "\ud800"}}
    assert decode(encode(record)[:-1]) == {
        "a": "\\udc80",
        "b": str(2**70),
        "c": None,
        "d": 2.5,
        "e": "/x",
        "f": {"3": "\\ud800"},
    }
    assert decode(encode({"at": datetime(2026, 1, 31, tzinfo=UTC), "odd": {1}})[:-1])["at"].startswith("2026-01-31T")


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_last_line_is_left_out_and_cut_by_the_next_append(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "records.jsonl"
    append_line(path, {"n": 1})
    whole = path.stat().st_size
    append_line(path, {"n": 2, "text": "long enough to be torn anywhere"})
    size = path.stat().st_size
    os.truncate(path, max(whole, size - cut))
    assert read_lines(path) == [{"n": 1}]
    append_line(path, {"n": 3})
    assert read_lines(path) == [{"n": 1}, {"n": 3}]


def test_a_torn_tail_longer_than_one_block_is_cut_whole(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_line(path, {"n": 1})
    with path.open("ab") as stream:
        stream.write(b"x" * 200_000)
    append_line(path, {"n": 2})
    assert read_lines(path) == [{"n": 1}, {"n": 2}]


def test_damage_in_the_middle_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":\n{"n":3}\n')
    with pytest.raises(DamagedRecord, match="line 2"):
        read_lines(path)
    append_line(path, {"n": 4})
    assert path.read_bytes() == b'{"n":1}\n{"n":\n{"n":3}\n{"n":4}\n'


def test_a_symlink_is_neither_written_nor_read_through(tmp_path: Path) -> None:
    target = tmp_path / "elsewhere"
    target.write_bytes(b'{"n":1}\n')
    link = tmp_path / "records.jsonl"
    link.symlink_to(target)
    with pytest.raises(OSError, match="symbolic"):
        append_line(link, {"n": 2})
    with pytest.raises(OSError, match="symbolic"):
        read_lines(link)
    with pytest.raises(OSError, match="symbolic"):
        Tail(link).new_records()
    assert target.read_bytes() == b'{"n":1}\n'


def test_a_pipe_in_place_of_a_file_hangs_nobody(tmp_path: Path) -> None:
    pipe = tmp_path / "records.jsonl"
    os.mkfifo(pipe)
    for attempt in (lambda: append_line(pipe, {}), lambda: read_lines(pipe), lambda: Tail(pipe).new_records()):
        with pytest.raises(OSError, match="no regular file"):
            attempt()


def test_files_are_made_for_the_group_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        append_line(tmp_path / "records.jsonl", {})
    finally:
        os.umask(before)
    assert (tmp_path / "records.jsonl").stat().st_mode & 0o777 == 0o640


def test_a_write_that_the_disk_cuts_short_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    append_line(path, {"n": 1})
    before = path.read_bytes()

    def limit_file_size() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))

    program = (
        "from pathlib import Path\nfrom engine.records import append_line\n"
        f"try: append_line(Path({str(path)!r}), {{'text': 'x' * 500}})\n"
        "except OSError: raise SystemExit(7)\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], preexec_fn=limit_file_size, check=False)
    assert ended.returncode == 7
    assert path.read_bytes() == before


def test_writers_of_several_processes_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"
    program = (
        "import sys\nfrom pathlib import Path\nfrom engine.records import append_line\n"
        f"for n in range(60): append_line(Path({str(path)!r}), {{'who': sys.argv[1], 'n': n}}, sync=False)\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(who)]) for who in range(4)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0, 0]
    records = read_lines(path)
    for who in range(4):
        assert [record["n"] for record in records if record["who"] == str(who)] == list(range(60))
