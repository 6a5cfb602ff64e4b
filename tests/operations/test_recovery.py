"""A worker SIGKILLed at each step: what is left is declared, and the next command puts it right."""

from __future__ import annotations

import pytest
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import Site

from engine.operations import cutover, rollback

ALIKE = {"check_environment", "check_services", "back_up_config", "test_new"}
"""Dying in these leaves nothing else behind than dying in their neighbours."""
CUTOVER = [step.name for step in cutover.STEPS if step.name not in ALIKE]
ROLLBACK = [(step.name, "intent") for step in rollback.STEPS] + [("restore_metrics", "done"), ("set_aside", "done")]


@pytest.mark.parametrize("step", CUTOVER)
def test_a_cutover_whose_worker_died_is_rolled_back(round_trip: Site, step: str) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    begun = round_trip.begin_cutover()
    round_trip.kill_worker_at(begun, step)
    left = round_trip.operation(begun.id)
    if left.state == "SUCCEEDED":
        pytest.skip("it had ended already")
    assert left.state == "INTERRUPTED"
    assert left.offers[0].startswith("abaco-ops rollback")
    assert here("--root", str(round_trip.root), "cutover", "--yes").returncode == 2

    back = round_trip.rollback()

    assert back.state == "SUCCEEDED", back
    assert round_trip.operation(begun.id).state == "ROLLED_BACK"
    round_trip.assert_back_on_v1(config, metrics)


@pytest.mark.parametrize("step", ["snapshot_live", "stop_old", "snapshot_final", "switch_config"])
def test_a_cutover_whose_worker_died_is_aborted(round_trip: Site, step: str) -> None:
    config, metrics = round_trip.config(), round_trip.metrics()
    begun = round_trip.begin_cutover()
    round_trip.kill_worker_at(begun, step)
    if round_trip.operation(begun.id).past_no_return:
        pytest.skip("it had gone on too far already")
    aborted = here("--root", str(round_trip.root), "abort", begun.id)
    assert aborted.returncode == 0, aborted.stdout + aborted.stderr
    assert round_trip.operation(begun.id).state == "ABORTED"
    round_trip.assert_back_on_v1(config, metrics)


@pytest.mark.parametrize("step", ["stage_new", "snapshot_final", "switch_config", "start_new"])
def test_a_cutover_whose_worker_died_is_resumed(round_trip: Site, step: str) -> None:
    begun = round_trip.begin_cutover()
    round_trip.kill_worker_at(begun, step)
    resumed = here("--root", str(round_trip.root), "resume", begun.id)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    assert round_trip.operation(begun.id).state == "SUCCEEDED"
    assert round_trip.live() == "v2"


@pytest.mark.parametrize(("step", "kind"), ROLLBACK)
def test_a_rollback_whose_worker_died_goes_on_when_asked_again(cut_over: CutOver, step: str, kind: str) -> None:
    begun = cut_over.begin_rollback()
    cut_over.kill_worker_at(begun, step, kind)
    left = cut_over.operation(begun.id)
    if left.state != "SUCCEEDED":
        assert left.state == "INTERRUPTED"
        again = cut_over.begin_rollback()
        assert again.id == begun.id, "it is the same rollback that goes on"
        assert cut_over.settled(begun.id).state == "SUCCEEDED", cut_over.operation(begun.id)
    cut_over.assert_back()
    proof = cut_over.incident(begun.id)["proof"]
    assert proof["complete"], proof


def test_a_rollback_that_dies_twice_still_arrives(cut_over: CutOver) -> None:
    begun = cut_over.begin_rollback()
    cut_over.kill_worker_at(begun, "restore_metrics")
    again = cut_over.begin_rollback()
    cut_over.kill_worker_at(again, "set_aside")
    if cut_over.operation(begun.id).state != "SUCCEEDED":
        cut_over.rollback()
    assert cut_over.operation(begun.id).state == "SUCCEEDED"
    cut_over.assert_back()
