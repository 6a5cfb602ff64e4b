"""What the worker's account cannot read is not passed over, whoever planned the rollback."""

from __future__ import annotations

from pathlib import Path

import pytest
from bench_at_work import work_on

from engine.clock import Clock
from engine.config import Deployment
from engine.operations.rollback_prepare import choose_snapshot
from engine.operations.step import StepFailed
from engine.operations.way_back import examine
from engine.records import make_directory
from engine.snapshots import Manifest, Origin, catalogue, take_snapshot


@pytest.fixture
def two(deployment: Deployment, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Two whole snapshots, of which this account cannot read the newer one's manifest."""
    make_directory(deployment.metrics)
    (deployment.metrics / "kpis.json").write_text("{}")
    origin = Origin("final", "0001-cutover", "v1", "b", clock.now().wall)
    older, newer = take_snapshot(deployment, origin).id, take_snapshot(deployment, origin).id
    as_it_is = catalogue._sealed_manifest

    def sealed_manifest(path: Path) -> Manifest:
        if path.name == newer:
            raise PermissionError(13, "Permission denied", str(path / "manifest.json"))
        return as_it_is(path)

    monkeypatch.setattr(catalogue, "_sealed_manifest", sealed_manifest)
    return older, newer


@pytest.mark.parametrize("planned", ["the newer", None])
def test_a_worker_does_not_take_an_older_snapshot_for_one_that_it_cannot_read(
    deployment: Deployment, clock: Clock, two: tuple[str, str], planned: str | None
) -> None:
    work = work_on(deployment, clock, kind="rollback", snapshot=two[1] if planned else None)
    work.fact("abort_only", False)
    with pytest.raises(StepFailed) as stopped:
        choose_snapshot(work)
    assert f"snapshot {two[1]} cannot be read by" in stopped.value.what
    assert "abaco-ops init" in stopped.value.fix


def test_one_that_a_person_named_is_taken(deployment: Deployment, clock: Clock, two: tuple[str, str]) -> None:
    work = work_on(deployment, clock, kind="rollback", snapshot=two[0])
    work.fact("abort_only", False)
    choose_snapshot(work)
    assert work.facts["snapshot"] == two[0]


def test_the_way_back_is_not_proven_where_a_rollback_would_stop(
    deployment: Deployment, two: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.operations.way_back.staged_problem", lambda *_, **__: "")
    monkeypatch.setattr("engine.operations.way_back.computes", lambda *_: ("", ""))
    proof = examine(deployment, lambda: None)
    assert not proof.ok
    assert f"a rollback stops at snapshot {two[1]}" in proof.reason
