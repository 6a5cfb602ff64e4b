"""A rollback whose worker died: what was verified before it died is not trusted when it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from site_at_work import Site, abaco, await_that

from engine.operations.launch import Accepted
from engine.operations.model import Operation
from engine.services import open_service


def died(site: Site, step: str, kind: str = "intent") -> Accepted:
    """A cutover, and a rollback whose worker was killed."""
    cutover = site.cutover()
    assert cutover.state == "SUCCEEDED", cutover.failure
    begun = site.begin_rollback()
    site.kill_worker_at(begun, step, kind)
    assert site.operation(begun.id).state == "INTERRUPTED"
    return begun


def resumed(site: Site, begun: Accepted) -> Operation:
    abaco("--root", str(site.root), "resume", begun.id)
    return site.settled(begun.id)


def snapshot_of(site: Site, begun: Accepted) -> str:
    return str(site.operation(begun.id).snapshot)


def flip(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1] + b"X")


def published(directory: Path) -> Path:
    return next(path for path in sorted(directory.iterdir()) if path.suffix == ".json")


def staged_damaged(site: Site, snapshot: str) -> None:
    flip(published(site.deployment.paths.staged / snapshot / "data/metrics"))


def staged_gone(site: Site, snapshot: str) -> None:
    shutil.rmtree(site.deployment.paths.staged)


@pytest.mark.parametrize("damage", [staged_damaged, staged_gone])
def test_a_staged_tree_damaged_meanwhile_is_staged_again(round_trip: Site, damage: Callable[[Site, str], None]) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    begun = died(round_trip, "stop_new")
    damage(round_trip, snapshot_of(round_trip, begun))
    operation = resumed(round_trip, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("staged now" in warning for warning in operation.warnings)
    round_trip.assert_back_on_v1(config, metrics)


def test_a_tree_staged_again_after_its_swap_was_journaled_is_swapped_in(round_trip: Site) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    begun = died(round_trip, "restore_config")
    staged_gone(round_trip, snapshot_of(round_trip, begun))
    stuck = round_trip.operation(begun.id)
    assert not any(step.name == "set_aside" and step.state != "waiting" for step in stuck.steps)
    operation = resumed(round_trip, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    round_trip.assert_back_on_v1(config, metrics)


def test_a_snapshot_whose_configuration_was_edited_meanwhile_is_not_activated(round_trip: Site) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    begun = died(round_trip, "stop_new")
    snapshot = snapshot_of(round_trip, begun)
    kept = round_trip.deployment.paths.snapshots / snapshot / "tree/config/pipeline.yml"
    kept.write_bytes(kept.read_bytes().replace(b"keep_runs: 200", b"keep_runs: 100"))
    operation = resumed(round_trip, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    assert operation.snapshot != snapshot
    assert any(f"snapshot {snapshot} is damaged" in warning for warning in operation.warnings)
    assert round_trip.config() == config
    assert set(metrics.values()) <= round_trip.kept_hashes()


def test_a_live_tree_damaged_after_the_swap_stops_before_the_old_release_starts(site: Site) -> None:
    site.fast_staging()
    begun = died(site, "restore_metrics", "done")
    if site.state("v1") != "STOPPED":
        pytest.skip("the old release had been started already")
    victim = published(site.deployment.metrics)
    good = victim.read_bytes()
    flip(victim)
    operation = resumed(site, begun)
    assert operation.state == "NEEDS_HUMAN"
    assert site.state("v1") == "STOPPED"
    assert f"data/metrics/{victim.name} has another content" in operation.failure
    victim.write_bytes(good)
    assert resumed(site, begun).state == "SUCCEEDED"


def test_a_file_that_vanished_from_the_restored_tree_is_missed(site: Site) -> None:
    site.fast_staging()
    before = site.metrics()
    begun = died(site, "verify_old")
    name = next(name for name in before if name.endswith(".json"))
    (site.deployment.metrics / name).unlink()
    operation = resumed(site, begun)
    assert operation.state == "NEEDS_HUMAN"
    assert f"not live as they were restored: data/metrics/{name}" in operation.failure
    assert site.incident(begun.id)["proof"]["gone"] == [f"data/metrics/{name}"]
    assert "NOT EVERYTHING IS THERE" in (site.deployment.paths.operation(begun.id) / "incident.md").read_text()


def test_what_a_release_published_between_death_and_going_on_is_accounted_for(site: Site) -> None:
    site.fast_staging()
    begun = died(site, "restore_config")
    if b"release: v2" not in site.config():
        pytest.skip("the configuration had been restored already")
    before = len(site.runs())
    open_service(site.deployment, "v2").start()
    await_that(lambda: len(site.runs()) > before)
    live = len(site.metrics()) + 1
    operation = resumed(site, begun)
    assert operation.state == "SUCCEEDED", operation.failure
    incident = site.incident(begun.id)
    assert incident["proof"]["files"] >= live, "the configuration and every file that was live in the end"
    assert site.written_by("v2") <= site.kept_hashes()


def test_where_no_snapshot_is_good_any_more_nobody_is_told_to_copy_from_one(site: Site) -> None:
    site.fast_staging()
    begun = died(site, "stop_new")
    for path in site.deployment.paths.snapshots.glob("*/tree/config/pipeline.yml"):
        flip(path)
    operation = resumed(site, begun)
    assert operation.state == "NEEDS_HUMAN"
    assert "no snapshot can be restored" in operation.failure
    assert b"release: v2" in site.config()
    assert any(offer.endswith("snapshots verify") for offer in operation.offers)
    assert not any(offer.startswith(("cp ", "mv ")) for offer in operation.offers)
