"""Cutover and rollback as a whole, with what can go wrong with services, on both backends."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from a_systemd import Machine, missing
from two_backends import Place, UnderSystemd


@pytest.fixture(scope="module", params=["embedded", "systemd"])
def lasting(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("place")
    if request.param == "embedded":
        made = Place(directory / "abaco")
    else:
        reason = missing()
        if reason:
            pytest.skip(reason)
        machine = Machine(directory)
        made = UnderSystemd(machine)
        made.install()
        machine.up()
    try:
        made.make()
        made.on("monitor", "--stop")  # it is not what is tested here
        yield made
    finally:
        made.end()


@pytest.fixture
def place(lasting: Place) -> Place:
    """V1 live, nothing unfinished, every program as it should be."""
    lasting.as_it_was()
    if lasting.states()["v1"] != "RUNNING":
        lasting.on("rollback", "--yes", "--reason", "tidy")
        lasting.assert_on("v1")
    return lasting


def failed(told: dict[str, Any]) -> list[str]:
    return [step["name"] for step in told["steps"] if step["state"] == "failed"]


def detail(told: dict[str, Any], name: str) -> str:
    return next(str(step["detail"]) for step in told["steps"] if step["name"] == name)


def test_a_cutover_and_the_way_back(place: Place) -> None:
    metrics = place.metrics()
    done = place.operate("cutover")
    assert (done["state"], done["exit"]) == ("SUCCEEDED", 0), done
    place.assert_on("v2")
    back = place.operate("rollback")
    assert (back["state"], back["exit"]) == ("SUCCEEDED", 0), back
    place.assert_back(metrics)


def test_a_new_release_that_dies_a_moment_after_its_start(place: Place) -> None:
    metrics = place.metrics()
    place.program("v2", "command", ["{python}", "-c", "import time; time.sleep(0.2); print('no'); raise SystemExit(3)"])
    done = place.operate("cutover")
    assert (done["state"], done["exit"]) == ("NEEDS_HUMAN", 4), done
    assert failed(done) in (["start_new"], ["hold_new"], ["first_run"]), "whichever sees it first"
    assert place.states()["v1"] == "STOPPED", "past the point of no return nothing is started by itself"
    back = place.operate("rollback")
    assert (back["state"], back["exit"]) == ("SUCCEEDED", 0), back
    place.assert_back(metrics)


def test_an_old_release_that_has_to_be_killed_undoes_the_cutover(place: Place) -> None:
    place.with_a_stray("v1")
    place.service("stop", "v1")
    place.service("start", "v1")
    metrics = place.metrics()
    done = place.operate("cutover")
    assert (done["state"], done["exit"]) == ("ABORTED", 3), done
    assert "v1 did not stop by itself and was killed" in " ".join(done["warnings"])
    place.assert_back(metrics)
    place.as_it_was()
    place.service("stop", "v1")
    place.service("start", "v1")


def test_a_cutover_whose_worker_was_killed_goes_back(place: Place) -> None:
    metrics = place.metrics()
    name = place.kill_worker_at("cutover", "start_new")
    assert place.history(name)["state"] == "INTERRUPTED"
    back = place.operate("rollback")
    assert back["state"] == "SUCCEEDED", back
    place.assert_back(metrics)


def test_the_way_back_kills_what_will_not_stop_and_outlives_its_own_worker(place: Place) -> None:
    metrics = place.metrics()
    place.with_a_stray("v2")
    assert place.operate("cutover")["state"] == "SUCCEEDED"
    name = place.kill_worker_at("rollback", "restore_config")
    again = place.on("resume", name)
    assert again.returncode == 0, again.stdout + again.stderr
    done = place.history(name)
    assert done["state"] == "SUCCEEDED", done
    assert "killed after its deadline" in detail(done, "stop_new")
    assert not place.stray_runs()
    place.assert_back(metrics)
