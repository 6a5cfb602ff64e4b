"""Names that nobody would choose: no UTF-8, pipes, links in place of what snapshots cover."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from engine.config import Deployment
from engine.operations.places import problems
from engine.snapshots import Origin, read_snapshot, seal_displaced, take_snapshot, verify_snapshot
from engine.snapshots.manifest import Entry, SnapshotProblem, decoded, encoded, entries_of

ORIGIN = Origin("final", "0001-cutover", "v1", "build", datetime(2026, 1, 31, tzinfo=UTC))
ODD = os.fsdecode(b"data/metrics/\xff.csv")


@pytest.fixture
def published(deployment: Deployment) -> Deployment:
    deployment.metrics.mkdir(parents=True)
    (deployment.metrics / "a.json").write_text("a")
    return deployment


def test_a_list_with_a_name_that_is_no_utf8_is_read_back_as_it_was() -> None:
    entries = (Entry(ODD, "file", 1, 0o640, 0, sha256="x"), Entry('quo"te', "link", 0, 0o777, 0, target=ODD))
    assert decoded(encoded(entries), tuple[Entry, ...]) == entries


def test_a_snapshot_with_such_a_name_is_taken_sealed_and_verified(published: Deployment) -> None:
    (published.root / ODD).write_bytes(b"odd")
    taken = take_snapshot(published, ORIGIN)
    snapshot = read_snapshot(published, published.paths.snapshots / taken.id)
    assert snapshot.problem == ""
    assert verify_snapshot(snapshot) == ""
    assert ODD in {entry.path for entry in snapshot.manifest.entries} if snapshot.manifest else False


def test_a_pipe_is_refused_in_what_would_be_restored_and_passed_over_in_what_is_set_aside(
    published: Deployment,
) -> None:
    os.mkfifo(published.metrics / "pipe")
    with pytest.raises(SnapshotProblem, match="neither file, directory nor link"):
        take_snapshot(published, ORIGIN)
    passing: list[str] = []
    found = entries_of(published.root, ("data/metrics",), passing=passing)
    assert passing == ["data/metrics/pipe"]
    assert {entry.path for entry in found} == {"data/metrics", "data/metrics/a.json"}


def test_a_side_snapshot_with_a_pipe_in_it_can_be_verified(published: Deployment) -> None:
    directory = published.paths.snapshots / "0001"
    (directory / "tree/data").mkdir(parents=True)
    published.metrics.rename(directory / "tree/data/metrics")
    os.mkfifo(directory / "tree/data/metrics/pipe")
    seal_displaced(published, directory, Origin("side", "0002-rollback", "v2", "b", ORIGIN.taken_at))
    assert verify_snapshot(read_snapshot(published, directory)) == ""


def test_a_snapshot_whose_configuration_was_a_link_is_nothing_to_go_back_to(published: Deployment) -> None:
    active = published.active_config
    active.rename(published.root / "elsewhere.yml")
    active.symlink_to("../elsewhere.yml")
    taken = take_snapshot(published, ORIGIN)
    snapshot = read_snapshot(published, published.paths.snapshots / taken.id)
    assert "holds no configuration" in snapshot.problem and not snapshot.restorable


@pytest.mark.parametrize("covered", ["config/pipeline.yml", "data/metrics", "data"])
def test_a_link_in_place_of_what_snapshots_cover_stops_a_cutover(published: Deployment, covered: str) -> None:
    assert not any("symbolic link" in problem for problem in problems(published, probing=False))
    path = published.root / covered
    path.rename(published.root / "elsewhere")
    path.symlink_to(published.root / "elsewhere")
    found = [problem for problem in problems(published, probing=False) if "symbolic link" in problem]
    assert found and str(path) in found[0]
