"""Services that do not stop, die, or are killed or started by somebody else while an operation runs."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from live_at_work import new_release_goes_live
from sabotage_at_work import sabotage
from site_at_work import Site, await_that

from engine.operations.model import Operation
from engine.services import open_service
from engine.services.identity import read_stat

MISBEHAVING = Path(__file__).with_name("misbehaving_service.py")
BY_SOMEBODY = """
import os, signal, sys
from pathlib import Path
from engine.config import load_deployment
from engine.services import open_service
from engine.services.record import ServiceFiles
deployment = load_deployment(Path(sys.argv[1]))
what, release = sys.argv[2:]
service = open_service(deployment, release)
if what == "start":
    service.start()
elif what == "kill":
    os.kill(service.status().identity.pid, signal.SIGKILL)
else:
    os.kill(ServiceFiles(deployment.paths.services / service.name).read_record().supervisor.pid, signal.SIGKILL)
"""


def somebody(site: Site, what: str, release: str) -> list[str]:
    """A command by which somebody else kills or starts a release, or kills its supervisor."""
    return [sys.executable, "-c", BY_SOMEBODY, str(site.root), what, release]


@pytest.fixture(scope="module", autouse=True)
def quickly(lasting: Site) -> None:
    lasting.edit_console("stop_deadline: 3s", "stop_deadline: 1s")


@pytest.fixture
def on_v1(round_trip: Site) -> Site:
    pid = round_trip.pid("v1")
    await_that(lambda: any(run["incarnation"]["pid"] == pid for run in round_trip.runs()))
    return round_trip


@contextlib.contextmanager
def misbehaving(site: Site, release: str, mode: str, argument: Path) -> Iterator[None]:
    """The release's service as it should be, and something beside it."""
    path = site.deployment.paths.release(release)
    good = path.read_text()
    command = site.deployment.releases[release].service.command
    site.edit_release(release, "command", ["{python}", str(MISBEHAVING), mode, str(argument), "--", *command])
    try:
        yield
    finally:
        path.write_text(good)


def failed(operation: Operation) -> list[str]:
    return [step.name for step in operation.steps if step.state == "failed"]


def goes_back(site: Site, config: bytes, metrics: dict[str, str]) -> None:
    """The way back works from here."""
    again = site.rollback()
    assert again.state == "SUCCEEDED", again.failure
    site.assert_back_on_v1(config, metrics)


def gone(pid: int) -> bool:
    stat = read_stat(pid)
    return stat is None or stat.dead


def test_an_old_release_that_will_not_stop_is_killed_and_the_cutover_undone(on_v1: Site, tmp_path: Path) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    with misbehaving(site, "v1", "stubborn", tmp_path / "stray"):
        open_service(site.deployment, "v1").stop()
        open_service(site.deployment, "v1").start()
        stray = int(await_that(lambda: (tmp_path / "stray").exists() and (tmp_path / "stray").read_text()))
        before = len(site.runs())
        await_that(lambda: len(site.runs()) > before)
        operation = site.cutover()
    assert operation.state == "ABORTED", operation
    assert "v1 did not stop by itself and was killed" in " ".join(operation.warnings)
    assert gone(stray)
    open_service(site.deployment, "v1").stop()
    open_service(site.deployment, "v1").start()
    site.assert_back_on_v1(config, metrics)


def test_a_new_release_that_will_not_stop_is_killed_with_all_that_it_forked_away(on_v1: Site, tmp_path: Path) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    with misbehaving(site, "v2", "stubborn", tmp_path / "stray"):
        new_release_goes_live(site)
        stray = int(await_that(lambda: (tmp_path / "stray").exists() and (tmp_path / "stray").read_text()))
        operation = site.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert gone(stray)
    assert any("killed after its deadline" in step.detail for step in operation.steps if step.name == "stop_new")
    site.assert_back_on_v1(config, metrics)


