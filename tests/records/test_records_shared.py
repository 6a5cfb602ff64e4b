"""Where a group works, what is made is the group's; elsewhere, and for secrets, nothing changes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.records import FileLock, append_event, append_line, make_directory, write_file
from engine.records.atomic import make_for_group, open_new, open_to_append
from engine.records.shared import settle_directory
from engine.snapshots.copying import copy_tree
from engine.snapshots.numbers import new_directory


@pytest.fixture(params=[0o000, 0o022, 0o077])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(0o2770)
    return place


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def closed(make: Callable[[Path], int]) -> Callable[[Path], None]:
    return lambda path: os.close(make(path))


@pytest.mark.parametrize(
    "make",
    [
        lambda path: write_file(path, b"x"),
        lambda path: append_line(path, {"a": 1}),
        lambda path: append_event(path, "k", {}, source="t"),
        closed(open_new),
        closed(open_to_append),
    ],
)
def test_a_file_is_the_groups_where_a_group_works(
    shared: Path, tmp_path: Path, umask: int, make: Callable[[Path], None]
) -> None:
    make(shared / "file")
    make(tmp_path / "file")
    assert mode(shared / "file") == 0o660
    assert mode(tmp_path / "file") == 0o640


def test_directories_hand_it_on_all_the_way_down(shared: Path, umask: int) -> None:
    make_directory(shared / "a" / "b")
    write_file(shared / "a" / "b" / "file", b"x")
    numbered = new_directory(shared / "numbered", lambda number: f"{number:04d}")
    for made in (shared / "a", shared / "a" / "b", shared / "numbered", numbered):
        assert mode(made) == 0o2770
    assert mode(shared / "a" / "b" / "file") == 0o660


def test_what_is_made_belongs_to_the_directorys_group(shared: Path, umask: int) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a directory to a group that it is not in")
    os.chown(shared, -1, 12345)
    make_directory(shared / "a")
    write_file(shared / "a" / "file", b"x")
    with FileLock(shared / "a" / "lock") as lock:
        assert lock.acquire()
    assert {path.stat().st_gid for path in shared.rglob("*")} == {12345}


def test_a_secret_stays_one(shared: Path) -> None:
    write_file(shared / "secret", b"x", 0o600)
    assert mode(shared / "secret") == 0o600


@pytest.mark.parametrize("other", [0o770, 0o2750, 0o755])
def test_a_directory_that_is_not_wholly_the_groups_makes_nothing_shared(tmp_path: Path, other: int) -> None:
    place = tmp_path / "place"
    place.mkdir()
    place.chmod(other)
    write_file(place / "file", b"x")
    make_directory(place / "below")
    assert mode(place / "file") == 0o640
    assert not mode(place / "below") & stat.S_IWGRP


def test_where_setgid_may_not_be_asked_for_what_is_inherited_stays(
    shared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A unit with ``RestrictSUIDSGID=yes``: the kernel refuses the call, not the directory."""

    def refuse(path: Path, wanted: int) -> None:
        if wanted & stat.S_ISGID:
            raise PermissionError(1, "Operation not permitted")
        os.chmod(path, wanted)  # noqa: PTH101 - Path's own is what is replaced

    before = os.umask(0o022)
    try:
        (shared / "a").mkdir()
    finally:
        os.umask(before)
    monkeypatch.setattr(Path, "chmod", refuse)
    settle_directory(shared / "a", 0o2770)
    assert mode(shared / "a") & stat.S_ISGID
    make_directory(shared.parent / "private")
    make_for_group(shared.parent / "private" / "requests")
    assert mode(shared.parent / "private" / "requests") == 0o770


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
SERVICE = 65533


@pytest.fixture
def of_another(tmp_path: Path) -> Path:
    """A directory of the service's account, in which root works now and then."""
    path = tmp_path / "theirs"
    path.mkdir(mode=0o750)
    os.chown(path, SERVICE, SERVICE)
    return path


def owners(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_uid, status.st_gid


@needs_root
def test_what_root_makes_in_another_accounts_directory_is_that_accounts(of_another: Path, tmp_path: Path) -> None:
    """It could not even read it else: its monitor would be blind after one command of root's."""
    write_file(of_another / "written", b"x")
    make_directory(of_another / "some/new")
    append_line(of_another / "some/new/appended", {"a": 1})
    with FileLock(of_another / "lock") as lock:
        assert lock.acquire()
    source = tmp_path / "source"
    (source / "data").mkdir(parents=True)
    (source / "data/file").write_text("x")
    copy_tree(source, of_another, "data")
    made = [path for path in of_another.rglob("*") if not path.is_symlink()]
    assert len(made) == 7
    assert {owners(path) for path in made} == {(SERVICE, SERVICE)}


@needs_root
def test_what_tells_who_made_it_goes_on_telling(of_another: Path) -> None:
    write_file(of_another / "mine", b"x", mine=True)
    assert owners(of_another / "mine") == (0, SERVICE), "its group reads it"
    make_for_group(of_another / "requests")
    os.chown(of_another / "requests", SERVICE, SERVICE)
    write_file(of_another / "requests/go", b"x")
    assert owners(of_another / "requests/go")[0] == 0, "the author of a request is its owner"


@needs_root
def test_in_roots_own_directory_nothing_is_given_away(tmp_path: Path) -> None:
    write_file(tmp_path / "written", b"x")
    assert owners(tmp_path / "written")[0] == 0
