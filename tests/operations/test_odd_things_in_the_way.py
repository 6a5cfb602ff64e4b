"""What somebody left where the way back has to pass: odd names, pipes, another configuration. Nothing bars it."""

from __future__ import annotations

import os

from bench_at_work import ME, work_on
from in_this_process import here
from kept_at_work import CutOver
from site_at_work import Site

from engine.clock import Clock
from engine.config import Deployment
from engine.operations import requests
from engine.snapshots import list_snapshots


def test_odd_names_of_the_new_release_are_moved_aside_with_all_the_rest(cut_over: CutOver) -> None:
    place = os.fsencode(cut_over.deployment.metrics)
    for name in (b"\xff.csv", b"line\nend.csv", b"quo'te\".csv"):
        with open(place + b"/" + name, "wb") as stream:  # noqa: PTH123 - bytes that are no text
            stream.write(b"written by v2 as " + name)
    os.mkfifo(place + b"/pipe")
    (cut_over.deployment.metrics / "a -> b").symlink_to("/nowhere")
    operation = cut_over.rollback()
    assert operation.state == "SUCCEEDED", operation.failure
    assert any("data/metrics/pipe" in warning and "not proven" in warning for warning in operation.warnings)
    side = cut_over.deployment.paths.snapshots / str(cut_over.incident(operation.id)["side_snapshot"])
    kept = set(os.listdir(os.fsencode(side / "tree/data/metrics")))  # noqa: PTH208 - bytes that are no text
    assert {b"\xff.csv", b"line\nend.csv", b"quo'te\".csv", b"pipe", b"a -> b"} <= kept
    cut_over.assert_back()


def test_what_is_covered_by_now_does_not_blind_the_proof(cut_over: CutOver) -> None:
    live = len(cut_over.metrics())
    cut_over.edit_console("covers: [data/metrics]", "covers: [data/elsewhere]")
    try:
        operation = cut_over.rollback()
    finally:
        cut_over.edit_console("covers: [data/elsewhere]", "covers: [data/metrics]")
    assert operation.state == "SUCCEEDED", operation.failure
    assert cut_over.incident(operation.id)["proof"]["files"] >= live
    side = list_snapshots(cut_over.deployment)[-1]
    assert side.manifest is not None and "data/metrics" in side.manifest.covers


def test_a_release_is_not_started_by_hand_on_the_configuration_of_the_other(round_trip: Site) -> None:
    root = str(round_trip.root)
    assert here("--root", root, "service", "stop", "v1").returncode == 0
    refused = here("--root", root, "service", "start", "v2")
    assert refused.returncode == 2
    assert "the active configuration is that of v1" in refused.stderr
    assert round_trip.state("v2") != "RUNNING"
    assert here("--root", root, "service", "start", "v1").returncode == 0


def test_a_pipe_among_the_requests_hangs_nobody(deployment: Deployment, clock: Clock) -> None:
    work = work_on(deployment, clock)
    os.mkfifo(work.directory / "requests/x.json")
    requests.ask(work.directory, ME, "abort", "because")
    found = requests.take(work.directory, ME)
    assert found is not None and found[0].want == "abort"
