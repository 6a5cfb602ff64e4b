from __future__ import annotations

import os
import stat
import threading
from pathlib import Path

import pytest
from tree_at_work import fingerprint, furnish, origin, taken

from engine.config import Deployment
from engine.snapshots import COMPLETE, TREE, SnapshotProblem, list_snapshots, take_snapshot, verify_snapshot
from engine.snapshots.numbers import new_directory


def test_a_snapshot_holds_configuration_and_metrics_as_they_are(deployment: Deployment) -> None:
    furnish(deployment)
    snapshot = taken(deployment)
    tree = snapshot.path / TREE
    assert fingerprint(tree / "data/metrics") == fingerprint(deployment.metrics)
    assert (tree / "config/pipeline.yml").read_bytes() == deployment.active_config.read_bytes()
    kept = (tree / "data/metrics/kpis_v1.json").stat()
    assert (stat.S_IMODE(kept.st_mode), kept.st_mtime_ns) == (0o600, 1_700_000_000_123_456_789)
    assert verify_snapshot(snapshot) == ""


def test_a_copy_shares_no_inode_with_what_it_copies(deployment: Deployment) -> None:
    furnish(deployment)
    tree = taken(deployment).path / TREE
    assert (tree / "data/metrics/kpis_v1.json").stat().st_ino != (deployment.metrics / "kpis_v1.json").stat().st_ino
    assert (deployment.metrics / "kpis_v1.json").stat().st_nlink == 1


def test_the_holes_of_a_sparse_file_take_no_room_in_its_copy(deployment: Deployment) -> None:
    furnish(deployment)
    sparse = deployment.metrics / "sparse.bin"
    with sparse.open("wb") as stream:
        stream.write(b"head")
        stream.truncate(8 << 20)
        stream.seek(5 << 20)
        stream.write(b"middle")
    copy = taken(deployment).path / TREE / "data/metrics/sparse.bin"
    assert copy.read_bytes() == sparse.read_bytes()
    assert copy.stat().st_blocks * 512 < copy.stat().st_size // 2


def test_a_link_is_recorded_and_not_followed(deployment: Deployment, tmp_path: Path) -> None:
    furnish(deployment)
    secret = tmp_path / "secret"
    secret.write_text("not ours")
    (deployment.metrics / "away").symlink_to(secret)
    snapshot = taken(deployment)
    assert (snapshot.path / TREE / "data/metrics/away").readlink() == secret
    assert snapshot.manifest is not None
    assert [entry.target for entry in snapshot.manifest.entries if entry.path.endswith("away")] == [str(secret)]


def test_a_pipe_among_the_metrics_is_refused_and_nothing_is_sealed(deployment: Deployment) -> None:
    furnish(deployment)
    os.mkfifo(deployment.metrics / "pipe")
    with pytest.raises(SnapshotProblem, match="neither file, directory nor link"):
        take_snapshot(deployment, origin())
    assert not any(found.restorable for found in list_snapshots(deployment))


def test_what_does_not_exist_is_recorded_as_absent(deployment: Deployment) -> None:
    snapshot = taken(deployment)
    assert snapshot.manifest is not None
    assert snapshot.manifest.absent == ("data/metrics",)
    assert verify_snapshot(snapshot) == ""


def test_files_that_come_and_go_do_not_disturb_a_living_snapshot(deployment: Deployment) -> None:
    furnish(deployment)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            temporary = deployment.metrics / ".kpis.tmp"
            temporary.write_bytes(os.urandom(20000))
            temporary.replace(deployment.metrics / "kpis_moving.json")
            (deployment.metrics / "kpis_moving.json").unlink()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(20):
            take_snapshot(deployment, origin("live"), living=True)
    finally:
        stop.set()
        thread.join()
    assert [verify_snapshot(found) for found in list_snapshots(deployment)] == [""] * 20


def test_a_stopped_copy_is_never_sealed(deployment: Deployment) -> None:
    furnish(deployment)
    calls = 0

    def stop_soon() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        take_snapshot(deployment, origin(), checkpoint=stop_soon)
    (found,) = list_snapshots(deployment)
    assert not found.restorable
    assert not (found.path / COMPLETE).exists()


def test_numbers_are_never_given_twice(tmp_path: Path) -> None:
    first = new_directory(tmp_path, lambda number: f"{number:04d}-cutover")
    first.rmdir()
    second = new_directory(tmp_path, lambda number: f"{number:04d}-rollback")
    assert (first.name, second.name) == ("0001-cutover", "0002-rollback")


def test_numbers_asked_for_at_once_all_differ(tmp_path: Path) -> None:
    given: list[str] = []
    threads = [
        threading.Thread(target=lambda: given.append(new_directory(tmp_path, lambda n: f"{n:04d}").name))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(given) == [f"{number:04d}" for number in range(1, 9)]


def test_a_lost_counter_falls_back_on_what_stands_there(tmp_path: Path) -> None:
    (tmp_path / "0041-cutover").mkdir()
    assert new_directory(tmp_path, lambda number: f"{number:04d}-cutover").name == "0042-cutover"
