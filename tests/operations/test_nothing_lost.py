"""The proof at the end of a rollback, on trees made by hand: it can fail, and it knows what a release may remove."""

from __future__ import annotations

import hashlib
import mmap
import time
from pathlib import Path

import msgspec
import pytest
from bench_at_work import work_on

from engine.config import Deployment
from engine.operations.nothing_lost import prove
from engine.operations.rollback_inventory import INVENTORY
from engine.operations.work import Work
from engine.records import append_line, make_directory
from engine.snapshots import Origin, covers_of, entries_of, new_snapshot, seal_displaced, take_snapshot

KEEP = 3


def publish(deployment: Deployment, release: str, number: int) -> Path:
    """One run: a file and its record."""
    path = deployment.metrics / f"kpis_{release}_{number}.json"
    make_directory(path.parent)
    path.write_text(f"{release} {number}")
    output = {"path": f"data/metrics/{path.name}", "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    started = f"2026-01-31T01:0{number}:00+00:00"
    append_line(deployment.paths.runs, {"release": release, "started": started, "outputs": [output]})
    return path


@pytest.fixture
def restored(deployment: Deployment, clock) -> Work:  # type: ignore[no-untyped-def]
    """A rollback that has put three files of the old release back, and set one of the new release aside."""
    config = deployment.active_config
    config.write_text(config.read_text().replace("keep_runs: 200", f"keep_runs: {KEEP}"))
    make_directory(deployment.paths.logs)
    for number in range(KEEP):
        publish(deployment, "v1", number)
    (deployment.metrics / "latest").symlink_to("kpis_v1_2.json")
    work = work_on(deployment, clock, kind="rollback")
    origin = Origin("final", "0001-cutover", "v1", "b", clock.now().wall)
    work.fact("snapshot", take_snapshot(deployment, origin).id)
    new = publish(deployment, "v2", 5)
    entries = entries_of(deployment.root, covers_of(deployment))
    (work.directory / INVENTORY).write_bytes(msgspec.json.encode(entries))
    side = new_snapshot(deployment)
    make_directory(side / "tree/data/metrics")
    new.rename(side / "tree/data/metrics" / new.name)
    seal_displaced(deployment, side, Origin("side", "0002-rollback", "v2", "b", clock.now().wall))
    work.fact("side", side.name)
    return work


def warnings(work: Work) -> str:
    return " ".join(work.operation().warnings)


def test_everything_is_found_where_it_stands(restored: Work) -> None:
    proof = prove(restored)
    assert proof.complete
    assert (proof.in_restored, proof.in_set_aside) == (proof.files - 1, 1)
    assert proof.only_set_aside == ("data/metrics/kpis_v2_5.json",)


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_text("another")])
def test_a_file_that_is_not_live_as_it_was_restored_is_missed(restored: Work, damage) -> None:  # type: ignore[no-untyped-def]
    damage(restored.deployment.metrics / "kpis_v1_1.json")
    proof = prove(restored)
    assert not proof.complete
    assert proof.gone == ("data/metrics/kpis_v1_1.json",)
    assert proof.missing == (), "the snapshot still holds it"


def test_what_neither_tree_nor_side_nor_snapshot_holds_is_found_nowhere(restored: Work) -> None:
    name = "data/metrics/kpis_v1_1.json"
    (restored.deployment.root / name).unlink()
    (restored.deployment.paths.snapshots / str(restored.facts["snapshot"]) / "tree" / name).write_text("damaged")
    assert prove(restored).missing == (name,)


def test_what_is_written_unseen_to_the_side_snapshot_is_found_by_a_last_reading(
    restored: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A mapped page that is dirty already takes a write without any trace in the file's times."""
    now = time.time
    monkeypatch.setattr("engine.snapshots.remembered.time.time", lambda: now() + 60)
    tree = restored.deployment.paths.snapshots / str(restored.facts["side"]) / "tree"
    with (tree / "data/metrics/kpis_v2_5.json").open("r+b") as stream:
        mapped = mmap.mmap(stream.fileno(), 0)
    mapped[0:1] = mapped[0:1]
    entries_of(tree, ("data/metrics",), remembered=restored.remembered)
    mapped[0:1] = b"X"
    proof = prove(restored)
    mapped.close()
    assert proof.missing == ("data/metrics/kpis_v2_5.json",)
    assert "the side snapshot changed after it was sealed" in warnings(restored)


def test_what_its_own_retention_removed_since_is_in_the_snapshot_and_no_loss(restored: Work) -> None:
    publish(restored.deployment, "v1", 8)
    (restored.deployment.metrics / "kpis_v1_0.json").unlink()
    proof = prove(restored)
    assert proof.complete
    assert proof.only_in_snapshot == ("data/metrics/kpis_v1_0.json",)
    assert "removed or rewritten 1 files" in warnings(restored)


def test_what_the_old_release_rewrites_in_place_is_said_and_no_loss(restored: Work) -> None:
    link = restored.deployment.metrics / "latest"
    link.unlink()
    link.symlink_to("kpis_v1_1.json")
    proof = prove(restored)
    assert proof.complete
    assert "data/metrics/latest" in warnings(restored)


def test_damaged_run_records_do_not_stop_the_proof(restored: Work) -> None:
    path = restored.deployment.paths.runs
    path.write_bytes(b"rubbish\n\xff\n" + path.read_bytes())
    (restored.deployment.metrics / "kpis_v1_1.json").unlink()
    assert not prove(restored).complete
    assert "2 damaged lines in runs.jsonl passed over" in warnings(restored)


def test_a_tree_that_has_nothing_to_do_with_what_was_live_is_no_restoration(restored: Work) -> None:
    deployment = restored.deployment
    other = Origin("final", "0001-cutover", "v1", "b", restored.clock.now().wall)
    old = deployment.metrics.rename(deployment.metrics.with_name("elsewhere"))
    make_directory(deployment.metrics)
    (deployment.metrics / "kpis_of_others.json").write_text("of others")
    restored.fact("snapshot", take_snapshot(deployment, other).id)
    side = deployment.paths.snapshots / str(restored.facts["side"]) / "tree/data/metrics"
    for path in old.iterdir():
        path.rename(side / path.name)
    proof = prove(restored)
    assert proof.missing == () and proof.nothing_restored
    assert not proof.complete
