"""gate, ready, watch and checklist from the command line: what they say, and their exit codes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from test_cli_looking import say  # noqa: F401 - a fixture

from engine.clock import SystemClock
from engine.config import Deployment
from engine.operations.journal import Journal
from engine.records import append_event, read_lines


@pytest.fixture
def cut_over(deployment: Deployment, clock: Any) -> None:
    data = {"kind": "cutover", "state": "SUCCEEDED", "seconds": 4.0}
    append_event(deployment.paths.events, "operation.ended", data, source="t", operation="0001-cutover", clock=clock)


def test_before_a_cutover_there_is_no_gate(say: Any) -> None:  # noqa: F811
    assert say("gate")[1] == "no cutover is watched: there is no gate to decide\n"
    code, _, err = say("gate", "go", "hour-1")
    assert (code, "no cutover is watched" in err) == (2, True)


@pytest.mark.usefixtures("cut_over")
def test_gates_are_listed_and_an_old_one_is_still_open(say: Any) -> None:  # noqa: F811
    code, out, _ = say("gate")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["hour-1", "hour-8", "hour-24", "day-7", "day-28"]
    assert all("OVERDUE" in line for line in out.splitlines())
    shown = json.loads(say("gate", "show", "hour-8", "--json")[1])
    assert {one["status"] for one in shown["criteria"]} == {"unknown"}


@pytest.mark.usefixtures("cut_over")
def test_a_go_without_a_monitor_is_refused_and_a_no_go_is_recorded(say: Any, deployment: Deployment) -> None:  # noqa: F811
    code, _, err = say("gate", "go", "hour-1")
    assert code == 2
    assert "cannot be passed: nothing is judged without a fresh sample" in err
    code, out, _ = say("gate", "no-go", "hour-1", "--note", "no monitor")
    assert (code, "hour-1: NO-GO, by " in out) == (0, True)
    last = list(read_lines(deployment.paths.events))[-1]["data"]
    assert (last["gate"], last["decision"], last["note"]) == ("hour-1", "no-go", "no monitor")
    assert set(last["criteria"].values()) == {"unknown"}


@pytest.mark.usefixtures("cut_over")
def test_each_waiver_takes_its_own_reason_and_second_name(say: Any) -> None:  # noqa: F811
    code, _, err = say("gate", "go", "hour-1", "--waive", "logs_clean", "--reason", "known")
    assert code == 2
    assert "1 waivers, 1 reasons and 0 second names" in err


def test_deciding_is_refused_where_one_may_only_look(say: Any) -> None:  # noqa: F811
    code, _, err = say("--read-only", "gate", "no-go", "hour-1")
    assert (code, "gate no-go writes" in err) == (2, True)


def test_the_releases_tests_can_be_run_by_a_person(say: Any, deployment: Deployment) -> None:  # noqa: F811
    code, out, _ = say("gate", "test")
    assert code == 0, out
    event = list(read_lines(deployment.paths.events))[-1]
    assert (event["kind"], event["data"]["release"], event["data"]["ok"]) == ("release.tested", "v2", True)
    assert len(event["data"]["build"]) == 64


def test_what_blocks_a_cutover_is_listed_with_what_to_do(say: Any) -> None:  # noqa: F811
    code, out, _ = say("ready", "--json")
    found = json.loads(out)
    assert (code, found["ready"]) == (1, False)
    blocks = {line["name"]: line for line in found["lines"] if not line["ready"]}
    assert {"live", "tape", "validation", "verdict", "monitor", "on watch", "checklist"} <= set(blocks)
    assert all(line["fix"] for line in blocks.values())
    assert "NOT READY" in say("ready")[1]


@pytest.mark.usefixtures("cut_over")
def test_after_a_cutover_there_is_nothing_to_make_ready(say: Any) -> None:  # noqa: F811
    code, out, _ = say("ready")
    assert (code, "BAKE: the cutover was made, its watch goes on" in out) == (1, True)


def test_a_line_that_was_answered_blocks_no_more(say: Any) -> None:  # noqa: F811
    def waiting() -> list[str]:
        return [line["what"] for line in json.loads(say("ready", "--json")[1])["lines"] if line["name"] == "checklist"]

    assert any(what.startswith("team briefed") for what in waiting())
    say("checklist", "tick", "before/0/briefed")
    assert not any(what.startswith("team briefed") for what in waiting())


def test_a_line_that_is_not_as_it_should_be_is_overridden_and_not_confirmed(say: Any) -> None:  # noqa: F811
    code, _, err = say("checklist", "tick", "before/0/rehearsed")
    assert code == 2
    assert "is not as it should be: records: neither rolled back nor rehearsed yet" in err
    assert "abaco-ops checklist override before/0/rehearsed --reason TEXT" in err
    assert say("checklist", "override", "before/0/rehearsed", "--reason", "rehearsed on staging")[0] == 0


@pytest.mark.usefixtures("cut_over")
def test_a_gate_in_the_list_is_decided_by_the_gate_command(say: Any) -> None:  # noqa: F811
    code, _, err = say("checklist", "tick", "gate/hour-1")
    assert (code, "abaco-ops gate show hour-1" in err) == (2, True)


def test_channels_are_listed_with_how_they_fared(say: Any, deployment: Deployment, clock: Any) -> None:  # noqa: F811
    assert "nothing was sent by it yet" in say("notify", "list")[1]
    for ok, detail in ((True, "written"), (False, "no space left")):
        data = {"channel": "log", "ok": ok, "detail": detail}
        append_event(deployment.paths.events, "notified", data, source="monitor", clock=clock)
    log, bell = say("notify", "list")[1].splitlines()
    assert log.startswith("log ") and "1 delivered, failed once; last FAILED 2026-01-31" in log
    assert log.endswith("no space left") and bell.endswith("nothing was sent by it yet")


def test_the_watch_is_taken_shown_and_handed_over(say: Any) -> None:  # noqa: F811
    assert "nobody has the watch" in say("watch")[1]
    assert "has the watch\nSince " in say("watch", "take")[1]
    assert "has the watch since" in say("watch", "show")[1]
    assert "HAND-OVER Abaco Loans Analytics" in say("watch", "handover")[1]


def test_a_note_tells_of_an_operation_that_there_is(say: Any, deployment: Deployment) -> None:  # noqa: F811
    directory = deployment.paths.operation("0002-rollback")
    directory.mkdir(parents=True)
    journal = Journal(directory, SystemClock())
    journal.write("planned", operation_kind="rollback", release_from="v2", release_to="v1", steps=[])
    code, out, _ = say("note", "--operation", "2", "THR", "fell")
    assert code == 0 and "on 0002-rollback" in out
    last = list(read_lines(deployment.paths.events))[-1]
    assert last["data"] == {"text": "THR fell", "operation": "0002-rollback"}
    code, _, err = say("note", "--operation", "9", "text")
    assert code == 2 and "there is no operation 9" in err
    assert list(read_lines(deployment.paths.events))[-1] == last


@pytest.mark.usefixtures("cut_over")
def test_what_is_shown_of_a_gate_names_what_is_to_be_typed(say: Any) -> None:  # noqa: F811
    out = say("gate", "show", "hour-1")[1]
    assert "errors below 0.1 [errors_below_0_1]: " in out
