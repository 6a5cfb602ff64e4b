"""Whole files: old or new, nothing between, nothing left over."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine.records import make_directory, write_file
from engine.records.atomic import remove_unfinished


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "pipeline.yml"
    write_file(path, b"old")
    write_file(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_failed_replacement_leaves_the_old_file_and_no_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "pipeline.yml"
    write_file(path, b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "no space left")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError, match="no space"):
        write_file(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_need_not_last_waits_for_no_disk_and_is_whole_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[int] = []
    monkeypatch.setattr(os, "fsync", waits.append)
    write_file(tmp_path / "here.json", b"{}", lasts=False)
    assert not waits
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"{}"]


def test_a_symlink_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"kept")
    link = tmp_path / "link"
    link.symlink_to(target)
    write_file(link, b"new")
    assert target.read_bytes() == b"kept"
    assert not link.is_symlink()


def test_directories_are_made_with_their_parents(tmp_path: Path) -> None:
    make_directory(tmp_path / "a" / "b")
    make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "a" / "b").is_dir()


def test_a_file_in_the_way_of_a_directory_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(OSError, match=r"exists|Not a directory"):
        make_directory(tmp_path / "a" / "b")


def test_what_killed_writers_left_is_removed_once_it_is_old_and_nothing_else_is(tmp_path: Path) -> None:
    names = (".holder.json.24d0480c.tmp", ".fresh.json.24d0480c.tmp", ".of.somebody.tmp", "holder.json")
    for name in names:
        (tmp_path / name).write_bytes(b"{")
        if "fresh" not in name:
            os.utime(tmp_path / name, (0, 0))
    assert remove_unfinished(tmp_path) == [".holder.json.24d0480c.tmp"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
    assert remove_unfinished(tmp_path / "nowhere") == []


def test_what_a_writer_leaves_who_is_killed_is_known_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "replace", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    child = os.fork()
    if not child:
        write_file(tmp_path / "holder.json", b"{}")
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 1
    assert len(remove_unfinished(tmp_path, older_than=-1.0)) == 1
