"""Owner and group of what is restored are given back as far as the account may, and the rest is said."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tree_at_work import furnish, origin, taken

from engine.config import Deployment
from engine.snapshots import Entry, give_back_owners, stage, staged_path

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
COVERED = "data/metrics"


@pytest.fixture
def open_place() -> Iterator[Path]:
    """A directory that every account can reach: pytest's own are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def owners(root: Path) -> set[tuple[int, int]]:
    found = (path.lstat() for path in (root, *root.rglob("*")))
    return {(each.st_uid, each.st_gid) for each in found}


@needs_root
def test_root_stages_what_is_restored_with_its_owner_its_group_and_its_mode(deployment: Deployment) -> None:
    furnish(deployment)
    for path in (deployment.metrics, *deployment.metrics.rglob("*")):
        os.chown(path, 1234, 2345, follow_symlinks=False)
    deployment.metrics.chmod(0o2770)
    snapshot = taken(deployment)
    stage(deployment, snapshot, origin())
    staged = staged_path(deployment, snapshot.id, COVERED)
    assert owners(staged) == {(1234, 2345)}
    assert staged.stat().st_mode & 0o7777 == 0o2770
    assert (staged / "kpis_v1.json").stat().st_mode & 0o7777 == 0o600


@needs_root
def test_an_account_without_root_gives_back_a_group_that_it_is_in_and_says_what_it_cannot(open_place: Path) -> None:
    for name in ("mine", "group", "stranger"):
        (open_place / name).write_text("x")
        os.chown(open_place / name, 1234, 2345)
    os.chown(open_place, 1234, 2345)
    wanted = {"mine": (1234, 2345), "group": (1235, 3456), "stranger": (1234, 4567)}
    entries = [Entry(name, "file", 1, 0o640, 0, "x", uid=uid, gid=gid) for name, (uid, gid) in wanted.items()]
    reading, writing = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.setgroups([2345, 3456])
            os.setresgid(2345, 2345, 2345)
            os.setresuid(1234, 1234, 1234)
            os.write(writing, give_back_owners(open_place, entries).encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    said = os.read(reading, 4096).decode()
    os.close(reading)
    assert said == "1 name of 1234, only root gives them back to 1235; 1 name of group 2345, not given to group 4567"
    assert (open_place / "group").stat().st_gid == 3456


@needs_root
def test_a_file_with_a_second_name_elsewhere_is_not_given_away(tmp_path: Path) -> None:
    """Whoever may write in the tree could have put a link to somebody else's file there."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/file").hardlink_to(secret)
    entry = Entry("file", "file", 1, 0o640, 0, "x", uid=1234, gid=2345)
    assert "only root gives them back" in give_back_owners(tmp_path / "tree", [entry])
    assert secret.stat().st_uid == os.geteuid()


def test_an_entry_of_a_manifest_that_does_not_say_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    old = msgspec.json.decode(
        b'{"path":"file","type":"file","size":1,"mode":416,"mtime_ns":0,"sha256":"x","target":""}', type=Entry
    )
    assert give_back_owners(tmp_path, [old, Entry("gone", "file", 1, 0, 0, uid=1, gid=1)]) == ""
