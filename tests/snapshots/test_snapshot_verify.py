from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tree_at_work import furnish, taken

from engine.config import Deployment
from engine.snapshots import COMPLETE, TREE, choices, list_snapshots, prune, read_snapshot, verify_snapshot


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "a flipped byte": lambda path: flip(path / TREE / "data/metrics/kpis_v1.json"),
    "a missing file": lambda path: (path / TREE / "data/metrics/empty").unlink(),
    "a file too many": lambda path: (path / TREE / "data/metrics/more").write_text("x"),
    "a link that points elsewhere": lambda path: relink(path / TREE / "data/metrics/latest"),
    "a file that became a link": lambda path: become_link(path / TREE / "data/metrics/empty"),
    "a damaged configuration": lambda path: flip(path / TREE / "config/pipeline.yml"),
    "a damaged probe tape": lambda path: flip(next((path / "probe").iterdir())),
    "a damaged manifest": lambda path: flip(path / "manifest.json"),
    "no manifest": lambda path: (path / "manifest.json").unlink(),
    "no seal": lambda path: (path / COMPLETE).unlink(),
    "no tree": lambda path: (path / TREE).rename(path / "elsewhere"),
}


def relink(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


def become_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("kpis_v1.json")


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_damage_is_found(deployment: Deployment, damage: Callable[[Path], object]) -> None:
    furnish(deployment)
    snapshot = taken(deployment)
    assert verify_snapshot(snapshot) == ""
    damage(snapshot.path)
    assert verify_snapshot(read_snapshot(deployment, snapshot.path)) != ""


def reseal(path: Path, **changes: object) -> None:
    """Change the manifest and seal it again, as a foreign deployment would have."""
    import hashlib

    data = msgspec.json.decode((path / "manifest.json").read_bytes(), type=dict[str, object])
    text = msgspec.json.encode({**data, **changes})
    (path / "manifest.json").write_bytes(text)
    (path / COMPLETE).write_text(hashlib.sha256(text).hexdigest() + "\n")


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"deployment": "someone-else"}, "another deployment"),
        ({"id": "0099"}, "a copy of snapshot 0099"),
        ({"covers": ["../../etc"]}, "outside the tree"),
        ({"version": 2}, "version 2"),
    ],
)
def test_a_snapshot_that_is_not_ours_is_never_offered(
    deployment: Deployment, changes: dict[str, object], why: str
) -> None:
    furnish(deployment)
    snapshot = taken(deployment)
    reseal(snapshot.path, **changes)
    assert choices(deployment, "v1") == []
    assert why in read_snapshot(deployment, snapshot.path).problem


def test_only_snapshots_of_the_release_are_offered_newest_first(deployment: Deployment) -> None:
    furnish(deployment)
    for purpose in ("live", "final", "side"):
        taken(deployment, purpose)
    assert [found.id for found in choices(deployment, "v1")] == ["0002", "0001"]
    assert choices(deployment, "v2") == []


def test_retention_keeps_the_configured_number_and_whatever_a_rollback_set_aside(deployment: Deployment) -> None:
    furnish(deployment)
    taken(deployment, "side")
    for _ in range(7):
        taken(deployment)
    removed = prune(deployment, frozenset({"0003"}))
    assert removed == ["0002"]
    assert [found.id for found in list_snapshots(deployment)] == ["0001", *(f"000{n}" for n in range(3, 9))]


def test_retention_never_removes_the_last_good_one(deployment: Deployment) -> None:
    furnish(deployment)
    for _ in range(7):
        taken(deployment)
    for found in list_snapshots(deployment)[2:]:
        flip(found.path / TREE / "data/metrics/kpis_v1.json")
    assert prune(deployment, frozenset()) == []
