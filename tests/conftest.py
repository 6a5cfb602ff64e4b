"""Fixtures that several rooms share: a deployment in a temporary directory, and a clock moved by hand."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from engine.clock import Instant
from engine.config import Deployment, load_deployment
from engine.config.templates import write_config
from engine.validation import giving_way

# Where the surroundings forbid it (images do), each of some thousand interpreters that the tests start would compile
# every module anew, and each worker all the test modules: a quarter of the suite's time.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# how long an example takes says nothing here: other tests run beside it
settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


class HandClock:
    """A clock that stands still until a test moves it."""

    def __init__(self) -> None:
        self.wall = datetime(2026, 1, 31, 2, 0, tzinfo=UTC)
        self.boot = 1000.0

    def now(self) -> Instant:
        return Instant(self.wall, self.boot)

    def advance(self, seconds: float) -> None:
        self.boot += seconds
        self.wall += timedelta(seconds=seconds)

    def step_wall(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)


_BUSY = {"accounts", "break_glass", "drills", "e2e", "examples", "nights", "operations", "packages", "systemd"}
"""Rooms of real operations: each keeps more than one core busy."""
_WAITING = {"monitoring", "notify", "pipeline", "services", "tui"}
"""Rooms of consoles and daemons, which mostly wait."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait are spread evenly among files that work; short ones come last, so that all end at once."""
    rooms: tuple[list[Path], ...] = ([], [], [])
    for path in dict.fromkeys(item.path for item in items):
        room = path.relative_to(Path(__file__).parent).parts[0]
        rooms[0 if room in _BUSY else 1 if room in _WAITING else 2].append(path)
    busy, waiting, short = rooms
    order = {path: (number + 0.5) / len(room) for room in (busy, waiting) for number, path in enumerate(room)}
    order |= {path: 1.0 + number for number, path in enumerate(short)}
    items.sort(key=lambda item: order[item.path])


@pytest.fixture(scope="session", autouse=True)
def _tests_do_not_give_way() -> None:
    """A command that is run inside of pytest itself must not take the tests that follow behind everything else."""
    giving_way.NICENESS = 0


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def deployment(tmp_path: Path) -> Deployment:
    """The demo configuration in an empty directory: no tape, no services, nothing running."""
    write_config(tmp_path / "deployment", demo=True)
    return load_deployment(tmp_path / "deployment")
