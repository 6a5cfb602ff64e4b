"""Snapshots as the console lists them: the one a rollback takes, what is damaged, what is refused and why."""

from __future__ import annotations

import shutil
from typing import Any

from tree_at_work import furnish, origin, taken

from engine.config import Deployment
from engine.snapshots import TREE, stage
from engine.state.kept_snapshots import kept_files, kept_snapshots, verify_kept


def test_the_newest_that_is_restorable_is_the_one_a_rollback_takes(deployment: Deployment) -> None:
    furnish(deployment)
    older, newer, side = taken(deployment, "live"), taken(deployment, "final"), taken(deployment, "side")
    found = {one.id: one for one in kept_snapshots(deployment)}
    assert list(found) == [side.id, newer.id, older.id], "newest first"
    assert [one.id for one in found.values() if one.chosen] == [newer.id]
    assert found[side.id].staged == "" and not found[side.id].restorable
    assert found[newer.id].staged == "not staged"
    files = kept_files(deployment, newer.id)
    assert {each.path for each in files} >= {"data/metrics/kpis_v1.json", "config/pipeline.yml"}
    assert len(files) == found[newer.id].files


def test_a_foreign_one_and_one_without_a_seal_are_refused_with_their_reason(deployment: Deployment) -> None:
    furnish(deployment)
    whole = taken(deployment)
    copy = whole.path.with_name("0009")
    shutil.copytree(whole.path, copy, symlinks=True)
    torn = taken(deployment)
    (torn.path / "COMPLETE").unlink()
    found = {one.id: one for one in kept_snapshots(deployment)}
    assert found["0009"].problem == f"it is a copy of snapshot {whole.id}"
    assert "never sealed" in found[torn.id].problem
    assert found[whole.id].chosen and not found["0009"].restorable
    assert kept_files(deployment, "0009") == kept_files(deployment, "0077") == ()


def test_reading_every_file_finds_what_the_seal_does_not(deployment: Deployment, clock: Any) -> None:
    furnish(deployment)
    one = taken(deployment)
    stage(deployment, one, origin())
    assert {each.staged for each in kept_snapshots(deployment)} == {"staged"}
    assert (verify_kept(deployment, one.id, clock).problem, verify_kept(deployment, one.id, clock).staged_problem) == (
        "",
        "",
    )
    staged = next(deployment.paths.staged.rglob("kpis_v1.json"))
    staged.write_text("another")
    assert "kpis_v1.json" in verify_kept(deployment, one.id, clock).staged_problem
    (one.path / TREE / "data/metrics/kpis_v1.json").write_text("another")
    assert "kpis_v1.json has another content" in verify_kept(deployment, one.id, clock).problem
    assert verify_kept(deployment, "0077", clock).problem == "it is not there any more"
