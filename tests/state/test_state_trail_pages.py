"""The whole trail, page by page: nothing is lost between pages, and a filter looks through all of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.records.lines import encode
from engine.state import trail_pages
from engine.state.trail_pages import Filter, filter_of, page_after, page_before


def event(number: int, kind: str = "note", **data: object) -> bytes:
    at = f"2026-01-{1 + number // 1440:02d}T{number // 60 % 24:02d}:{number % 60:02d}:00.000Z"
    return encode({"kind": kind, "at": at, "actor": "a.moreno", "data": {"text": f"word {number}", **data}})


@pytest.fixture
def trail(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"".join(event(number) for number in range(1000)))
    return path


def everything(path: Path, wanted: Filter) -> list[str]:
    page = page_before(path, None, wanted)
    lines = list(page.lines)
    while page.first > 0:
        page = page_before(path, page.first, wanted)
        lines = [*page.lines, *lines]
    return [line.words for line in lines]


@pytest.mark.parametrize("block", [200, 1000, 7777])
def test_pages_meet_without_a_gap_and_without_a_double(
    trail: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(trail_pages, "BLOCK", block)
    monkeypatch.setattr(trail_pages, "PAGE", 7)
    told = everything(trail, Filter())
    assert [int(words.split("word ")[1].split()[0]) for words in told] == list(range(1000))


def test_a_filter_looks_through_the_whole_trail(trail: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trail_pages, "BLOCK", 1000)
    monkeypatch.setattr(trail_pages, "BUDGET", 5000)
    assert len(everything(trail, Filter("all", "WORD 17"))) == 11
    assert page_before(trail, None, Filter("all", "word 17")).lines == (), "one page reads no more than its budget"


def test_kinds_part_operations_alerts_and_people(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    kinds = ("operation.accepted", "alert.opened", "note", "run.finished", "monitor.suspended")
    path.write_bytes(b"".join(event(number, kind, status="ok") for number, kind in enumerate(kinds)))
    assert len(everything(path, Filter("operations"))) == 1
    assert len(everything(path, Filter("alerts"))) == 2
    assert len(everything(path, Filter("people"))) == 2, "who accepted an operation is a person"
    assert filter_of("alerts MEM") == Filter("alerts", "MEM") and filter_of("0003") == Filter("all", "0003")


def test_good_runs_share_a_line_also_across_pages(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    runs = [event(number, "run.finished", status="ok", release="v2") for number in range(50)]
    path.write_bytes(b"".join([event(0), *runs, event(51)]))
    page = page_before(path, None, Filter())
    assert [line.count for line in page.lines] == [0, 50, 0]
    assert "published 50 runs since 00:00:00" in page.lines[1].words


def test_what_is_added_is_seen_once_and_a_torn_line_not_yet(trail: Path) -> None:
    page = page_before(trail, None, Filter())
    with trail.open("ab") as stream:
        stream.write(event(1001) + event(1002)[:20])
    added = page_after(trail, page.end, Filter())
    assert len(added.lines) == 1 and page_after(trail, added.end, Filter()).lines == ()
    assert page_before(trail, None, Filter()).end == added.end


def test_damaged_lines_are_counted_not_hidden(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(event(1) + b"\x00 not a record\n" + event(2))
    page = page_before(path, None, Filter())
    assert (len(page.lines), page.damaged) == (2, 1)
