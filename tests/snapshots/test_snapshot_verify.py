from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from tree_at_work import furnish, taken

from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.snapshots import (
    COMPLETE,
    TREE,
    SnapshotProblem,
    choices,
    list_snapshots,
    prune,
    read_snapshot,
    verify_snapshot,
)
from engine.snapshots.identity import give_identity


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
        ({"identity": "0" * 32}, "another deployment"),
        ({"identity": ""}, "does not say of which deployment"),
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
    assert list(choices(deployment, "v1")) == []
    assert why in read_snapshot(deployment, snapshot.path).problem


def test_only_snapshots_of_the_release_are_offered_newest_first(deployment: Deployment) -> None:
    furnish(deployment)
    for purpose in ("live", "final", "side"):
        taken(deployment, purpose)
    assert [found.id for found in choices(deployment, "v1")] == ["0002", "0001"]
    assert list(choices(deployment, "v2")) == []


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


def test_of_two_deployments_with_one_name_each_restores_its_own(tmp_path: Path) -> None:
    deployments = []
    for name in ("one", "other"):
        write_config(tmp_path / name, demo=True)
        deployments.append(load_deployment(tmp_path / name))
        furnish(deployments[-1])
    one, other = deployments
    assert one.console.deployment.name == other.console.deployment.name
    copied = taken(one).path
    shutil.copytree(copied, other.paths.snapshots / copied.name)
    assert "this one has no identity" in read_snapshot(other, other.paths.snapshots / copied.name).problem
    taken(other)
    assert "another deployment" in read_snapshot(other, other.paths.snapshots / copied.name).problem
    assert [found.id for found in choices(other, "v1")] == ["0002"]


def test_an_identity_is_given_once_and_is_not_replaced_when_it_is_damaged(deployment: Deployment) -> None:
    given = give_identity(deployment)
    path = deployment.paths.rollback / "deployment.id"
    assert give_identity(deployment) == given == path.read_text().strip()
    assert path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in path.parent.iterdir()] == [path.name]
    path.write_text("")
    with pytest.raises(SnapshotProblem, match="no identity"):
        give_identity(deployment)