@pytest.fixture
def frozen_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk on which every write hangs in the kernel: whoever does it cannot be killed."""
    image, place = tmp_path / "disk.img", tmp_path / "frozen"
    place.mkdir()
    image.touch()
    os.truncate(image, 16 << 20)
    for command in (["mkfs.ext4", "-q", image], ["mount", "-o", "loop", image, place], ["fsfreeze", "-f", place]):
        try:
            made = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip(f"needs {command[0]}")
        if made.returncode != 0:
            subprocess.run(["umount", "-l", str(place)], capture_output=True, check=False)
            pytest.skip(f"{command[0]} is not possible here: {made.stderr.strip()}")
    yield place
    subprocess.run(["fsfreeze", "-u", str(place)], capture_output=True, check=False)
    subprocess.run(["umount", "-l", str(place)], check=True)


def test_while_a_process_of_the_new_release_cannot_be_killed_nothing_else_starts(
    on_v1: Site, frozen_disk: Path
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    with misbehaving(site, "v2", "stuck", frozen_disk):
        new_release_goes_live(site)
        stopped = site.rollback()
        assert stopped.state == "NEEDS_HUMAN"
        assert failed(stopped) == ["stop_new"]
        assert "misbehaving_service.py stuck" in stopped.failure
        assert "nothing else was started" in stopped.failure
        assert site.state("v1") == "STOPPED"
        assert site.state("v2") == "UNSURE"
        assert b"release: v2" in site.config(), "nothing was restored beside it"
        offers = " ".join(stopped.offers)
        assert offers.index("service stop v2") < offers.index("service start v1")
        subprocess.run(["fsfreeze", "-u", str(frozen_disk)], check=True)
        await_that(lambda: not [line for line in site.processes() if "misbehaving_service.py stuck" in line])
        goes_back(site, config, metrics)


@pytest.mark.parametrize("step", ["hold_new", "verify_new"])
def test_a_new_release_that_somebody_kills_is_noticed_and_the_old_one_is_not_started(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    sabotage(monkeypatch, step, "inside", run=somebody(site, "kill", "v2"))
    operation = site.cutover()
    assert operation.state == "NEEDS_HUMAN"
    assert failed(operation) == [step]
    assert site.state("v1") == "STOPPED"
    monkeypatch.undo()
    goes_back(site, config, metrics)


def test_an_old_release_that_somebody_killed_after_it_was_checked_stops_the_cutover(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    sabotage(monkeypatch, "snapshot_live", "inside", run=somebody(site, "kill", "v1"))
    operation = site.cutover()
    assert operation.state == "ABORTED"
    assert failed(operation) == ["stop_old"]
    assert "ended since it was checked, and not by this cutover" in " ".join(operation.warnings)
    site.assert_back_on_v1(config, metrics)


def test_a_supervisor_that_somebody_killed_is_replaced_and_that_is_said(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = on_v1
    sabotage(monkeypatch, "hold_new", "inside", run=somebody(site, "kill supervisor", "v2"))
    operation = site.cutover()
    assert operation.state == "SUCCEEDED", operation.failure
    assert "the supervisor of v2 was ended by somebody" in " ".join(operation.warnings)
    assert open_service(site.deployment, "v2").status().supervised


def test_a_restored_release_that_somebody_kills_while_it_is_verified_needs_a_person(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    new_release_goes_live(site)
    sabotage(monkeypatch, "verify_old", "inside", run=somebody(site, "kill", "v1"))
    operation = site.rollback()
    assert operation.state == "NEEDS_HUMAN"
    assert failed(operation) == ["verify_old"]
    assert site.state("v2") == "STOPPED"
    monkeypatch.undo()
    goes_back(site, config, metrics)


def test_a_new_release_that_somebody_starts_in_the_middle_of_a_rollback_keeps_the_old_one_from_starting(
    on_v1: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = on_v1
    config, metrics = site.config(), site.metrics()
    new_release_goes_live(site)
    sabotage(monkeypatch, "start_old", "inside", run=somebody(site, "start", "v2"))
    operation = site.rollback()
    assert operation.state == "NEEDS_HUMAN"
    assert "v2 may still be running" in operation.failure
    assert site.state("v1") == "STOPPED"
    monkeypatch.undo()
    goes_back(site, config, metrics)
