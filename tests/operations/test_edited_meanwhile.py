"""Configuration edited under a running operation: its end is declared, and nothing is half old and half new."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kept_at_work import CutOver
from sabotage_at_work import sabotage
from site_at_work import Site
from test_two_people import held_still

from engine.errors import Refused
from engine.operations import displaced_config
from engine.operations.configuration import release_in
from engine.operations.launch import plan_rollback
from engine.operations.model import ENDED, OPEN, Operation
from engine.operations.nothing_lost import it_may_have_run_with
from engine.services.active import configured_release
from engine.snapshots.exchange import exchange

EDITED = ("pipeline.yml", "releases/v1.yml", "releases/v2.yml")
BROKEN = ("console.yml",)


def config_of(site: Site) -> dict[Path, bytes]:
    """Every configuration file as it is."""
    return {path: path.read_bytes() for path in sorted((site.root / "config").rglob("*.yml"))}


@pytest.fixture
def config_kept(round_trip: Site) -> Iterator[dict[Path, bytes]]:
    """Every configuration file as it was; the release files and the console's come back at the end."""
    kept = config_of(round_trip)
    yield kept
    put_back(kept)


def put_back(kept: dict[Path, bytes]) -> None:
    """The person sees what they did, and takes it back; what is active belongs to the operations."""
    for path, data in kept.items():
        if path.name != "pipeline.yml" and path.read_bytes() != data:
            path.write_bytes(data)


def edit(site: Site, names: tuple[str, ...]) -> None:
    for name in names:
        path = site.root / "config" / name
        path.write_bytes(b"{ half a ma" if name in BROKEN else path.read_bytes() + b"# edited meanwhile\n")


def whole(data: bytes, kept: dict[Path, bytes]) -> bool:
    """One release's file, byte for byte, or that with the person's edit."""
    known = [data for path, data in kept.items() if path.name in ("pipeline.yml", "v1.yml", "v2.yml")]
    return data.removesuffix(b"# edited meanwhile\n") in known


def declared(site: Site, operation: Operation, kept: dict[Path, bytes]) -> None:
    """The end is one of those that are declared; the active file is whole; at most one release runs, on its own."""
    assert operation.state in ENDED | OPEN and not operation.alive
    if operation.state != "SUCCEEDED":
        assert operation.failure
    assert whole(site.config(), kept)
    running = [release for release in ("v1", "v2") if site.state(release) == "RUNNING"]
    assert len(running) <= 1
    if running:
        assert running == [release_in(site.config())]


CUTOVER = {
    "phase 2, console.yml broken": ("stage_new", BROKEN),
    "phase 3, what is active and both releases edited": ("stop_old", EDITED),
    "phase 5, what is active and both releases edited": ("first_run", EDITED),
}


@pytest.mark.parametrize(("step", "names"), CUTOVER.values(), ids=CUTOVER.keys())
def test_under_a_cutover(round_trip: Site, config_kept: dict[Path, bytes], step: str, names: tuple[str, ...]) -> None:
    metrics = round_trip.metrics()
    begun = round_trip.begin_cutover()
    held_still(round_trip, begun, step)
    deployment = round_trip.deployment
    edit(round_trip, names)
    os.kill(begun.pid, signal.SIGCONT)
    wait_for_end(round_trip, begun.id, deployment)
    put_back(config_kept)
    ended = round_trip.operation(begun.id)
    declared(round_trip, ended, config_kept)
    if not ended.past_no_return:
        assert ended.state == "ABORTED" and round_trip.live() == "v1"
    else:
        assert round_trip.rollback().state == "SUCCEEDED"
        assert round_trip.live() == "v1"
    now = round_trip.metrics()
    assert {name: now.get(name) for name in metrics} == metrics
    assert round_trip.written_by("v2") <= round_trip.kept_hashes()
    round_trip.deployment.active_config.write_bytes(config_kept[round_trip.deployment.active_config])


ROLLBACK = {
    "while the new release stops, everything edited": ("stop_new", EDITED),
    "while the metrics are swapped, console.yml broken": ("restore_metrics", BROKEN),
}


@pytest.mark.parametrize(("step", "names"), ROLLBACK.values(), ids=ROLLBACK.keys())
def test_under_a_rollback(cut_over: CutOver, step: str, names: tuple[str, ...]) -> None:
    deployment, config = cut_over.deployment, config_of(cut_over)
    begun = cut_over.begin_rollback()
    held_still(cut_over, begun, step)
    edit(cut_over, names)
    os.kill(begun.pid, signal.SIGCONT)
    wait_for_end(cut_over, begun.id, deployment)
    put_back(config)
    ended = cut_over.operation(begun.id)
    declared(cut_over, ended, config)
    if ended.state != "SUCCEEDED":
        assert cut_over.rollback().state == "SUCCEEDED", "and it can be gone on with"
    cut_over.assert_back()


