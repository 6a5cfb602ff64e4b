"""ack, silence, update, notify and doctor on the command line: what they write, refuse, and say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from engine.cli.frame import main
from engine.config import Deployment
from engine.monitoring.board import read_board
from engine.records import read_lines
from engine.state import StateReader
from engine.state.alert_views import AlertView


@pytest.fixture
def say(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> Any:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["--root", str(deployment.root), *words], lambda *_: 99)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def newest(deployment: Deployment, kind: str) -> dict[str, Any]:
    return [event["data"] for event in read_lines(deployment.paths.events) if event["kind"] == kind][-1]


def with_channel(deployment: Deployment, **channel: Any) -> None:
    path = deployment.paths.config / "monitoring.yml"
    plain = yaml.safe_load(path.read_text())
    plain["notify"]["channels"]["hook"] = channel
    path.write_text(yaml.safe_dump(plain, sort_keys=False))


@pytest.mark.parametrize(
    ("asked", "said"),
    [("24.0001h", "up to 1d00h, 0.4 s less than asked for"), ("0s", "up to 1d00h, and more than 0 s")],
)
def test_a_silence_that_is_refused_says_by_how_much(say: Any, asked: str, said: str) -> None:
    code, _, err = say("silence", "MEM", "--for", asked, "--reason", "r")
    assert code == 2
    assert said in err


def test_an_acknowledgement_names_owner_reason_and_end(say: Any, deployment: Deployment) -> None:
    code, out, _ = say("ack", "mem", "--reason", "heap dump", "--owner", "K. Lee", "--for", "2h")
    assert code == 0
    assert "until" in out and "owner K. Lee" in out
    found = newest(deployment, "ack")
    assert (found["condition"], found["owner"], found["reason"]) == ("MEM", "K. Lee", "heap dump")
    assert found["until"].endswith("Z")


def test_all_open_alerts_are_taken_with_one_reason(
    say: Any, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = datetime(2026, 1, 31, 9, tzinfo=UTC)
    alerts = (
        AlertView("CRASH", "C", "3 restarts", at, None),
        AlertView("LAT", "W", "700 ms", at, "K. Lee"),
        AlertView("RUN", "C", "failing", at, None),
    )
    read = StateReader.read
    monkeypatch.setattr(StateReader, "read", lambda self: msgspec.structs.replace(read(self), alerts=alerts))
    assert say("ack", "--all")[0] == 2
    code, out, _ = say("ack", "--all", "--reason", "looking at the crash")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["CRASH", "RUN"]
    taken = [e["data"]["condition"] for e in read_lines(deployment.paths.events) if e["kind"] == "ack"]
    assert taken == ["CRASH", "RUN"]


def test_with_no_alert_open_there_is_nothing_to_take(say: Any) -> None:
    code, _, error = say("ack", "--all", "--reason", "-")
    assert code == 2
    assert "no open alert" in error


def test_a_silence_is_listed_and_ends_when_told(say: Any, deployment: Deployment) -> None:
    assert say("silence", "mem", "--for", "30m", "--reason", "known")[0] == 0
    assert "MEM silenced until" in say("silence", "--list")[1]
    assert json.loads(say("silence", "--list", "--json")[1])[0]["reason"] == "known"
    assert say("silence", "--end", "mem")[0] == 0
    assert say("silence", "--list")[1] == "nothing is silenced\n"
    assert say("silence", "--end", "mem")[0] == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["MEM", "--for", "30m"], "needs a reason"),
        (["MEM", "--reason", "known"], "ends by itself"),
        (["MEM", "--for", "25h", "--reason", "known"], "lasts up to 1d00h"),
        (["MEMM", "--for", "30m", "--reason", "known"], "no condition"),
    ],
)
def test_a_silence_without_reason_or_end_or_for_too_long_is_refused(
    say: Any, deployment: Deployment, words: list[str], said: str
) -> None:
    code, _, error = say("silence", *words)
    assert code == 2
    assert said in error
    assert not deployment.paths.events.exists()


def test_the_channels_are_tested_one_by_one_and_the_checklist_knows(
    say: Any, deployment: Deployment, clock: Any
) -> None:
    def line() -> Any:
        return next(item for item in read_board(deployment, clock) if item.key == "before/0/channels")

    assert (line().measured_ok, "never tested" in line().measured) == (False, True)
    code, out, _ = say("notify", "test")
    assert code == 0
    assert "log" in out and "ok" in out
    assert "TEST, nothing is wrong" in deployment.paths.notifications_log.read_text()
    assert line().measured_ok is True
    with_channel(deployment, kind="webhook", url="${NOWHERE_SET}")
    code, out, _ = say("notify", "test", "hook")
    assert (code, "FAILED" in out, "NOWHERE_SET is not set" in out) == (1, True, True)
    assert (line().measured_ok, "hook FAILED" in line().measured) == (False, True)
    assert say("notify", "test", "fax")[0] == 2


def test_an_update_is_printed_sent_and_recorded(say: Any, deployment: Deployment) -> None:
    assert "Way back" in say("update")[1]
    assert not deployment.paths.events.exists()
    code, _, error = say("update", "--send")
    assert (code, "updates.channels" in error) == (2, True)
    assert say("update", "--send", "--channel", "log")[0] == 0
    assert newest(deployment, "update.sent") == {"by_hand": False, "channels": ["log"]}
    assert say("update", "--sent")[0] == 0
    assert newest(deployment, "update.sent") == {"by_hand": True, "channels": []}


def test_what_only_looks_is_allowed_to_look(say: Any, deployment: Deployment) -> None:
    for words in (["silence", "--list"], ["notify", "list"], ["update"]):
        assert say("--read-only", *words)[0] == 0
    for words in (
        ["silence", "MEM", "--for", "30m", "--reason", "known"],
        ["notify", "test"],
        ["update", "--sent"],
        ["ack", "MEM"],
    ):
        assert say("--read-only", *words)[0] == 2
    assert not deployment.paths.events.exists()


def test_the_doctor_names_a_variable_that_is_not_set_and_says_when_no_page_leaves_the_machine(
    say: Any, deployment: Deployment, tmp_path: Path
) -> None:
    out = say("doctor")[1]
    assert "the log and the consoles alone" in out
    with_channel(deployment, kind="webhook", url="https://h.example/${NOWHERE_SET}")
    assert "NOWHERE_SET is not set here" in say("doctor")[1]
