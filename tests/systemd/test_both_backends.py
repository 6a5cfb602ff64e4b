"""Cutover and rollback as a whole, with what can go wrong with services, on both backends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from a_systemd import Machine, missing
from two_backends import Place, UnderSystemd

STUBBORN = Path(__file__).parents[1] / "operations" / "misbehaving_service.py"


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
        yield made
    finally:
        made.end()


@pytest.fixture
def place(lasting: Place) -> Place:
    """V1 live, nothing unfinished, every program as it should be."""
    lasting.as_it_was()
    if lasting.states() != {"v1": "RUNNING", "v2": "STOPPED"}:
        lasting.on("rollback", "--yes", "--reason", "tidy")
        lasting.service("stop", "v2")
    lasting.assert_on("v1")
    return lasting


def failed(told: dict[str, object]) -> list[str]:
    return [step["name"] for step in told["steps"] if step["state"] == "failed"]  # type: ignore[attr-defined]


def test_a_cutover_and_the_way_back(place: Place) -> None:
    metrics = place.metrics()
    done = place.operate("cutover")
    assert (done["state"], done["exit"]) == ("SUCCEEDED", 0), done
    place.assert_on("v2")
    back = place.operate("rollback")
    assert (back["state"], back["exit"]) == ("SUCCEEDED", 0), back
    place.assert_back(metrics)
