"""A screen's reader spares the work where nothing is new, and misses nothing that is written."""

from __future__ import annotations

from typing import Any

from engine.config import Deployment
from engine.state.patient import AT_REST, LONGEST, PatientReader


def test_where_nothing_is_written_the_same_state_is_given(deployment: Deployment, clock: Any) -> None:
    reader = PatientReader(deployment, clock)
    first = reader.read()
    clock.advance(LONGEST / 2)
    assert reader.read() is first


def test_what_is_written_is_read_at_once(deployment: Deployment, clock: Any) -> None:
    reader = PatientReader(deployment, clock)
    first = reader.read()
    deployment.paths.events.parent.mkdir(parents=True, exist_ok=True)
    deployment.paths.events.write_text("")
    assert reader.read() is not first


def test_after_a_second_everything_is_read_again(deployment: Deployment, clock: Any) -> None:
    reader = PatientReader(deployment, clock)
    first = reader.read()
    clock.advance(LONGEST + 0.01)
    assert reader.read() is not first


def test_where_no_monitor_runs_and_nothing_was_found_it_looks_less_often(deployment: Deployment, clock: Any) -> None:
    reader = PatientReader(deployment, clock)
    reader.read()
    clock.advance(LONGEST + 0.01)
    found = reader.read()  # the same as before, but for the time
    clock.advance(LONGEST + 0.01)
    assert reader.read() is found
    clock.advance(AT_REST - LONGEST)
    assert reader.read() is not found
    deployment.paths.runs.parent.mkdir(parents=True, exist_ok=True)
    deployment.paths.runs.write_text("")
    again = reader.read()
    assert again is not found
