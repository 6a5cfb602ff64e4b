"""Demo deployments that run, and that leave no process behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from kept_at_work import CutOver, Kept
from site_at_work import Site

from engine.operations.journal import list_operations


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh demo with V1 live."""
    made = Site(tmp_path / "demo")
    try:
        made.make()
        yield made
    finally:
        made.end()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One demo for many round trips; each begins and ends with V1 live. See :func:`round_trip`.

    Nobody watches it: what a monitor judges anew after each operation would be under way in the next test.
    """
    made = Site(tmp_path_factory.mktemp("lasting") / "demo")
    try:
        made.make()
        made.fast_staging()
        made.edit_console("verify_hold: 1s", "verify_hold: 200ms")
        made.unwatch()
        yield made
    finally:
        made.end()


@pytest.fixture
def round_trip(lasting: Site) -> Site:
    """The lasting demo, with V1 live and nothing unfinished."""
    unfinished = [item.id for item in list_operations(lasting.deployment.paths.operations) if item.open]
    if unfinished or lasting.live() != "v1":
        lasting.rollback()
    assert lasting.live() == "v1"
    return lasting


@pytest.fixture
def trying(round_trip: Site) -> Iterator[Site]:
    """V1 live; what a test edits in the console's and the releases' files comes back at its end."""
    files = [round_trip.root / "config/console.yml", *(round_trip.root / "config/releases").glob("*.yml")]
    kept = {path: path.read_bytes() for path in files}
    yield round_trip
    for path, data in kept.items():
        path.write_bytes(data)


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Kept:
    """One real cutover for all tests that begin after one."""
    made = Kept(tmp_path_factory.mktemp("kept"))
    made.make()
    return made


@pytest.fixture
def cut_over(kept: Kept) -> Iterator[CutOver]:
    """A demo as its cutover left it, V2 live: each test finds the same. Nobody watches it."""
    with kept.put_back() as site:
        yield site


@pytest.fixture
def watched_cut_over(kept: Kept) -> Iterator[CutOver]:
    """The same with its monitor, as in life."""
    with kept.put_back(watched=True) as site:
        yield site
