"""What does not come back is named: a newer snapshot passed over, a recorded output that was gone already."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from kept_at_work import CutOver
from site_at_work import Site

from engine.operations.launch import plan_rollback
from engine.operations.rollback_inventory import NOT_THERE


def unsealed(path: Path) -> None:
    (path / "COMPLETE").unlink()


def manifest_damaged(path: Path) -> None:
    manifest = path / "manifest.json"
    manifest.write_bytes(b"x" + manifest.read_bytes()[1:])


def foreign(path: Path) -> None:
    import hashlib

    data = json.loads((path / "manifest.json").read_bytes())
    text = json.dumps({**data, "identity": "0" * 32}).encode()
    (path / "manifest.json").write_bytes(text)
    (path / "COMPLETE").write_text(hashlib.sha256(text).hexdigest() + "\n")


DAMAGES = [
    (unsealed, "never sealed"),
    (manifest_damaged, "not the one that was sealed"),
    (foreign, "another deployment"),
]


@pytest.mark.parametrize(("damage", "why"), DAMAGES)
def test_a_newer_snapshot_that_cannot_be_restored_is_named_everywhere(
    cut_over: CutOver, damage: Callable[[Path], None], why: str
) -> None:
    newest = str(plan_rollback(cut_over.deployment).snapshot)
    damage(cut_over.deployment.paths.snapshots / newest)
    plan = plan_rollback(cut_over.deployment)
    assert plan.snapshot is not None and plan.snapshot < newest
    (said,) = [item for item in plan.evidence if item.name == "refused"]
    assert said.mark == "--" and newest in said.text and why in said.text and plan.snapshot in said.text
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert any(newest in warning and why in warning for warning in operation.warnings)
    (passed,) = cut_over.incident(operation.id)["passed_over"]
    assert passed["id"] == newest and why in passed["reason"]


def test_the_files_that_only_it_holds_are_named(cut_over: CutOver) -> None:
    newest = cut_over.deployment.paths.snapshots / str(plan_rollback(cut_over.deployment).snapshot)
    (newest / "tree/data/metrics/a_kpis_v1_last.json").write_text("only here")
    manifest_damaged(newest)
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("only it holds data/metrics/a_kpis_v1_last.json" in warning for warning in operation.warnings)
    assert "a_kpis_v1_last.json" in (cut_over.deployment.paths.operation(operation.id) / "incident.md").read_text()


def test_without_an_older_one_the_refusal_says_why_the_newer_ones_are_none(cut_over: CutOver) -> None:
    hidden = []
    for path in cut_over.deployment.paths.snapshots.glob("*/COMPLETE"):
        hidden.append((path, path.read_bytes()))
        path.unlink()
    try:
        (refusal,) = plan_rollback(cut_over.deployment).refusals
    finally:
        for path, data in hidden:
            path.write_bytes(data)
    assert "no sealed snapshot" in refusal and "never sealed" in refusal


def test_outputs_that_were_gone_already_are_named_and_damaged_records_stop_nothing(cut_over: CutOver) -> None:
    run = next(run for run in reversed(cut_over.runs()) if run["release"] == "v2")
    name = run["outputs"][0]["path"]
    (cut_over.root / name).unlink()
    runs = cut_over.deployment.paths.runs
    runs.write_bytes(b"rubbish\n" + runs.read_bytes())
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("gone already" in warning and name in warning for warning in operation.warnings)
    assert any("damaged" in warning and "runs.jsonl" in warning for warning in operation.warnings)
    assert cut_over.incident(operation.id)[NOT_THERE] == [name]
    text = (cut_over.deployment.paths.operation(operation.id) / "incident.md").read_text()
    assert "## Nothing is lost\n" not in text and name in text


def test_what_the_new_release_removed_itself_is_not_missed(site: Site) -> None:
    site.fast_staging()
    path = site.root / "config/releases/v2.yml"
    path.write_text(
        path.read_text().replace("keep_runs: 200", "keep_runs: 4").replace("run_every: 5s", "run_every: 1s")
    )
    assert site.cutover().state == "SUCCEEDED"
    from site_at_work import await_that

    await_that(lambda: sum(run["release"] == "v2" for run in site.runs()) >= 7)
    operation = site.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert site.incident(operation.id)[NOT_THERE] == []
