"""Configuration edited under a running operation: its end is declared, and nothing is half old and half new."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from kept_at_work import CutOver
from sabotage_at_work import sabotage
from site_at_work import Site
from test_two_people import held_still

from engine.operations.configuration import release_in
from engine.operations.model import ENDED, OPEN, Operation

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


def wait_for_end(site: Site, operation: str, deployment) -> None:  # type: ignore[no-untyped-def]
    """As Site.settled does, with the deployment as it was read before it was broken."""
    from site_at_work import await_that

    from engine.operations.journal import read_operation

    await_that(lambda: not read_operation(deployment.paths.operation(operation)).alive)
