"""An operation that a person is needed for: one word for it wherever people read, and its constant in JSON alone."""

from __future__ import annotations

import argparse
from typing import Any

import pytest
from msgspec.structs import replace

from engine.cli.service import _forced
from engine.config import Deployment
from engine.doctor.deployment import examine_deployment
from engine.errors import OpsError
from engine.operations.evidence import rollback_evidence
from engine.operations.journal import Journal, list_operations
from engine.operations.model import Operation
from engine.operations.outcome import as_json
from engine.state import State, StateReader
from engine.state.hand_over import _open
from engine.state.readiness import _operation
from engine.state.told import lines
from engine.state.update import update_lines

BACK = "abaco-ops rollback    (the old release runs again, nothing the new one wrote is lost)"


@pytest.fixture
def stopped(deployment: Deployment, clock: Any) -> Operation:
    """A cutover that failed after its point of no return; no release runs."""
    directory = deployment.paths.operation("0001-cutover")
    directory.mkdir(parents=True)
    journal = Journal(directory, clock)
    ends = {"release_from": "v1", "release_to": "v2", "actor": "a.moreno", "origin": "ops1", "reason": "planned"}
    journal.write("planned", operation_kind="cutover", steps=[], **ends)
    journal.write("accepted")
    journal.write("ended", state="NEEDS_HUMAN", failure="start_new: v2 did not start", offers=[BACK])
    (found,) = list_operations(deployment.paths.operations)
    assert found.open
    return found


@pytest.fixture
def state(deployment: Deployment, clock: Any, stopped: Operation) -> State:
    return replace(StateReader(deployment, clock).read(), operation=stopped)


def test_update_hand_over_readiness_and_status_say_needs_you(state: State) -> None:
    said = [*update_lines(state, state.at), *_open(state), *(line.what for line in _operation(state)), *lines(state)]
    assert sum("0001-cutover" in line and "NEEDS YOU" in line for line in said) >= 4, said
    assert not any("NEEDS_HUMAN" in line or "NEEDS HUMAN" in line for line in said)


def test_the_plan_of_a_rollback_and_a_refusal_say_needs_you(deployment: Deployment, stopped: Operation) -> None:
    plan = rollback_evidence(deployment, [stopped], None, False)
    assert "0001-cutover is NEEDS YOU and ends first" in [item.text for item in plan]
    asked = argparse.Namespace(force=False, reason="", release="v1")
    with pytest.raises(OpsError, match=r"0001-cutover stopped half-way \(NEEDS YOU\)"):
        _forced(deployment, asked)


def test_json_keeps_the_constant(stopped: Operation) -> None:
    assert as_json(stopped)["state"] == "NEEDS_HUMAN"


def test_doctor_fails_on_a_stopped_operation_with_no_release_live(deployment: Deployment, stopped: Operation) -> None:
    found = {one.name: one for one in examine_deployment(deployment) if one.name in ("operation", "live release")}
    assert found["operation"].status == "FAIL"
    assert found["operation"].what == "0001-cutover is NEEDS YOU, and no release is live"
    assert found["operation"].fix.startswith("abaco-ops rollback; ")
    assert found["live release"].fix == "abaco-ops rollback", "a start would be refused"


def test_status_says_in_its_first_rows_what_stopped_and_that_the_way_back_is_not_proven(state: State) -> None:
    way = replace(state.way_back, ready=True, seconds=10.5, basis="rehearsed", basis_at=state.at, proven_at=None)
    told = lines(replace(state, way_back=way))
    assert "0001-cutover NEEDS YOU" in told[0]
    (row,) = (line for line in told if line.startswith(" WAY BACK"))
    assert "abaco-ops rollback goes back; not proven for this cutover" in row and "ready" not in row
    assert "a rollback goes back; not proven for this cutover" in "\n".join(
        update_lines(replace(state, way_back=way), state.at)
    )
