"""The audit trail's chain: intact after everything a crash can do, broken by any byte that changes."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.clock import Clock, Instant
from engine.records import EventsBusy, FileLock, append_event, read_lines, verify_chain
from engine.records import events as events_module


class StillClock:
    def now(self) -> Instant:
        return Instant(datetime(2026, 1, 31, tzinfo=UTC), 1000.0)


@pytest.fixture
def trail(tmp_path: Path, clock: Clock) -> Path:
    path = tmp_path / "events.jsonl"
    for number in range(4):
        data = {"n": number, "text": 'é "quoted" \u202e', "x": 0.1}
        append_event(path, "note", data, source="test", actor="a@b", clock=clock)
    return path


def test_a_new_trail_verifies(trail: Path) -> None:
    report = verify_chain(trail)
    assert report.intact
    assert report.records == 4
    assert report.last_hash == read_lines(trail)[-1]["hash"]


def test_every_flipped_bit_of_every_byte_is_found(trail: Path) -> None:
    good = trail.read_bytes()
    for position in range(len(good)):
        changed = bytearray(good)
        changed[position] ^= 1 << (position % 8)
        trail.write_bytes(changed)
        assert not verify_chain(trail).intact, f"byte {position} of {good!r}"


@settings(max_examples=200)
@given(st.data())
def test_any_changed_byte_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    path = tmp_path_factory.mktemp("trail") / "events.jsonl"
    clock = StillClock()
    for number in range(2):
        text = data.draw(st.text(max_size=5))
        append_event(path, "note", {"n": number, "u": text}, source="t", actor="a", clock=clock)
    good = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(good) - 1))
    good[position] = data.draw(st.integers(0, 255).filter(lambda byte: byte != good[position]))
    path.write_bytes(good)
    assert not verify_chain(path).intact


@pytest.mark.parametrize("edit", ["drop", "swap", "repeat", "insert"])
def test_records_cannot_be_removed_moved_or_added(trail: Path, edit: str) -> None:
    lines = trail.read_bytes().splitlines(keepends=True)
    if edit == "drop":
        del lines[1]
    elif edit == "swap":
        lines[1], lines[2] = lines[2], lines[1]
    elif edit == "repeat":
        lines.insert(2, lines[1])
    else:
        lines.insert(2, b"\n")
    trail.write_bytes(b"".join(lines))
    assert not verify_chain(trail).intact


def test_a_torn_tail_is_told_then_repaired_on_record(trail: Path, clock: Clock) -> None:
    os.truncate(trail, trail.stat().st_size - 9)
    assert "line 4 is unfinished" in verify_chain(trail).problem
    append_event(trail, "note", {"n": 9}, source="test", clock=clock)
    kinds = [event["kind"] for event in read_lines(trail)]
    assert kinds == ["note", "note", "note", "records.repaired", "note"]
    assert verify_chain(trail).intact


def test_a_damaged_end_does_not_stop_the_next_event_and_is_still_found(trail: Path, clock: Clock) -> None:
    with trail.open("ab") as stream:
        stream.write(b"nonsense\n")
    append_event(trail, "operation.accepted", {}, source="test", clock=clock)
    assert "line 5 is no record" in verify_chain(trail).problem


def test_a_record_of_another_shape_at_the_end_does_not_stop_the_next_event(trail: Path, clock: Clock) -> None:
    with trail.open("ab") as stream:
        stream.write(b'{"seq":"many"}\n')
    append_event(trail, "note", {}, source="test", clock=clock)
    assert "line 5" in verify_chain(trail).problem


def test_an_event_waits_for_the_lock_and_then_says_who_is_in_the_way(
    trail: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "LOCK_WAIT", 0.05)
    with FileLock(trail.with_name("events.jsonl.lock")) as lock:
        assert lock.acquire()
        with pytest.raises(EventsBusy):
            append_event(trail, "note", {}, source="test", clock=clock)


def test_text_that_is_no_text_is_recorded_all_the_same(trail: Path, clock: Clock) -> None:
    event = append_event(trail, "note", {"text": "\udcff", "big": 2**80}, source="test", clock=clock)
    assert event["data"] == {"text": "\\udcff", "big": str(2**80)}
    assert verify_chain(trail).intact


def test_an_absent_trail_is_empty(tmp_path: Path) -> None:
    assert verify_chain(tmp_path / "events.jsonl").records == 0


def test_events_of_several_processes_make_one_chain(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    program = (
        "import sys\nfrom pathlib import Path\nfrom engine.records import append_event\n"
        f"for n in range(25): append_event(Path({str(path)!r}), 'note', {{'n': n}}, source=sys.argv[1])\n"
    )
    writers = [subprocess.Popen([sys.executable, "-c", program, str(who)]) for who in range(3)]
    assert [writer.wait(60) for writer in writers] == [0, 0, 0]
    report = verify_chain(path)
    assert (report.problem, report.records) == ("", 75)


def test_writers_that_are_killed_break_no_chain(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    program = (
        "from pathlib import Path\nfrom engine.records import append_event\n"
        f"while True: append_event(Path({str(path)!r}), 'note', {{'text': 'x' * 3000}}, source='t')\n"
    )
    for count in (5, 10, 15):
        writer = subprocess.Popen([sys.executable, "-c", program])
        try:
            while not (path.exists() and path.read_bytes().count(b"\n") >= count):
                assert writer.poll() is None
        finally:
            writer.kill()
            writer.wait()
    append_event(path, "note", {}, source="t")
    assert verify_chain(path).intact
