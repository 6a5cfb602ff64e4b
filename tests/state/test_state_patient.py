"""A screen's reader spares the work where nothing is new, and misses nothing that is written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.config import Deployment, load_deployment
from engine.config.looking import only_looking
from engine.errors import Refused
from engine.state.patient import AT_REST, LONGEST, PatientReader
from tui.actions import EngineActions
from tui.looking import EngineLooks


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


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def titles(reader: PatientReader, clock: Any) -> list[str]:
    clock.advance(LONGEST + 0.01)
    return [item.title for item in reader.read().checklist.items]


def test_an_edited_configuration_is_taken_up_as_the_monitor_does(deployment: Deployment, clock: Any) -> None:
    taken: list[Deployment] = []
    reader = PatientReader(only_looking(deployment), clock, taken.append)
    assert "team briefed" in titles(reader, clock)
    edit(deployment.paths.config / "checklist.yml", "title: team briefed", "title: team told")
    assert "team told" in titles(reader, clock)
    assert len(taken) == 1 and taken[0].looks_only, "who was started with --read-only goes on looking"
    titles(reader, clock)
    assert len(taken) == 1


def test_one_with_a_mistake_is_not(deployment: Deployment, clock: Any) -> None:
    taken: list[Deployment] = []
    reader = PatientReader(deployment, clock, taken.append)
    edit(deployment.paths.config / "checklist.yml", "title: team briefed", "tilte: team told")
    assert "team briefed" in titles(reader, clock)
    assert taken == []


def test_what_the_edited_configuration_forbids_an_open_console_does_not_do(deployment: Deployment, clock: Any) -> None:
    actions, looks = EngineActions(deployment), EngineLooks(deployment)
    edit(deployment.paths.config / "console.yml", "read_only: false", "read_only: true")
    for each in (actions, looks):
        each.take_up(load_deployment(deployment.root))
    with pytest.raises(Refused, match="this deployment is read-only"):
        actions.note("one more")
