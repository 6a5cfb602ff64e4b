"""What a plot shows beside its line: alerts and operations of the stretch, from the records."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from engine.clock import Instant
from engine.config import Deployment
from engine.errors import Refused
from engine.monitoring.columns import Stretch
from engine.monitoring.store import Measured, SampleStore
from engine.records import append_event
from engine.state.plotted import PlotReader, as_known_then


def keep(deployment: Deployment, clock: Any, value: float) -> None:
    now = clock.now()
    store = SampleStore(deployment.paths.samples)
    store.append([Measured("memory_mb", value, Instant(now.wall, now.boot), "era")])
    store.close()


def alert(deployment: Deployment, clock: Any, what: str) -> None:
    data = {"alert": "A-1", "condition": "MEM", "tier": "warning", "text": "MEM 204 MB"}
    append_event(deployment.paths.events, f"alert.{what}", data, source="monitor", clock=clock)


def test_an_alert_has_its_begin_and_its_end_and_new_ones_are_seen(deployment: Deployment, clock: Any) -> None:
    begun = clock.wall
    keep(deployment, clock, 150.0)
    alert(deployment, clock, "opened")
    reader = PlotReader(deployment)
    clock.advance(60)
    stretch = Stretch(begun - timedelta(seconds=60), clock.wall, 20)
    (mark,) = reader.read("MEM", stretch).marks
    assert (mark.name, mark.since, mark.until, mark.loud) == ("MEM", begun, None, False)
    alert(deployment, clock, "cleared")
    (mark,) = reader.read("MEM", stretch).marks
    assert mark.until == clock.wall
    then = as_known_then(reader.read("MEM", Stretch(begun - timedelta(seconds=60), begun, 20)))
    assert [one.until for one in then.marks] == [None], "a replay does not know yet that it cleared"
    later = Stretch(clock.wall + timedelta(seconds=1), clock.wall + timedelta(seconds=9), 20)
    assert reader.read("MEM", later).marks == ()


def test_a_series_carries_its_unit_its_limits_and_its_values(deployment: Deployment, clock: Any) -> None:
    keep(deployment, clock, 150.0)
    found = PlotReader(deployment).read("MEM", Stretch(clock.wall - timedelta(hours=1), clock.wall, 20))
    assert (found.unit, dict(found.limits)["warning"]) == ("MB", 200.0)
    assert [(one.index, one.high) for one in found.columns] == [(19, 150.0)]


def test_what_is_not_measured_is_refused(deployment: Deployment, clock: Any) -> None:
    stretch = Stretch(clock.wall - timedelta(hours=1), clock.wall, 20)
    with pytest.raises(Refused, match="nothing has been measured"):
        PlotReader(deployment).read("MEM", stretch)
    keep(deployment, clock, 150.0)
    with pytest.raises(Refused, match="nothing is measured by the name"):
        PlotReader(deployment).read("NOPE", stretch)
