"""What a person may do by hand beside an operation that stopped half-way, and what the records then say."""

from __future__ import annotations

import subprocess

import pytest
from in_this_process import here
from kept_at_work import CutOver
from sabotage_at_work import dying

from engine.operations.journal import records_of
from engine.records import read_lines


@pytest.fixture
def half_way(cut_over: CutOver, monkeypatch: pytest.MonkeyPatch) -> str:
    """A rollback killed between configuration and metrics, V2's files live; its id."""
    begun = dying(monkeypatch, cut_over.begin_rollback, "restore_metrics", "before")
    assert cut_over.settled(begun.id).state == "INTERRUPTED"
    return begun.id


def test_no_service_is_started_by_hand_while_configuration_and_metrics_differ(cut_over: CutOver, half_way: str) -> None:
    root = ("--root", str(cut_over.root))

    refused = here(*root, "service", "start", "v1")
    assert refused.returncode == 2, refused.stdout
    assert "THEY DIFFER" in refused.stderr and half_way in refused.stderr and "--force" in refused.stderr
    assert cut_over.state("v1") == "STOPPED"
    assert here(*root, "service", "start", "v1", "--force").returncode == 2, "no reason was given"

    forced = here(*root, "service", "start", "v1", "--force", "--reason", "the vice president wants it")
    assert forced.returncode == 0 and "THEY DIFFER" in forced.stderr
    event = cut_over.events("service.start")[-1]["data"]
    assert event["forced"] and event["reason"] == "the vice president wants it" and event["open"] == [half_way]
    assert "metrics of v2" in event["found"]

    back = cut_over.rollback()
    assert back.state == "SUCCEEDED", back
    assert not [name for name in cut_over.metrics() if "_v2_" in name]


def test_what_differs_is_not_closed_as_if_it_were_right(cut_over: CutOver, half_way: str) -> None:
    root = ("--root", str(cut_over.root))

    refused = here(*root, "resolve", half_way, "--reason", "all is well")
    assert refused.returncode == 2 and "metrics of v2" in refused.stderr
    assert cut_over.operation(half_way).state == "INTERRUPTED"

    closed = here(*root, "resolve", half_way, "--reason", "all is well", "--force")
    assert closed.returncode == 0 and "THEY DIFFER" in closed.stdout
    record = records_of(cut_over.deployment.paths.operation(half_way))[-1]
    assert record["reason"] == "all is well" and record["agree"] is False and "metrics of v2" in record["found"]
    event = read_lines(cut_over.deployment.paths.events)
    ended = [item for item in event if item["kind"] == "operation.ended"][-1]["data"]
    assert ended["agree"] is False and "metrics of v2" in ended["found"]
    for command in ("history", "status"):
        told = here(*root, command).stdout
        lines = [line for line in told.splitlines() if half_way in line]
        assert any("CLOSED BY HAND" in line and ": THEY DIFFER" in line for line in lines), told
        assert not any("ABORTED" in line for line in lines), told

    back = cut_over.rollback()
    assert back.state == "SUCCEEDED" and back.id != half_way
    assert not [name for name in cut_over.metrics() if "_v2_" in name]


def test_what_was_put_right_by_hand_is_closed_as_what_is_found(cut_over: CutOver, half_way: str) -> None:
    """The commands that a rollback prints for a person lead to an end that it accepts."""
    metrics = cut_over.deployment.metrics
    snapshot = cut_over.deployment.paths.snapshots / str(cut_over.operation(half_way).snapshot) / "tree"
    metrics.rename(metrics.with_name("metrics.of-v2"))
    subprocess.run(["cp", "-a", "-T", str(snapshot / "data/metrics"), str(metrics)], check=True)
    root = ("--root", str(cut_over.root))
    assert here(*root, "service", "start", "v1", "--force", "--reason", "put right by hand").returncode == 0
    closed = here(*root, "resolve", half_way, "--reason", "put right by hand")
    assert closed.returncode == 0, closed.stderr
    assert cut_over.operation(half_way).state == "SUCCEEDED"
    assert "v1 runs, configuration of v1, metrics of v1" in closed.stdout
