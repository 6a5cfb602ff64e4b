"""The status update leaves the house: what is not from now says so beside each value."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from engine.config import Deployment
from engine.monitoring.model import ResourceReading
from engine.state import State, StateReader
from engine.state.update import update_lines


@pytest.fixture
def state(deployment: Deployment, clock: Any) -> State:
    """Two KPIs and two gauges, of half a minute ago."""
    found = StateReader(deployment, clock).read()
    at = found.at - timedelta(seconds=30)
    kpis = tuple(replace(kpi, value=2.0, stale=False, observed_at=at) for kpi in found.kpis[:2])
    gauges = tuple(
        ResourceReading(name, name, 1.0, "1 ms", 0.1, (), "ok", "", None, at, stale=False) for name in ("LAT", "RUN")
    )
    return replace(found, kpis=kpis, resources=gauges)


def line(state: State, begin: str) -> str:
    return next(line for line in update_lines(state, state.at) if line.startswith(begin))


def test_what_is_from_now_stands_by_itself(state: State) -> None:
    assert line(state, "KPIs") == "KPIs: PAR30 2.00, PAR90 2.00"
    assert line(state, "Resources") == "Resources: LAT 1 ms, RUN 1 ms"


def test_one_value_that_is_not_says_so_with_its_age(state: State) -> None:
    old = replace(state, kpis=(replace(state.kpis[0], stale=True), state.kpis[1]))
    assert line(old, "KPIs") == "KPIs: PAR30 2.00 (STALE, 30 s ago), PAR90 2.00"


def test_where_none_is_from_now_the_line_begins_with_that(state: State) -> None:
    old = replace(state, resources=tuple(replace(gauge, stale=True) for gauge in state.resources))
    assert line(old, "Resources") == "Resources: STALE, 30 s ago: LAT 1 ms, RUN 1 ms"


def test_a_validation_that_speaks_no_more_says_so(state: State) -> None:
    checks = replace(state.checks, status="PASS", stale=True, observed_at=state.at - timedelta(hours=3))
    assert line(replace(state, checks=checks), "Validation") == "Validation: PASS (STALE), 3h00 ago"
