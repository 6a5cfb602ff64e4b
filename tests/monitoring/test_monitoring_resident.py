"""Growth and comparisons with hour 1 rest on the resident set; what other processes share changes the level alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from watching import Watching, condition, rescaled

from engine.config import Deployment
from engine.monitoring import process_source
from engine.monitoring.process_source import RESIDENT
from engine.monitoring.tree import Usage


class Tree:
    """The service's memory as a test moves it."""

    proportional, resident = 70.0, 100.0

    def usage(self, *_: Any, **__: Any) -> Usage:
        return Usage(self.proportional, 1.0, 1, 1, memory_kind="PSS", resident_mb=self.resident)


@pytest.fixture
def tree(monkeypatch: pytest.MonkeyPatch) -> Tree:
    made = Tree()
    monkeypatch.setattr(process_source, "usage", made.usage)
    return made


@pytest.fixture
def fast(deployment: Deployment, clock: Any, tree: Tree) -> Iterator[Watching]:
    """Holds, windows and slots sixty times as fast."""
    found = Watching(rescaled(deployment, 60), clock)
    yield found
    found.monitor.stop()


def grown(fast: Watching) -> float | None:
    return condition(fast.tick(1), "MEMG").value


def test_another_process_that_ends_makes_no_growth(fast: Watching, tree: Tree) -> None:
    fast.tick(40)
    tree.proportional = 95.0  # it had shared pages with ours
    seen = fast.tick(40)
    assert condition(seen, "MEM").value == 95.0
    assert condition(seen, "MEMG").value == 0.0


def test_what_the_service_itself_takes_is_growth_although_its_share_falls(fast: Watching, tree: Tree) -> None:
    for _ in range(80):
        tree.resident, tree.proportional = tree.resident + 1, tree.proportional - 0.1
        growth = grown(fast)
    assert growth is not None
    assert growth > 20


def test_a_monitor_that_is_started_again_goes_on_from_the_stored_resident_set(fast: Watching, tree: Tree) -> None:
    for _ in range(80):
        tree.resident += 1
        fast.tick(1)
    assert fast.monitor._notebook.series(RESIDENT, fast.clock.now().wall.replace(year=2000), fast.clock.now().wall)
    before = grown(fast)
    fast.restart()
    after = grown(fast)
    assert before is not None
    assert after == pytest.approx(before, rel=0.1)


def test_hours_are_compared_by_the_resident_set(fast: Watching, tree: Tree) -> None:
    fast.tick(3)
    fast.cut_over()
    fast.tick(61)
    tree.proportional = 140.0
    fast.tick(60)
    hours = fast.monitor._standing.now
    assert hours.first is not None
    assert [hour.resident_mb for hour in (hours.first, *hours.hours)] == [100.0, 100.0]
