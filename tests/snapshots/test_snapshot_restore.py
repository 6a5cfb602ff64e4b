from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tree_at_work import fingerprint, furnish, origin, taken

from engine.config import Deployment
from engine.snapshots import (
    TREE,
    Entry,
    SnapshotProblem,
    displaced,
    list_snapshots,
    move_tree,
    plan_swap,
    prove_no_loss,
    stage,
    staged_path,
    staged_problem,
    swap_in,
    swapped,
)
from engine.snapshots import restore as restoring
from engine.snapshots.exchange import CannotExchange
from engine.snapshots.openers import who_has_open
from engine.snapshots.staging import discard_staged


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A live tree and a staged one."""
    live, staged = tmp_path / "live/metrics", tmp_path / "staged/metrics"
    for path, text in ((live, "new"), (staged, "old")):
        path.mkdir(parents=True)
        (path / "file").write_text(text)
    return live, staged


def no_exchange(first: Path, second: Path) -> None:
    raise CannotExchange("this file system cannot")


def test_a_swap_exchanges_both_trees(pair: tuple[Path, Path]) -> None:
    live, staged = pair
    swap = plan_swap(live, staged)
    assert not swapped(swap)
    assert displaced(swap) is None
    assert swap_in(swap) == "exchanged in one step"
    assert (live / "file").read_text() == "old"
    place = displaced(swap)
    assert place is not None and (place / "file").read_text() == "new"


def test_a_swap_that_has_happened_is_not_undone_by_a_second_one(pair: tuple[Path, Path]) -> None:
    live, staged = pair
    swap = plan_swap(live, staged)
    swap_in(swap)
    swap_in(swap)
    assert (live / "file").read_text() == "old"


def test_without_exchange_two_renames_do_it(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    live, staged = pair
    monkeypatch.setattr(restoring, "exchange", no_exchange)
    swap = plan_swap(live, staged)
    assert swap_in(swap).startswith("two renames")
    assert (live / "file").read_text() == "old"
    place = displaced(swap)
    assert place is not None and (place / "file").read_text() == "new"


def test_a_crash_between_the_two_renames_is_finished(pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    live, staged = pair
    monkeypatch.setattr(restoring, "exchange", no_exchange)
    swap = plan_swap(live, staged)
    live.rename(staged.with_name("metrics.displaced"))
    assert not swapped(swap)
    swap_in(swap)
    assert (live / "file").read_text() == "old"
    place = displaced(swap)
    assert place is not None and (place / "file").read_text() == "new"


def test_a_staged_tree_that_was_replaced_is_not_swapped_in(pair: tuple[Path, Path]) -> None:
    live, staged = pair
    swap = plan_swap(live, staged)
    staged.rename(staged.with_name("elsewhere"))
    staged.mkdir()
    with pytest.raises(SnapshotProblem, match="not the tree that was verified"):
        swap_in(swap)
    assert (live / "file").read_text() == "new"


def test_where_nothing_is_live_the_staged_tree_is_put_in_place(pair: tuple[Path, Path]) -> None:
    live, staged = pair
    live.rename(live.with_name("gone"))
    swap_in(plan_swap(live, staged))
    assert (live / "file").read_text() == "old"


def test_where_the_snapshot_had_nothing_the_live_tree_is_only_moved_away(pair: tuple[Path, Path]) -> None:
    live, staged = pair
    swap = plan_swap(live, staged.with_name("nothing"))
    swap_in(swap)
    assert not live.exists()
    place = displaced(swap)
    assert place is not None and (place / "file").read_text() == "new"


def test_a_tree_moves_to_another_file_system_whole(pair: tuple[Path, Path], tmp_path: Path) -> None:
    other = Path("/dev/shm")
    if not other.is_dir() or other.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    live, _ = pair
    (live / "link").symlink_to("file")
    before = fingerprint(live)
    target = other / f"abaco-test-{os.getpid()}" / "renamed"
    try:
        move_tree(live, target)
        assert fingerprint(target) == before
        assert not live.exists()
    finally:
        move_tree(target, tmp_path / "back")
        target.parent.rmdir()


def test_staging_gives_a_verified_copy_beside_the_target(deployment: Deployment) -> None:
    furnish(deployment)
    snapshot = taken(deployment)
    assert staged_problem(deployment, snapshot) == "data/metrics is not staged"
    assert stage(deployment, snapshot, origin()) == []
    assert staged_problem(deployment, snapshot) == ""
    assert fingerprint(staged_path(deployment, snapshot.id, "data/metrics")) == fingerprint(deployment.metrics)


def test_a_damaged_staged_tree_is_found_and_staged_again(deployment: Deployment) -> None:
    furnish(deployment)
    snapshot = taken(deployment)
    stage(deployment, snapshot, origin())
    (staged_path(deployment, snapshot.id, "data/metrics") / "empty").write_text("no longer")
    assert "another content" in staged_problem(deployment, snapshot)
    (kept,) = stage(deployment, snapshot, origin())
    assert staged_problem(deployment, snapshot) == ""
    salvaged = next(found for found in list_snapshots(deployment) if found.id == kept)
    assert (salvaged.path / TREE / "data/metrics/empty").read_text() == "no longer"
    assert not salvaged.restorable


def test_an_unfinished_staging_is_begun_again(deployment: Deployment) -> None:
    furnish(deployment)
    snapshot = taken(deployment)
    partial = deployment.paths.staged / f"{snapshot.id}.partial" / "data/metrics"
    partial.mkdir(parents=True)
    (partial / "half").write_text("half")
    stage(deployment, snapshot, origin())
    assert staged_problem(deployment, snapshot) == ""


def test_old_staged_copies_are_dropped_and_anything_else_is_left(deployment: Deployment) -> None:
    furnish(deployment)
    first, second, third = (taken(deployment) for _ in range(3))
    for snapshot in (first, second, third):
        stage(deployment, snapshot, origin())
    (staged_path(deployment, second.id, "data/metrics") / "precious").write_text("only here")
    (left,) = discard_staged(deployment, third.id)
    assert second.id in left
    assert sorted(path.name for path in deployment.paths.staged.iterdir()) == [second.id, third.id]


def test_whoever_has_files_open_is_named(pair: tuple[Path, Path]) -> None:
    live, _ = pair
    with (live / "file").open():
        assert who_has_open(live, but=1) == (f"{Path('/proc/self/comm').read_text().strip()} ({os.getpid()})",)
        assert who_has_open(live, but=os.getpid()) == ()


names = st.text("abc", min_size=1, max_size=3)
files = st.dictionaries(names, st.sampled_from("xyz"), max_size=6)


def entries(tree: dict[str, str]) -> list[Entry]:
    return [Entry(name, "file", 1, 0o640, 0, sha256=content) for name, content in tree.items()]


@given(files, files, files)
def test_the_proof_accounts_for_each_file_exactly_once(
    before: dict[str, str], restored: dict[str, str], aside: dict[str, str]
) -> None:
    proof = prove_no_loss(entries(before), entries(restored), entries(aside))
    assert proof.in_restored + proof.in_set_aside + len(proof.missing) == proof.files == len(before)
    contents = set(restored.values()) | set(aside.values())
    assert set(proof.missing) == {name for name, content in before.items() if content not in contents}
    assert proof.complete == (set(before.values()) <= contents)
