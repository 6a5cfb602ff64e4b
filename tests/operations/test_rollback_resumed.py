"""A rollback whose worker died: what was verified before it died is not trusted when it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from in_this_process import here
from kept_at_work import CutOver
from sabotage_at_work import dying
from site_at_work import Site, await_that

from engine.operations.launch import Accepted
from engine.operations.model import Operation
from engine.services import open_service

Dies = Callable[..., Accepted]


@pytest.fixture
def dies(cut_over: CutOver, monkeypatch: pytest.MonkeyPatch) -> Dies:
    """A rollback whose worker is killed at exactly this moment; see :func:`dying`."""

    def kill_at(step: str, when: str = "inside") -> Accepted:
        begun = dying(monkeypatch, cut_over.begin_rollback, step, when)
        assert cut_over.settled(begun.id).state == "INTERRUPTED"
        return begun

    return kill_at


def resumed(cut_over: CutOver, begun: Accepted) -> Operation:
    here("--root", str(cut_over.root), "resume", begun.id)
    return cut_over.settled(begun.id)


def snapshot_of(cut_over: CutOver, begun: Accepted) -> str:
    return str(cut_over.operation(begun.id).snapshot)


def flip(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"X")


def published(directory: Path) -> Path:
    return next(path for path in sorted(directory.iterdir()) if path.suffix == ".json")


def staged_damaged(site: Site, snapshot: str) -> None:
    flip(published(site.deployment.paths.staged / snapshot / "data/metrics"))


def staged_gone(site: Site, snapshot: str) -> None:
    shutil.rmtree(site.deployment.paths.staged)


@pytest.mark.parametrize("damage", [staged_damaged, staged_gone])
def test_a_staged_tree_damaged_meanwhile_is_staged_again(
    cut_over: CutOver, dies: Dies, damage: Callable[[Site, str], None]
) -> None:
    begun = dies("stop_new")
    damage(cut_over, snapshot_of(cut_over, begun))
    operation = resumed(cut_over, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("staged now" in warning for warning in operation.warnings)
    cut_over.assert_back()


def test_a_tree_staged_again_after_its_swap_was_journaled_is_swapped_in(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("restore_config")
    staged_gone(cut_over, snapshot_of(cut_over, begun))
    stuck = cut_over.operation(begun.id)
    assert not any(step.name == "set_aside" and step.state != "waiting" for step in stuck.steps)
    operation = resumed(cut_over, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    cut_over.assert_back()


def test_a_snapshot_whose_configuration_was_edited_meanwhile_is_not_activated(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("stop_new")
    snapshot = snapshot_of(cut_over, begun)
    kept = cut_over.deployment.paths.snapshots / snapshot / "tree/config/pipeline.yml"
    kept.write_bytes(kept.read_bytes().replace(b"keep_runs: 200", b"keep_runs: 100"))
    operation = resumed(cut_over, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    assert operation.snapshot != snapshot
    assert any(f"snapshot {snapshot} is damaged" in warning for warning in operation.warnings)
    assert cut_over.config() == cut_over.config_before
    assert set(cut_over.metrics_before.values()) <= cut_over.kept_hashes()


def test_a_live_tree_damaged_after_the_swap_stops_before_the_old_release_starts(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("start_old", "before")
    assert cut_over.state("v1") == "STOPPED"
    victim = published(cut_over.deployment.metrics)
    good = victim.read_bytes()
    flip(victim)
    operation = resumed(cut_over, begun)
    assert operation.state == "NEEDS_HUMAN"
    assert cut_over.state("v1") == "STOPPED"
    assert f"data/metrics/{victim.name} has another content" in operation.failure
    victim.write_bytes(good)
    assert resumed(cut_over, begun).state == "SUCCEEDED"


def test_a_file_that_vanished_from_the_restored_tree_is_missed(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("verify_old")
    name = next(name for name in cut_over.metrics_before if name.endswith(".json"))
    (cut_over.deployment.metrics / name).unlink()
    operation = resumed(cut_over, begun)
    assert operation.state == "NEEDS_HUMAN"
    assert f"not live as they were restored: data/metrics/{name}" in operation.failure
    assert cut_over.incident(begun.id)["proof"]["gone"] == [f"data/metrics/{name}"]
    assert "NOT EVERYTHING IS THERE" in (cut_over.deployment.paths.operation(begun.id) / "incident.md").read_text()


def test_a_release_that_was_started_again_is_verified_again(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("record_incident")
    verified = cut_over.operation(begun.id).steps[-3]
    assert (verified.name, verified.state) == ("verify_old", "done")
    service = open_service(cut_over.deployment, "v1")
    assert service.stop().stopped
    operation = resumed(cut_over, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    journal = (cut_over.deployment.paths.operation(begun.id) / "journal.jsonl").read_text().splitlines()
    assert sum('"kind":"done"' in line and '"step":"verify_old"' in line for line in journal) == 2
    cut_over.assert_back()


def test_a_release_that_runs_as_it_was_verified_is_not_verified_again(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("record_incident")
    operation = resumed(cut_over, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    journal = (cut_over.deployment.paths.operation(begun.id) / "journal.jsonl").read_text().splitlines()
    assert sum('"kind":"done"' in line and '"step":"verify_old"' in line for line in journal) == 1


def test_what_a_release_published_between_death_and_going_on_is_accounted_for(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("restore_config")
    assert b"release: v2" in cut_over.config()
    before = len(cut_over.runs())
    open_service(cut_over.deployment, "v2").start()
    await_that(lambda: len(cut_over.runs()) > before)
    live = len(cut_over.metrics()) + 1
    operation = resumed(cut_over, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    incident = cut_over.incident(begun.id)
    assert incident["proof"]["files"] >= live, "the configuration and every file that was live in the end"
    assert cut_over.written_by("v2") <= cut_over.kept_hashes()


def test_where_no_snapshot_is_good_any_more_nobody_is_told_to_copy_from_one(cut_over: CutOver, dies: Dies) -> None:
    begun = dies("stop_new")
    for path in cut_over.deployment.paths.snapshots.glob("*/tree/config/pipeline.yml"):
        flip(path)
    operation = resumed(cut_over, begun)
    assert operation.state == "NEEDS_HUMAN"
    assert "no snapshot can be restored" in operation.failure
    assert b"release: v2" in cut_over.config()
    assert any(offer.endswith("snapshots verify") for offer in operation.offers)
    assert not any(offer.startswith(("cp ", "mv ")) for offer in operation.offers)
