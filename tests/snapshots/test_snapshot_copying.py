"""A copy is made so that whoever works on the deployment can read it: another operator goes back with it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from engine.snapshots.catalogue import UNREADABLE, Snapshot, verify_snapshot
from engine.snapshots.copying import copy_tree
from engine.snapshots.manifest import Manifest


@pytest.fixture
def narrow() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


@pytest.mark.usefixtures("narrow")
def test_in_a_shared_place_every_directory_of_a_copy_is_the_groups_whatever_the_umask(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    (source / "data" / "metrics").mkdir(parents=True)
    (source / "data" / "metrics").chmod(0o2770)
    (source / "data" / "metrics" / "a").write_text("a")
    target.mkdir()
    target.chmod(0o2770)
    copy_tree(source, target, "data/metrics")
    for made in (target / "data", target / "data" / "metrics"):
        assert made.stat().st_mode & 0o7777 == 0o2770, made


def test_what_this_account_may_not_read_is_not_called_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "tree/data")

    monkeypatch.setattr("engine.snapshots.catalogue.entries_of", refused)
    told = {name: "x" for name in ("id", "deployment", "root", "machine", "operation", "release", "build", "tool")}
    told |= {"version": 1, "purpose": "final", "taken_at": "2026-01-31T02:00:00Z", "probe": None}
    manifest = msgspec.convert({**told, "covers": [], "absent": [], "entries": []}, Manifest)
    problem = verify_snapshot(Snapshot("0002", tmp_path, manifest))
    assert problem.startswith(UNREADABLE) and problem.endswith(": tree/data")
