"""What a cutover asks for before it touches anything: room on each file system, and every place writable."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from mounts_at_work import NOBODY, as_nobody, bound, fill, immutable, read_only, small_disk, use_up_names

from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.operations.places import problems
from engine.operations.preflight import preflight, rooms
from engine.operations.reserve import (
    RESERVED_NAMES,
    give_back,
    keep_again,
    keep_reserve,
    reserve_bytes,
    reserve_problem,
)
from engine.operations.room import Need, Room, Surroundings, Tree, needs
from engine.records import make_directory

AROUND = Surroundings(rollback_device=1, logs_device=1, probe_bytes=0, min_free=0, reserve_kept=True)


@pytest.fixture
def ready(deployment: Deployment) -> Deployment:
    """A deployment in which everything that an operation writes to is there."""
    for path in ("data/metrics", "logs", ".rollback/snapshots", ".rollback/operations", ".rollback/services/abaco"):
        make_directory(deployment.root / path)
    (deployment.metrics / "one.json").write_text("{}")
    for path in (deployment.paths.events, deployment.paths.runs, deployment.paths.services / "abaco/state.json"):
        path.write_text("")
    return deployment


def test_snapshots_and_the_staged_tree_are_counted_in_bytes_and_in_names() -> None:
    (alone,) = needs([], AROUND)
    (need,) = needs([Tree(device=1, bytes=1000, names=7)], AROUND)
    assert need.bytes - alone.bytes >= 3 * 1000
    assert need.inodes - alone.inodes == 3 * 7
    assert "two snapshots" in need.reasons and "the staged tree" in need.reasons


def test_a_tree_on_another_disk_is_staged_there_and_set_aside_here() -> None:
    here, there = needs([Tree(device=2, bytes=5_000_000, names=7)], AROUND)
    assert (there.device, there.bytes, there.inodes) == (2, 5_000_000, 7)
    (alone,) = needs([], AROUND)
    assert here.bytes - alone.bytes >= 3 * 5_000_000, "two snapshots, and what a rollback copies from there"


def test_the_configuration_is_not_staged() -> None:
    (staged,), (not_staged,) = (needs([Tree(1, 1000, 1, staged)], AROUND) for staged in (True, False))
    assert staged.bytes - not_staged.bytes == 1000


def test_a_reserve_that_is_kept_already_is_not_asked_for_again() -> None:
    missing = Surroundings(1, 1, 0, 0, reserve_kept=False)
    (kept,), (needed,) = needs([], AROUND), needs([], missing)
    assert needed.bytes - kept.bytes == reserve_bytes(0)
    assert needed.inodes - kept.inodes == RESERVED_NAMES


def test_the_reserve_grows_with_the_number_of_files() -> None:
    assert reserve_bytes(100_000) > reserve_bytes(10_000) > reserve_bytes(10)


def test_what_is_lacking_is_said_with_its_reason() -> None:
    need = Need(1, 3_200_000_000, 50, ("two snapshots",))
    assert str(Room(need, ".rollback", 41_000_000_000, 1_200_000)) == "41.0 GB free, 3.2 GB needed; 1.2 M inodes free"
    assert Room(need, ".rollback", 41_000_000_000, None).problem == ""
    assert "41 MB free, 3.2 GB needed" in Room(need, ".rollback", 41_000_000, 100).problem
    assert "49 inodes free, 50 needed" in Room(need, ".rollback", 41_000_000_000, 49).problem


def test_small_files_are_counted_in_whole_blocks(ready: Deployment) -> None:
    before = rooms(ready)[0].need.bytes
    for number in range(100):
        (ready.metrics / f"{number}.json").write_text("{}")
    assert rooms(ready)[0].need.bytes - before >= 3 * 100 * 4096


def test_each_file_system_is_measured(ready: Deployment) -> None:
    with small_disk(ready.root / "data", "nr_inodes=12"):
        found = preflight(ready, probing=True)
        assert found.refused == ()
        assert {room.place for room in found.rooms} == {".rollback", "data"}
        use_up_names(ready.root / "data")
        (lacking,) = preflight(ready, probing=False).lacking
    assert "0 inodes free" in lacking and "the staged tree" in lacking


def test_a_place_that_is_whole_has_no_problem_and_nothing_is_left_in_it(ready: Deployment) -> None:
    before = sorted(ready.root.rglob("*"))
    assert problems(ready, probing=True) == []
    assert problems(ready, probing=False) == []
    assert sorted(ready.root.rglob("*")) == before


@contextlib.contextmanager
def a_full_disk(place: Path) -> Iterator[None]:
    with small_disk(place, "size=64k"):
        fill(place)
        yield


@contextlib.contextmanager
def a_directory_in_its_place(path: Path) -> Iterator[None]:
    path.mkdir()
    yield


FAULTS: dict[str, tuple[Callable[[Path], contextlib.AbstractContextManager[object]], str, str]] = {
    "logs full": (a_full_disk, "logs", "No space left"),
    "logs read-only": (read_only, "logs", "Read-only"),
    "logs immutable": (immutable, "logs", "chattr -i"),
    "audit trail immutable": (immutable, "logs/events.jsonl", "not permitted"),
    "run records read-only": (read_only, "logs/runs.jsonl", "Read-only"),
    "a directory in place of the log": (a_directory_in_its_place, "logs/rollback.log", "no regular file"),
    "way back read-only": (read_only, ".rollback", "Read-only"),
    "snapshots read-only": (read_only, ".rollback/snapshots", "Read-only"),
    "operations full": (a_full_disk, ".rollback/operations", "No space left"),
    "a service's state immutable": (immutable, ".rollback/services/abaco/state.json", "immutable"),
    "configuration immutable": (immutable, "config/pipeline.yml", "immutable"),
    "metrics immutable": (immutable, "data/metrics", "immutable"),
    "above the metrics read-only": (read_only, "data", "Read-only"),
    "metrics a mount point": (bound, "data/metrics", "mount point"),
    "a mount between the metrics and the way back": (bound, "data", "nothing can be renamed"),
}


@pytest.mark.parametrize(("fault", "place", "words"), FAULTS.values(), ids=FAULTS.keys())
def test_what_would_stop_the_operation_or_its_way_back_is_found(
    ready: Deployment, fault: Callable[[Path], contextlib.AbstractContextManager[object]], place: str, words: str
) -> None:
    with fault(ready.root / place):
        found = problems(ready, probing=True)
        left = [path for path in ready.root.rglob(".write-probe-*")]
    assert any(words in problem and place.partition("/")[0] in problem for problem in found), found
    assert left == []


@pytest.fixture
def shared(ready: Deployment) -> Iterator[Deployment]:
    """The same where another user can come to; the temporary directories of the tests are closed to others."""
    place = Path(tempfile.mkdtemp(prefix="abaco-shared-"))
    write_config(place / "deployment", demo=True)
    root = place / "deployment"
    shutil.copytree(ready.root, root, dirs_exist_ok=True)
    for path in (place, root, *root.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    place.chmod(0o755)
    yield load_deployment(root)
    shutil.rmtree(place)


def test_what_is_forbidden_to_another_user_is_found(shared: Deployment) -> None:
    assert as_nobody(lambda: problems(shared, probing=True)) == []
    os.chown(shared.paths.logs, 0, 0)
    for probing in (True, False):
        found = as_nobody(lambda: problems(shared, probing=probing))  # noqa: B023 - called at once
        assert found and all(str(shared.paths.logs) in problem for problem in found)


def test_a_file_of_another_user_in_a_sticky_directory_is_found(shared: Deployment) -> None:
    os.chown(shared.active_config.parent, 0, 0)
    shared.active_config.parent.chmod(0o1777)
    assert as_nobody(lambda: problems(shared, probing=True)) == []
    os.chown(shared.active_config, 1, 1)
    (found,) = as_nobody(lambda: problems(shared, probing=True))
    assert "pipeline.yml belongs to another user" in found


def test_the_reserve_keeps_names_too_and_is_kept_again(ready: Deployment) -> None:
    assert "missing" in reserve_problem(ready)
    with small_disk(ready.paths.rollback, f"size=64m,nr_inodes={RESERVED_NAMES + 120}") as place:
        keep_reserve(ready)
        assert reserve_problem(ready) == ""
        use_up_names(place)
        with pytest.raises(OSError, match="No space left"):
            (place / "one more").touch()
        assert "missing" not in keep_again(ready), "it is there"
        assert give_back(ready)
        (place / "one more").touch()
        assert "missing" in keep_again(ready), "no room to keep it: the rollback comes first"
        for path in place.glob("name-*"):
            path.unlink()
        assert keep_again(ready) == ""
