"""The systemd backend against a real systemd: each way in which a start or a stop is not what it seems."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from a_systemd import Machine

ASK = Path(__file__).with_name("ask.py")
SINCE = Path(__file__).with_name("since.py")
UNITS = {
    "good": "ExecStart=/bin/sh -c 'echo ready; echo second; exec sleep 1000'",
    "talks": "ExecStart=/bin/sh -c 'for n in 1 2 3 4 5 6 7; do echo line $n; done; exec sleep 1000'",
    "family": "ExecStart=/bin/sh -c 'setsid sleep 1000 & setsid sleep 1000 & exec sleep 1000'",
    "deaf": "ExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 0.1; done'\nTimeoutStopSec=60",
    "deaf-short": "ExecStart=/bin/sh -c 'trap : TERM; while :; do sleep 0.1; done'\nTimeoutStopSec=300ms",
    "dies": "ExecStart=/bin/sh -c 'sleep 0.3; echo I cannot go on; exit 3'",
    "again": "ExecStart=/bin/sh -c 'sleep 0.2; exit 3'\nRestart=always\nRestartSec=50ms",
    "crashed-once": "ExecStart=/bin/sh -c 'test -e /run/once && exec sleep 1000; sleep 0.8; touch /run/once; exit 1'\n"
    "Restart=on-failure\nRestartSec=50ms",
    "limited": "ExecStart=/bin/false\nRestart=always\nRestartSec=1ms",
    "often": "ExecStart=/bin/sleep 1000",
    "keeper": "ExecStart=/bin/sleep 1000",
    "masked": "ExecStart=/bin/sleep 1000",
    "not-now": "ExecCondition=/bin/false\nExecStart=/bin/sleep 1000",
    "no-program": "ExecStart=/nowhere/program",
    "no-user": "User=nobody-of-this-name\nExecStart=/bin/sleep 1000",
    "leaves": "KillMode=process\nExecStart=/bin/sh -c 'setsid sleep 1000 & exec sleep 1000'",
    "slow": "ExecStartPre=/bin/sh -c 'until test -e /run/go; do sleep 0.05; done'\nExecStart=/bin/sleep 1000",
    "never-ready": "Type=notify\nTimeoutStartSec=infinity\nExecStart=/bin/sleep 1000",
    "once": "Type=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true",
    "needy": "ExecStart=/bin/sleep 1000",
}


@pytest.fixture(scope="module")
def machine(new_machine: Machine) -> Machine:
    for name, lines in UNITS.items():
        unit = "[Unit]\nStartLimitIntervalSec=0\n"
        if name in ("limited", "often"):
            unit = "[Unit]\nStartLimitIntervalSec=1h\nStartLimitBurst=2\n"
        if name == "keeper":
            unit += "After=often.service\n"
        if name == "needy":
            unit += "Requires=no-program-first.service\nAfter=no-program-first.service\n"
        new_machine.write(f"/etc/systemd/system/{name}.service", f"{unit}[Service]\n{lines}\n")
    first = "[Service]\nType=oneshot\nExecStart=/bin/false\n"
    new_machine.write("/etc/systemd/system/no-program-first.service", first)
    (new_machine.install / "etc/systemd/system/masked.service").unlink()
    (new_machine.install / "etc/systemd/system/masked.service").symlink_to("/dev/null")
    new_machine.write("/etc/sysusers.d/people.conf", "u olive - -\n")
    new_machine.up()
    return new_machine


class Asked:
    """One unit, asked through the backend in a process inside the machine."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.machine = machine
        self.unit = f"{name}.service"

    def __call__(self, action: str, user: str = "", **spec: object) -> Any:
        words = (sys.executable, "-P", str(ASK), action, self.unit, json.dumps(spec))
        return json.loads(self.machine.must(*words, user=user))

    def since(self, place: int, user: str = "") -> Any:
        return json.loads(self.machine.must(sys.executable, "-P", str(SINCE), self.unit, str(place), user=user))

    def shown(self, name: str) -> str:
        return self.machine.must("systemctl", "show", "--value", "-p", name, self.unit).strip()


