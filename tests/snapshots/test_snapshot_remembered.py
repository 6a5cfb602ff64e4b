"""What was read once is not read again while it is unchanged; whatever was done to it in between is found."""

from __future__ import annotations

import mmap
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.snapshots import Entry, Remembered, entries_of, load_remembered
from engine.snapshots.openers import who_has_open

LONG_AGO = 60.0


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A tree of two files, read a minute after it was written: the clock, not the test, makes that minute."""
    now = time.time
    monkeypatch.setattr("engine.snapshots.remembered.time.time", lambda: now() + LONG_AGO)
    (tmp_path / "metrics").mkdir()
    for name in ("a", "b"):
        (tmp_path / "metrics" / name).write_bytes(name.encode() * 1000)
    return tmp_path


def read(tree: Path, remembered: Remembered) -> dict[str, Entry]:
    return {entry.path: entry for entry in entries_of(tree, ("metrics",), remembered=remembered)}


def rewritten(path: Path) -> None:
    path.write_bytes(b"x" * path.stat().st_size)


def rewritten_and_dated_back(path: Path) -> None:
    before = path.stat()
    rewritten(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def replaced(path: Path) -> None:
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"x" * before.st_size)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def test_an_unchanged_file_is_not_read_again(tree: Path) -> None:
    remembered = Remembered()
    first = read(tree, remembered)
    was_read = remembered.read_bytes
    assert read(tree, remembered) == first
    assert (was_read, remembered.read_bytes, remembered.spared_bytes) == (2000, 2000, 2000)


def test_neither_is_one_whose_tree_was_moved(tree: Path) -> None:
    remembered = Remembered()
    read(tree, remembered)
    (tree / "aside").mkdir()
    (tree / "metrics").rename(tree / "aside" / "metrics")
    assert read(tree / "aside", remembered)["metrics/a"].sha256
    assert remembered.read_bytes == 2000


@pytest.mark.parametrize("damage", [rewritten, rewritten_and_dated_back, replaced])
def test_a_file_damaged_between_two_looks_is_found(tree: Path, damage: Callable[[Path], None]) -> None:
    remembered = Remembered()
    first = read(tree, remembered)
    damage(tree / "metrics" / "a")
    second = read(tree, remembered)
    assert second["metrics/a"].size == first["metrics/a"].size
    assert second["metrics/a"].sha256 != first["metrics/a"].sha256
    assert second["metrics/b"] == first["metrics/b"]


def test_a_file_written_a_moment_ago_is_read_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one tick of its clock a file may change and look the same."""
    monkeypatch.setattr("engine.snapshots.remembered.time.time", lambda: (tree / "metrics/b").stat().st_ctime + 0.5)
    remembered = Remembered()
    read(tree, remembered)
    read(tree, remembered)
    assert (remembered.read_bytes, remembered.spared_bytes) == (4000, 0)


def test_where_somebody_has_files_mapped_they_are_named_and_nothing_is_remembered(tree: Path) -> None:
    with (tree / "metrics" / "a").open("r+b") as stream:
        mapped = mmap.mmap(stream.fileno(), 0)
    try:
        named = who_has_open(tree / "metrics", but=-1)
        assert any(f"({os.getpid()})" in name for name in named), named
    finally:
        mapped.close()
    remembered = Remembered()
    read(tree, remembered)
    remembered.forget()
    read(tree, remembered)
    read(tree, remembered)
    assert (remembered.read_bytes, remembered.spared_bytes) == (6000, 0)


def test_what_is_stored_says_when_it_was_read_and_grows_too_old(tree: Path, tmp_path: Path) -> None:
    stored = tmp_path / "reads.json"
    first = Remembered()
    read(tree, first)
    first.store(stored)
    at = first.oldest
    assert at is not None

    known = load_remembered(stored, at - 1)
    read(tree, known)
    assert (known.read_bytes, known.spared_bytes, known.oldest) == (0, 2000, at)
    assert known.would_take > 0

    old = load_remembered(stored, at + 1)
    read(tree, old)
    assert (old.read_bytes, old.spared_bytes) == (2000, 0)

    stored.write_bytes(b"torn")
    assert load_remembered(stored, at - 1).oldest is None