def test_what_is_active_edited_after_it_was_listed_is_kept_beside_the_listed_one(
    cut_over: CutOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = cut_over.deployment.active_config
    before = active.read_bytes()
    edit_it = ("sh", "-c", 'echo "# edited meanwhile" >>"$1"', "sh", active)
    sabotage(monkeypatch, "restore_config", "before", run=edit_it)
    ended = cut_over.rollback()
    assert ended.state == "SUCCEEDED", ended.failure
    cut_over.assert_back()
    operation = cut_over.deployment.paths.operation(ended.id)
    kept = {path.read_bytes() for path in operation.glob("config_displaced*.yml")}
    assert kept == {before, before + b"# edited meanwhile\n"}


def test_a_directory_in_its_place_ends_declared_with_the_way_on(
    cut_over: CutOver, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = cut_over.deployment.active_config
    replace = ("sh", "-c", 'mv "$1" "$1.away" && mkdir "$1"', "sh", active)
    with monkeypatch.context() as patch:
        sabotage(patch, "take_inventory", "before", run=replace)
        ended = cut_over.rollback()
    assert ended.state == "NEEDS_HUMAN", ended.failure
    assert any(line.startswith(f"mv -T --backup=numbered {active} ") for line in ended.offers)
    with pytest.raises(Refused, match="cannot be read"):
        plan_rollback(cut_over.deployment)
    active.rmdir()
    active.with_name(f"{active.name}.away").rename(active)
    assert cut_over.rollback().state == "SUCCEEDED"
    cut_over.assert_back()


def test_where_it_cannot_be_read_nothing_is_stopped(cut_over: CutOver, monkeypatch: pytest.MonkeyPatch) -> None:
    active = cut_over.deployment.active_config
    replace = ("sh", "-c", 'mv "$1" "$1.away" && mkfifo "$1"', "sh", active)
    with monkeypatch.context() as patch:
        sabotage(patch, "choose_snapshot", "before", run=replace)
        ended = cut_over.rollback()
    assert ended.state == "ABORTED" and "cannot be read" in ended.failure
    assert cut_over.state("v2") == "RUNNING"
    assert configured_release(active)[0] is None, "and nobody waits for a pipe"


@dataclass
class Replacing:
    """As much of an operation as replacing the configuration takes."""

    directory: Path
    deployment: Any
    orders: Any = field(default_factory=lambda: SimpleNamespace(operation="0002-rollback"))


def test_what_was_saved_in_the_moment_before_the_exchange_comes_out_of_it_and_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    active = tmp_path / "pipeline.yml"
    active.write_bytes(b"release: v2\n")
    work: Any = Replacing(tmp_path / "journal", SimpleNamespace(active_config=active))
    work.directory.mkdir()

    def saved_before(first: Path, second: Path) -> None:
        saved = tmp_path / "saved"
        saved.write_bytes(b"release: v2  # a person's\n")
        saved.rename(active)
        exchange(first, second)

    monkeypatch.setattr(displaced_config, "exchange", saved_before)
    displaced_config.replace_active_config(work, b"release: v1\n")
    assert active.read_bytes() == b"release: v1\n"
    kept = {(work.directory / name).read_bytes() for name in displaced_config.displaced_configs(work)}
    assert kept == {b"release: v2\n", b"release: v2  # a person's\n"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["journal", "pipeline.yml"]


def test_what_the_old_release_may_have_run_with_explains_what_it_removed(tmp_path: Path) -> None:
    (tmp_path / "tree/config").mkdir(parents=True)
    (tmp_path / "tree/config/pipeline.yml").write_bytes(b"release: v1\nkeep_runs: 10\n")
    active = tmp_path / "pipeline.yml"
    active.write_bytes(b"release: v1\nkeep_runs: 10\n")
    (tmp_path / "config_displaced.yml").write_bytes(b"release: v1\nkeep_runs: 7\n")
    (tmp_path / "config_displaced_0f1e.yml").write_bytes(b"release: v2\nkeep_runs: 1\n")
    paths = SimpleNamespace(active_config="config/pipeline.yml")
    work: Any = Replacing(tmp_path, SimpleNamespace(active_config=active, console=SimpleNamespace(paths=paths)))
    work.old = "v1"
    found = it_may_have_run_with(work, tmp_path)
    assert {data.splitlines()[1] for data in found} == {b"keep_runs: 10", b"keep_runs: 7"}


def wait_for_end(site: Site, operation: str, deployment) -> None:  # type: ignore[no-untyped-def]
    """As Site.settled does, with the deployment as it was read before it was broken."""
    from site_at_work import await_that

    from engine.operations.journal import read_operation

    await_that(lambda: not read_operation(deployment.paths.operation(operation)).alive)