@pytest.fixture
def asked(machine: Machine, request: pytest.FixtureRequest) -> Iterator[Asked]:
    """The unit that the test's parameter names; stopped at the end, whatever it did."""
    one = Asked(machine, request.param)
    yield one
    machine.run("systemctl", "kill", "--signal=KILL", one.unit)
    machine.run("systemctl", "stop", one.unit)
    machine.run("systemctl", "reset-failed", one.unit)


def unit(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("asked", [name], indirect=True)


@unit("good")
def test_it_starts_is_found_running_prints_and_stops(asked: Asked) -> None:
    assert asked("status")["state"] == "STOPPED"
    started = asked("start")
    assert (started["state"], started["supervised"], started["restarts"]) == ("RUNNING", True, [])
    assert started["identity"]["pid"] == int(asked.shown("MainPID"))
    assert started["since"]
    assert asked("start")["identity"] == started["identity"], "started twice it is the same process"
    assert asked("lines") == ["ready", "second"]
    stopped = asked("stop")
    assert (stopped["stopped"], stopped["killed"], stopped["left"]) == (True, False, [])
    assert asked("status") == {**asked("status"), "state": "STOPPED", "identity": None, "supervised": False}
    again = asked("stop")
    assert again["stopped"] and not again["killed"]


@unit("talks")
def test_what_it_prints_is_read_once_and_in_its_order(asked: Asked) -> None:
    place = asked.since(0)["now"]
    asked("start")
    until, lines = time.monotonic() + 20, []
    while len(lines) < 7:
        found = asked.since(place)
        lines, place = lines + found["lines"], found["place"]
        assert time.monotonic() < until
    assert lines[:7] == [f"line {number}" for number in range(1, 8)]
    assert not any(line in lines for line in asked.since(place)["lines"]), "no line a second time"


@unit("good")
def test_an_account_that_cannot_read_the_journal_does_not_take_silence_for_no_errors(asked: Asked) -> None:
    told = asked.since(0, user="olive")
    assert "cannot be read" in told["error"] or "sees only its own entries" in told["error"]


@unit("family")
def test_whatever_it_forks_away_belongs_to_it(asked: Asked) -> None:
    main = asked("start")["identity"]["pid"]
    members = asked("members")
    assert members[0] == main and len(members) == 3
    assert asked("stop")["stopped"]
    assert asked.machine.run("pgrep", "-x", "sleep").stdout == ""


@unit("deaf")
def test_one_that_will_not_stop_is_killed_at_our_deadline_not_at_systemds(asked: Asked) -> None:
    asked("start")
    stopped = asked("stop", stop_deadline=0.5)
    assert (stopped["stopped"], stopped["killed"]) == (True, True)
    assert stopped["seconds"] < 30, "systemd would have waited for 60 s"
    assert asked("status")["state"] == "STOPPED"


@unit("deaf-short")
def test_a_stop_that_ended_in_sigkill_says_so_although_systemctl_is_content(asked: Asked) -> None:
    asked("start")
    stopped = asked("stop")
    assert (stopped["stopped"], stopped["killed"]) == (True, True)


@unit("dies")
def test_one_that_dies_a_moment_after_its_start_was_not_started(asked: Asked) -> None:
    assert asked.machine.run("systemctl", "start", asked.unit).returncode == 0, "systemctl is content"
    asked.machine.must("systemctl", "stop", asked.unit)
    told = asked("start")
    assert told["error"] == "OpsError"
    assert "dies cannot be started: it ended by itself (exit code 3)" in told["what"]
    assert "its last words: I cannot go on" in told["what"]
    status = asked("status")
    assert (status["state"], status["reason"]) == ("FAILED", "it ended by itself (exit code 3)")


@unit("again")
def test_one_that_systemd_starts_again_and_again_was_not_started_either(asked: Asked) -> None:
    told = asked("start")
    assert "cannot be started" in told["what"]
    assert "systemd starts it again" in told["what"] or "systemd started it again" in told["what"]
    status = asked("status")
    assert status["supervised"], "until it is stopped it comes back: nothing else may start"
    assert len(status["restarts"]) >= 1
    assert asked("stop")["stopped"]
    assert asked("status")["state"] == "STOPPED"


@unit("crashed-once")
def test_its_restarts_are_told_with_their_times(asked: Asked) -> None:
    first = asked("start")["identity"]
    until = time.monotonic() + 20
    while not (now := asked("status"))["restarts"] or now["state"] != "RUNNING":
        assert time.monotonic() < until
    assert now["identity"] != first
    assert len(now["restarts"]) == 1
    apart = datetime.fromisoformat(now["since"]) - datetime.fromisoformat(now["restarts"][0])
    assert abs(apart.total_seconds()) < 2, "the process that runs is that restart"


@unit("limited")
def test_one_that_failed_too_often_for_systemd_can_still_be_asked_to_start(asked: Asked) -> None:
    asked.machine.run("systemctl", "start", asked.unit)
    until = time.monotonic() + 20
    while asked.shown("ActiveState") != "failed":
        assert time.monotonic() < until
    assert asked("status")["state"] == "FAILED"
    assert asked.machine.run("systemctl", "start", asked.unit).returncode != 0, "systemctl is refused"
    before = asked.shown("InvocationID")
    assert "exit code 1" in asked("start")["what"]
    assert asked.shown("InvocationID") != before, "it was tried once more"


@unit("often")
def test_starts_that_people_asked_for_are_never_too_many(asked: Asked) -> None:
    asked.machine.must("systemctl", "start", "keeper.service")  # else systemd forgets the unit between two starts
    for _ in range(4):
        assert asked("start")["state"] == "RUNNING"
        assert asked("stop")["stopped"]


@unit("unheard-of")
def test_an_unknown_unit_is_named(asked: Asked) -> None:
    status = asked("status")
    assert (status["state"], status["reason"]) == ("FAILED", "systemd knows no unit unheard-of.service")
    told = asked("start")
    assert told["error"] == "Refused"
    assert "systemd knows no unit unheard-of.service" in told["what"] and "daemon-reload" in told["fix"]
    assert asked("stop")["stopped"], "nothing of it runs, and that is sure"


@unit("masked")
def test_a_masked_unit_is_named(asked: Asked) -> None:
    assert "is masked" in asked("status")["reason"]
    told = asked("start")
    assert "is masked" in told["what"] and "systemctl unmask masked.service" in told["fix"]


@unit("not-now")
def test_a_start_that_its_condition_prevents_is_no_start(asked: Asked) -> None:
    assert asked.machine.run("systemctl", "start", asked.unit).returncode == 0, "systemctl is content"
    told = asked("start")["what"]
    assert "systemd left it down, for a condition" in told and "exec-condition" in told


@pytest.mark.parametrize(
    ("asked", "words"),
    [("no-program", "its program cannot be run"), ("no-user", "its User does not exist")],
    indirect=["asked"],
)
def test_what_systemd_could_not_set_up_is_said_in_words(asked: Asked, words: str) -> None:
    assert words in asked("start")["what"]


@unit("needy")
def test_a_start_that_systemd_drops_for_another_units_sake_is_said(asked: Asked) -> None:
    told = asked("start")["what"]
    assert "systemd left it down" in told and "Dependency failed" in told


@unit("leaves")
def test_processes_that_systemd_was_told_to_spare_are_found_and_ended(asked: Asked) -> None:
    asked("start")
    asked.machine.must("systemctl", "stop", asked.unit)
    assert asked.shown("ActiveState") == "inactive"
    status = asked("status")
    assert status["state"] == "UNSURE"
    assert "processes of it are there" in status["reason"] and "sleep 1000" in status["reason"]
    assert "abaco-ops service stop v1" in asked("start")["fix"], "nothing is started beside them"
    assert asked("stop")["stopped"]
    assert asked("status")["state"] == "STOPPED"


@unit("good")
def test_one_that_was_started_beside_systemd_is_not_started_a_second_time(asked: Asked) -> None:
    mark = f"ABACO_OPS_SERVICE=/srv|{asked.unit}"
    asked.machine.must("sh", "-c", f"setsid -f env '{mark}' sleep 1000 >/dev/null 2>&1")
    assert asked("status")["state"] == "UNSURE"
    assert "processes of it are there" in asked("start")["what"]
    assert asked("stop")["stopped"]
    assert asked("start")["state"] == "RUNNING"


@unit("slow")
def test_one_that_takes_its_time_is_waited_for(asked: Asked) -> None:
    asked.machine.must("systemctl", "start", "--no-block", asked.unit)
    status = asked("status")
    assert (status["state"], status["reason"]) == ("UNSURE", "it is being started")
    asked.machine.must("sh", "-c", "(sleep 0.5; touch /run/go) >/dev/null 2>&1 &")
    assert asked("start")["state"] == "RUNNING"


@unit("never-ready")
def test_one_that_never_comes_up_is_given_up_at_the_deadline(asked: Asked) -> None:
    told = asked("start", up_within=0.5, stop_deadline=0.5)
    assert "systemd says activating/start, and it does not come up" in told["what"]
    assert asked("stop")["stopped"]


@unit("once")
def test_a_unit_without_a_process_cannot_be_watched_and_that_is_said(asked: Asked) -> None:
    asked.machine.must("systemctl", "start", asked.unit)
    status = asked("status")
    assert status["state"] == "UNSURE" and "has no main process" in status["reason"]


@unit("good")
def test_who_may_not_is_told_who_may(asked: Asked) -> None:
    told = asked("start", user="olive")
    assert told["error"] == "CallRefused"
    assert "this account may not start good.service" in told["what"] and "polkit rule" in told["fix"]
    asked("start")
    stopped = asked("stop", user="olive")
    assert not stopped["stopped"]
    assert "this account may not stop good.service" in stopped["left"][0]
    assert asked("status", user="olive")["state"] == "RUNNING", "looking is free"


@unit("good")
def test_a_call_that_hangs_is_given_up_and_said(asked: Asked) -> None:
    asked("start")
    os.kill(asked.machine.pid, signal.SIGSTOP)
    try:
        status = asked("status", call_deadline=0.3)
        assert status["state"] == "UNSURE"
        assert "systemctl show has not answered for 0.3 s" in status["reason"]
        assert asked("start", call_deadline=0.3)["error"] == "CallHung"
        assert "has not answered" in asked("stop", call_deadline=0.3)["left"][0]
    finally:
        os.kill(asked.machine.pid, signal.SIGCONT)
    assert asked("status")["state"] == "RUNNING"


def test_without_systemd_that_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from engine.services import systemd_calls
    from engine.services.systemd import SystemdService, UnitSpec

    monkeypatch.setattr(systemd_calls, "BOOTED", tmp_path / "run/systemd/system")
    service = SystemdService(UnitSpec("x", "x.service", "v1", "b1", "no|mark", 1.0, 0.1))
    status = service.status()
    assert status.state == "UNSURE" and "systemd does not run this machine" in status.reason
    with pytest.raises(systemd_calls.NoSystemd, match="does not run this machine"):
        service.start()
    assert "does not run this machine" in service.stop().left[0]


@unit("good")
def test_who_may_not_start_and_end_it_is_told_beforehand_and_nothing_happens(asked: Asked) -> None:
    assert asked("refusal") == "", "root may"
    before = asked.shown("StateChangeTimestampMonotonic")
    refused = asked("refusal", user="olive")
    assert "this account may not stop good.service" in refused and refused.endswith("; root may")
    assert asked.shown("StateChangeTimestampMonotonic") == before
    started = asked("start")
    assert asked("refusal") == ""
    assert "this account may not start good.service" in asked("refusal", user="olive")
    assert asked("status")["identity"] == started["identity"]
