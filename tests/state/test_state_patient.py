"""A screen's reader spares the work where nothing is new, and misses nothing that is written."""

from __future__ import annotations

from typing import Any

from engine.config import Deployment
from engine.state.patient import LONGEST, PatientReader


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
