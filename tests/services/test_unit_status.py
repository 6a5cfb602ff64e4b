"""What follows from the words of ``systemctl show``, without any systemd."""

from __future__ import annotations

import pytest

from engine.services.control_group import group_of, members
from engine.services.systemd import SystemdService, UnitSpec
from engine.services.systemd_status import Shown, judged, parse, was_killed

RUNNING = "LoadState=loaded\nActiveState=active\nSubState=running\nResult=success\nMainPID=42\nJob="


def shown(text: str) -> Shown:
    return parse(text, "x.service")


def test_what_is_not_told_is_empty() -> None:
    found = shown("MainPID=not a number\nno value at all\n")
    assert (found.main_pid, found.active, found.restarts, found.job) == (0, "", 0, False)
    assert judged(found, False, [])[0] == "UNSURE", "nothing is concluded from nothing"


@pytest.mark.parametrize(
    ("text", "alive", "left", "state", "words"),
    [
        (RUNNING, True, [], "RUNNING", ""),
        (RUNNING, False, [], "UNSURE", "its main process is gone"),
        (RUNNING.replace("MainPID=42", "MainPID=0"), False, [], "UNSURE", "has no main process"),
        ("LoadState=loaded\nActiveState=reloading\nMainPID=42", True, [], "RUNNING", ""),
        ("LoadState=loaded\nActiveState=deactivating\nMainPID=42", True, [], "RUNNING", "it is being stopped"),
        ("LoadState=loaded\nActiveState=deactivating\nMainPID=0", False, ["7 x"], "UNSURE", "it is being stopped"),
        ("LoadState=loaded\nActiveState=activating\nSubState=start", False, [], "UNSURE", "it is being started"),
        ("LoadState=loaded\nActiveState=inactive\nJob=7", False, [], "UNSURE", "it is being started"),
        (
            "LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nResult=exit-code\nExecMainCode=1\n"
            "ExecMainStatus=3",
            False,
            [],
            "FAILED",
            "exit code 3), systemd starts it again",
        ),
        ("LoadState=loaded\nActiveState=inactive", False, [], "STOPPED", ""),
        ("LoadState=loaded\nActiveState=inactive", False, ["7 x"], "UNSURE", "processes of it are there: 7 x"),
        ("LoadState=not-found\nActiveState=inactive", False, [], "FAILED", "systemd knows no unit x.service"),
        ("LoadState=not-found\nActiveState=active\nMainPID=42", True, [], "RUNNING", ""),
        ("LoadState=loaded\nActiveState=failed\nResult=oom-kill", False, [], "FAILED", "no memory left"),
        ("LoadState=loaded\nActiveState=failed\nResult=watchdog", False, [], "FAILED", "watchdog"),
        (
            "LoadState=loaded\nActiveState=failed\nResult=signal\nExecMainCode=2\nExecMainStatus=11",
            False,
            [],
            "FAILED",
            "signal SIGSEGV",
        ),
        ("LoadState=loaded\nActiveState=maintenance", False, [], "UNSURE", "not understood"),
    ],
)
def test_state_and_reason(text: str, alive: bool, left: list[str], state: str, words: str) -> None:
    found = judged(shown(text), alive, left)
    assert found[0] == state
    assert words in found[1] if words else found[1] == ""


@pytest.mark.parametrize(
    ("text", "killed"),
    [
        ("Result=success\nExecMainCode=1\nExecMainStatus=0", False),
        ("Result=timeout\nExecMainCode=2\nExecMainStatus=9", True),
        ("Result=signal\nExecMainCode=2\nExecMainStatus=9", True),
        ("Result=signal\nExecMainCode=2\nExecMainStatus=15", False),
        ("Result=exit-code\nExecMainCode=1\nExecMainStatus=9", False),
    ],
)
def test_whether_a_stop_ended_in_sigkill(text: str, killed: bool) -> None:
    assert was_killed(shown(text)) is killed


def test_where_processes_of_a_unit_that_is_down_would_be() -> None:
    assert group_of("system.slice", "x.service") == "/system.slice/x.service"
    assert group_of("system-abaco.slice", "x@1.service") == "/system.slice/system-abaco.slice/x@1.service"
    assert group_of("-.slice", "x.service") == group_of("", "x.service") == "/x.service"
    assert members("/no/such/group") == members("") == members("/") == []


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        (RUNNING, "start"),
        ("LoadState=loaded\nActiveState=inactive\nSubState=dead", "stop"),
        ("LoadState=loaded\nActiveState=failed\nSubState=failed", "stop"),
        ("LoadState=loaded\nActiveState=activating\nSubState=auto-restart", ""),
        ("LoadState=loaded\nActiveState=deactivating\nSubState=stop-sigterm", ""),
    ],
)
def test_whether_it_may_be_operated_is_asked_with_what_does_nothing(
    monkeypatch: pytest.MonkeyPatch, text: str, asked: str
) -> None:
    calls: list[str] = []

    def systemctl(verb: str, *_: str, deadline: float) -> bytes:
        if verb != "show":
            calls.append(verb)
        return text.encode()

    monkeypatch.setattr("engine.services.systemd.systemctl", systemctl)
    unit = UnitSpec("x", "x.service", "v1", "b1", "/srv|x", 5.0, 0.6)
    assert SystemdService(unit).refusal() == ""
    assert "".join(calls) == asked
