"""What the installed units do by themselves: at boot, when a login ends, when they hang; and what nobody may do."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from a_systemd import Machine
from two_backends import OPERATOR, OWNER, UNITS, UnderSystemd, await_that

from engine.records import FileLock


@pytest.fixture(scope="module")
def lasting(new_machine: Machine) -> Iterator[UnderSystemd]:
    made = UnderSystemd(new_machine)
    made.install()
    new_machine.up()
    made.make()
    yield made


@pytest.fixture
def place(lasting: UnderSystemd) -> UnderSystemd:
    """V1 live, nothing unfinished."""
    lasting.as_it_was()
    if lasting.states()["v1"] != "RUNNING":
        lasting.on("rollback", "--yes", "--reason", "tidy")
        lasting.assert_on("v1")
    return lasting


def up(place: UnderSystemd, unit: str) -> bool:
    return place.machine.run("systemctl", "is-active", unit).stdout.strip() == "active"


def booted(place: UnderSystemd) -> tuple[bool, bool]:
    """Whether V1 and V2 run after a reboot, once nothing is being started any more."""
    place.reboot()
    await_that(lambda: not place.machine.must("systemctl", "list-jobs", "--no-legend").strip())
    return up(place, "abaco-v1.service"), up(place, "abaco-v2.service")


def test_the_unit_files_are_sound(place: UnderSystemd) -> None:
    names = [unit.replace("@.", "@0001-cutover.1.") for unit in UNITS]
    ended = place.machine.run("systemd-analyze", "verify", "--man=no", *names)
    assert (ended.returncode, ended.stderr) == (0, "")


def test_after_a_reboot_only_what_is_live_starts_and_in_the_middle_of_a_rollback_nothing(place: UnderSystemd) -> None:
    assert booted(place) == (True, False)
    metrics = place.metrics()
    assert place.operate("cutover")["state"] == "SUCCEEDED"
    assert booted(place) == (False, True)
    assert up(place, "abaco-ops-monitor.service")
    assert place.states() == {"v1": "STOPPED", "v2": "RUNNING"}
    name = place.kill_worker_at("rollback", "restore_metrics")
    assert booted(place) == (False, False), "a person decides first"
    journal = place.machine.must("journalctl", "-b", "-o", "cat", "_SYSTEMD_UNIT=abaco-v1.service")
    assert f"v1 does not start: {name} stopped half-way (INTERRUPTED)" in journal
    place.machine.run("systemctl", "start", "abaco-v1.service")
    assert not up(place, "abaco-v1.service")
    again = place.on("resume", name)
    assert again.returncode == 0, again.stdout + again.stderr
    place.assert_back(metrics)
    assert booted(place) == (True, False)


def test_by_hand_too_only_the_active_release_starts(place: UnderSystemd) -> None:
    place.machine.run("systemctl", "start", "abaco-v2.service")
    assert not up(place, "abaco-v2.service")
    assert place.on("service", "may-start", "v1").returncode == 0
    refused = place.on("service", "may-start", "v2")
    assert refused.returncode == 1
    assert refused.stdout == "v2 does not start: the active configuration is that of v1, this is v2\n"


def test_an_operation_outlives_the_login_that_asked_for_it(place: UnderSystemd) -> None:
    """Its scope is stopped: what logind does at the end of a session with KillUserProcesses=yes."""
    words = place.machine.enter("olive")
    at = words.index("setpriv")
    scope = ["/usr/bin/systemd-run", "--scope", "--quiet", "--unit=session-of-olive", "--"]
    command = ["abaco-ops", "--root", "/srv/abaco", "cutover", "--yes", "--reason", "test"]
    operations = place.root / ".rollback/operations"
    before = set(operations.glob("[0-9]*"))
    login = subprocess.Popen(
        [*words[:at], *scope, *words[at:], *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    with login:
        assert login.stdout is not None
        assert b"ACCEPTED" in login.stdout.readline()
        place.machine.must("systemctl", "stop", "session-of-olive.scope")
        assert login.wait(20) != 0, "the command itself was ended"
    (operation,) = set(operations.glob("[0-9]*")) - before
    await_that(lambda: b'"kind":"ended"' in (operation / "journal.jsonl").read_bytes())
    done = place.history(operation.name)
    assert done["state"] == "SUCCEEDED", done
    assert done["actor"].startswith("olive")
    place.assert_on("v2")


def test_the_way_back_without_python(place: UnderSystemd) -> None:
    metrics = place.metrics()
    place.with_a_stray("v2")
    assert place.operate("cutover")["state"] == "SUCCEEDED"
    back = place.shell(".rollback/RETURN.sh", "--yes", "--reason", "test")
    assert back.returncode == 0, back.stdout + back.stderr
    assert "no process is left" in back.stdout
    assert not place.stray_runs()
    place.assert_back(metrics)
    assert place.service("status", "v1")["identity"]
    again = place.shell(".rollback/RETURN.sh", "--yes")
    assert again.returncode == 2 and "nothing to go back from: v1 is live" in again.stderr + again.stdout


def test_a_monitor_that_hangs_is_replaced_by_its_watchdog(place: UnderSystemd) -> None:
    def pid() -> int:
        return int(place.machine.must("systemctl", "show", "--value", "-p", "MainPID", "abaco-ops-monitor.service"))

    await_that(lambda: up(place, "abaco-ops-monitor.service"))
    first = pid()
    place.signal(first, signal.SIGSTOP)
    await_that(lambda: up(place, "abaco-ops-monitor.service") and pid() not in (0, first))


def test_an_operator_may_start_and_stop_these_units_and_nothing_else(place: UnderSystemd) -> None:
    def refused(*words: str, user: str = "olive") -> bool:
        ended = place.machine.run("systemctl", "--no-ask-password", *words, user=user)
        return ended.returncode != 0 and "nteractive authentication required" in ended.stderr

    assert refused("stop", "dbus.service")
    assert refused("restart", "polkit.service")
    assert refused("stop", "abaco-v1.service", user="stranger")
    assert refused("start", "abaco-ops-operation@0001-cutover.1.service", user="stranger")
    assert refused("start", "abaco-ops-operation@..service")
    assert refused("stop", "abaco-ops-operation@0001-cutover.1.service"), "an operation is ended by a request"
    assert refused("mask", "abaco-v1.service") or refused("disable", "abaco-v1.service")
    transient = place.machine.run("systemd-run", "--no-ask-password", "--quiet", "id", user="olive")
    assert transient.returncode != 0, "a transient unit would run anything as root"
    assert not refused("stop", "abaco-v1.service")
    assert not refused("start", "abaco-v1.service")
    assert up(place, "abaco-v1.service")


def test_a_new_release_whose_unit_cannot_start_is_found_before_anything_is_touched(place: UnderSystemd) -> None:
    place.machine.must("systemctl", "mask", "--runtime", "abaco-v2.service")
    place.machine.must(
        "rm", "/etc/systemd/system/abaco-v2.service"
    )  # what stands there hides a mask that is not for good
    place.machine.must("systemctl", "daemon-reload")
    running = place.service("status", "v1")["identity"]
    try:
        done = place.operate("cutover")
        assert (done["state"], done["exit"]) == ("ABORTED", 3), done
        (failed,) = [step for step in done["steps"] if step["state"] == "failed"]
        assert failed["name"] == "check_services"
        assert "v2 could not be started: abaco-v2.service is masked" in failed["detail"]
    finally:
        place.machine.must("systemctl", "unmask", "--runtime", "abaco-v2.service")
        unit = (place.machine.install / "etc/systemd/system/abaco-v2.service").read_text()
        place.machine.must("sh", "-c", 'printf %s "$1" >/etc/systemd/system/abaco-v2.service', "sh", unit)
        place.machine.must("systemctl", "daemon-reload")
    assert place.service("status", "v1")["identity"] == running, "it was not even stopped"


def test_an_operation_that_nobody_asked_for_changes_nothing(place: UnderSystemd) -> None:
    before = sorted((place.root / ".rollback/operations").iterdir())
    place.machine.must("systemctl", "start", "abaco-ops-operation@9999-rollback.1.service", user="olive")
    match = "_SYSTEMD_UNIT=abaco-ops-operation@9999-rollback.1.service"
    told = await_that(lambda: place.machine.must("journalctl", "-b", "-o", "cat", match))
    assert "start-1.json cannot be read" in told
    assert sorted((place.root / ".rollback/operations").iterdir()) == before


def test_who_may_not_ask_is_told_so_and_nothing_has_happened(place: UnderSystemd) -> None:
    place.machine.must("mv", "/etc/polkit-1/rules.d/50-abaco-ops.rules", "/etc/rule")
    place.machine.must("systemctl", "restart", "polkit.service")
    try:
        refused = place.on("cutover", "--yes", "--reason", "test")
        assert refused.returncode == 2
        assert "this account may not start abaco-ops-operation@" in refused.stderr
        assert "polkit rule" in refused.stderr
        rehearsed = place.on("rehearse")
        assert rehearsed.returncode == 2
        assert "install the polkit rule of this version" in rehearsed.stderr
        assert f"sudo -u {OWNER} abaco-ops rehearse" in rehearsed.stderr
    finally:
        place.machine.must("mv", "/etc/rule", "/etc/polkit-1/rules.d/50-abaco-ops.rules")
        place.machine.must("systemctl", "restart", "polkit.service")
    place.assert_on("v1")
    planned = place.on("cutover", "--dry-run")
    assert planned.returncode == 0, f"what was asked for in vain stands in nobody's way: {planned.stdout}"


@contextmanager
def rule_without(place: UnderSystemd, unit: str) -> Iterator[None]:
    """As after an installation of a rule that does not name this unit."""
    rule = "/etc/polkit-1/rules.d/50-abaco-ops.rules"
    place.machine.must("cp", rule, "/etc/rule")
    place.machine.must("sed", "-i", f's/"{unit}"/"another.service"/', rule)
    place.machine.must("systemctl", "restart", "polkit.service")
    try:
        yield
    finally:
        place.machine.must("mv", "/etc/rule", rule)
        place.machine.must("systemctl", "restart", "polkit.service")


def test_where_the_new_release_may_not_be_started_nothing_is_stopped(place: UnderSystemd) -> None:
    running = place.service("status", "v1")["identity"]
    with rule_without(place, "abaco-v2.service"):
        done = place.operate("cutover")
    assert (done["state"], done["exit"]) == ("ABORTED", 3), done
    (failed,) = [step for step in done["steps"] if step["state"] == "failed"]
    assert failed["name"] == "check_services"
    assert "v2 could not be started and ended: this account may not stop abaco-v2.service" in failed["detail"]
    assert place.service("status", "v1")["identity"] == running


def test_where_the_old_release_may_not_be_started_the_new_one_is_not_stopped(place: UnderSystemd) -> None:
    assert place.operate("cutover")["state"] == "SUCCEEDED"
    running = place.service("status", "v2")["identity"]
    with rule_without(place, "abaco-v1.service"):
        told = place.on("rehearse")
        assert told.returncode == 1
        assert "v1 could not be started and ended: this account may not stop abaco-v1.service" in told.stdout
        done = place.operate("rollback")
        assert done["exit"] in (3, 4), done
        (failed,) = [step for step in done["steps"] if step["state"] == "failed"]
        assert failed["name"] == "choose_snapshot"
        assert "v1 could not be started: this account may not stop abaco-v1.service" in failed["detail"]
        assert place.service("status", "v2")["identity"] == running
    assert place.operate("rollback")["state"] == "SUCCEEDED", "the same command, once the rule is right"
    place.assert_on("v1")


def script(place: UnderSystemd, user: str) -> subprocess.CompletedProcess[str]:
    return place.machine.run("sh", "/srv/abaco/.rollback/RETURN.sh", "--dry-run", user=user)


def rehearsals(place: UnderSystemd) -> list[dict[str, str]]:
    events = map(json.loads, (place.root / "logs/events.jsonl").read_text().splitlines())
    return [event for event in events if event["kind"] == "rollback.rehearsed"]


def test_an_operator_rehearses_without_a_password_and_stands_in_the_audit_trail(place: UnderSystemd) -> None:
    before, asked = len(rehearsals(place)), place.root / ".rollback/rehearse"
    there = set(asked.iterdir()) if asked.exists() else set()
    told = place.on("rehearse")
    assert told.returncode == 0, told.stdout + told.stderr
    assert "  ok  " in told.stdout and "READY: back on v1" in told.stdout
    (event,) = rehearsals(place)[before:]
    assert event["actor"].startswith(f"{OPERATOR}@")
    answer = json.loads(place.on("rehearse", "--json").stdout)
    assert answer["ok"] and answer["parts"]
    assert set(asked.iterdir()) == there, "what was asked and answered is fetched and gone"


def test_what_stops_a_rehearsal_is_told_to_who_asked(place: UnderSystemd) -> None:
    with FileLock(place.root / ".rollback/rehearsal.lock") as lock:
        assert lock.acquire()
        told = place.on("rehearse")
    assert told.returncode == 5
    assert "a rehearsal is running already" in told.stderr


def test_nobody_outside_of_the_group_starts_one(place: UnderSystemd) -> None:
    unit = "abaco-ops-operation@rehearse.1.service"
    assert place.machine.run("systemctl", "start", unit, user="stranger").returncode != 0
    for other in ("abaco-ops-operation@rehearse-1.service", "abaco-ops-operation@xrehearse.1.service"):
        assert place.machine.run("systemctl", "start", other, user=OPERATOR).returncode != 0


def test_the_way_back_without_python_says_whose_account_it_needs(place: UnderSystemd) -> None:
    if not (place.root / ".rollback/RETURN.sh").exists():
        assert place.operate("cutover")["state"] == "SUCCEEDED"
    refused = script(place, OPERATOR)
    assert refused.returncode == 2
    assert f"/srv/abaco/config cannot be written to by {OPERATOR}" in refused.stderr
    assert f"sudo -u {OWNER} sh /srv/abaco/.rollback/RETURN.sh" in refused.stderr
    assert "cannot be written to" not in script(place, OWNER).stderr
    assert f"{OPERATOR} operates; config/ is edited, and .rollback/RETURN.sh run, by {OWNER} or root" in (
        place.on("doctor").stdout
    )


def test_a_unit_that_hands_over_no_build_is_found_by_the_doctor_and_stops_a_cutover_early(place: UnderSystemd) -> None:
    def builds() -> dict[str, str]:
        found = json.loads(place.on("doctor", "--json").stdout)
        return next(one for one in found if one["name"] == "builds")

    assert builds()["status"] == "ok"
    drop_in, runs = "/etc/systemd/system/abaco-v2.service.d/own.conf", place.root / "logs/runs.jsonl"
    text = "[Service]\nExecStart=\nExecStart=/usr/bin/sleep infinity\n"
    place.machine.must("sh", "-c", f'printf %s "$1" >{drop_in}', "sh", text)
    place.machine.must("systemctl", "daemon-reload")
    runs.rename(runs.with_suffix(".old"))  # those of V2 have named their builds
    found = builds()
    assert (found["status"], found["what"].partition(":")[0]) == ("WARN", "no ABACO_OPS_BUILD from abaco-v2.service")
    assert found["fix"].startswith("as root: in abaco-v2.service: ExecStart=/usr/bin/abaco-ops service exec v2")
    stopped = place.operate("cutover")
    assert stopped["exit"] == 3
    assert "WARN in build, which was not accepted" in json.dumps(stopped)
    place.assert_on("v1")
    place.machine.must("rm", drop_in)
    place.machine.must("systemctl", "daemon-reload")
    assert builds()["status"] == "ok"


def test_the_doctor_finds_what_would_start_wrongly_at_boot(place: UnderSystemd) -> None:
    def says(name: str) -> dict[str, str]:
        found = json.loads(place.on("doctor", "--json").stdout)
        return next(item for item in found if item["name"] == name)

    assert says("at boot")["status"] == "ok"
    drop_in = "/etc/systemd/system/abaco-v2.service.d/blind.conf"
    place.machine.must("sh", "-c", f"printf '[Service]\\nExecCondition=\\n' >{drop_in}")
    assert "systemctl daemon-reload" in says("unit abaco-v2.service")["fix"]
    place.machine.must("systemctl", "daemon-reload")
    assert says("at boot")["status"] == "FAIL"
    assert "abaco-v2.service asks nobody" in says("at boot")["what"]
    place.machine.must("rm", drop_in)
    place.machine.must("systemctl", "daemon-reload")
    place.machine.must("systemctl", "disable", "abaco-v2.service")
    assert says("at boot")["status"] == "WARN"
    place.machine.must("systemctl", "enable", "abaco-v2.service")
