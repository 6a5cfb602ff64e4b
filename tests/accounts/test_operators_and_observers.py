"""Two operators without root work on one deployment, each with what the other has made; somebody else only looks."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest
from real_accounts import People
from shared_site import SharedSite

ALICE, BOB, OLGA, SERVICE = People.ALICE, People.BOB, People.OLGA, People.SERVICE


@pytest.mark.parametrize(
    ("first", "second", "umasks"),
    [(ALICE, BOB, ("077", "022")), pytest.param(BOB, ALICE, ("022", "077"), marks=pytest.mark.full)],
)
def test_one_operator_cuts_over_another_goes_back_and_an_observer_sees_both(
    site: SharedSite, first: str, second: str, umasks: tuple[str, str]
) -> None:
    """Nobody may signal another account's processes: the supervisors are asked, and each new one is the asker's."""
    over = site.operate(first, "cutover", umasks[0])
    assert over["state"] == "SUCCEEDED"
    assert site.status(OLGA)["release"] == "v2"
    site.must(second, "note", "seen by another", umask=umasks[1])
    site.must(second, "watch", "take", umask=umasks[1])
    back = site.operate(second, "rollback", umasks[1])
    assert back["state"] == "SUCCEEDED"
    assert site.status(OLGA)["release"] == "v1"
    site.must(first, "note", "and by the first again", umask=umasks[0])
    assert "PASS" in site.must(first, "audit", "verify")
    assert site.not_the_groups() == []
    assert site.files_of(OLGA) == []


@pytest.mark.full
def test_the_way_back_without_python_is_open_to_the_other_operator(site: SharedSite) -> None:
    assert site.operate(ALICE, "cutover", "077")["state"] == "SUCCEEDED"
    script = str(site.root / ".rollback/RETURN.sh")
    back = site.people.run(BOB, "sh", script, "--yes", "--reason", "t", umask="022")
    assert back.returncode == 0, back.stdout + back.stderr
    assert site.status(OLGA)["release"] == "v1"
    site.must(ALICE, "note", "after the script")
    assert "PASS" in site.must(ALICE, "audit", "verify")
    assert site.not_the_groups() == []
    # the script starts it bare: nobody but its account could end it
    barred = site.on(ALICE, "cutover", "--yes", "--reason", "t")
    assert barred.returncode != 0
    told = f"v1 could not be started or ended: it runs without a supervisor: only {BOB} or root can end it"
    assert told in barred.stdout + barred.stderr
    assert "abaco-ops service start v1" in barred.stdout + barred.stderr
    bare = f"without a supervisor: only {BOB} or root can end it, or give it one: abaco-ops service start v1"
    assert f"problem  v1 runs {bare}" in site.must(ALICE, "status")
    assert f"service v1     RUNNING, {bare}" in site.on(ALICE, "doctor").stdout
    site.must(BOB, "service", "start", "v1")
    assert site.operate(ALICE, "cutover", "077")["state"] == "SUCCEEDED"
    assert site.operate(BOB, "rollback", "022")["state"] == "SUCCEEDED"


@pytest.mark.full
def test_another_operators_worker_that_hangs_is_named_and_not_ended(site: SharedSite) -> None:
    begun = json.loads(site.must(ALICE, "cutover", "--yes", "--reason", "t", "--json", "--detach"))["operation"]
    journal = site.journal(begun)
    worker = next(each["pid"] for each in map(json.loads, journal.read_text().splitlines()) if each["kind"] == "worker")
    os.kill(worker, signal.SIGSTOP)
    try:
        refused = site.on(BOB, "rollback", "--yes", "--reason", "t")
        assert refused.returncode == 5, refused.stderr
        assert f"(of {ALICE}: as that account, or as root, kill {worker})" in refused.stdout + refused.stderr
        monitor = site.on(BOB, "monitor", "--stop")
        assert monitor.returncode == 4
        assert f"belongs to {SERVICE}, and cannot be ended by you" in monitor.stderr
    finally:
        os.kill(worker, signal.SIGCONT)
    until = time.monotonic() + 60
    while (ended := json.loads(site.must(OLGA, "history", begun, "--json"))["state"]) == "RUNNING":
        assert time.monotonic() < until
    if ended == "INTERRUPTED":
        # it gave way to the rollback at its next step: another operator may put that right
        site.must(BOB, "abort", begun)
    if site.status(OLGA)["release"] != "v1":
        site.operate(BOB, "rollback", "022")


def closed_to_the_group(site: SharedSite, path: str) -> None:
    site.people.root("setfacl", "-b", path)
    site.people.root("chmod", "600", path)


@pytest.mark.parametrize("closed", ["tree/data/metrics", pytest.param("manifest.json", marks=pytest.mark.full)])
def test_a_rollback_stops_at_a_newer_snapshot_that_its_account_cannot_read_and_says_who_can(
    site: SharedSite, closed: str
) -> None:
    """It may be whole: an older one, which this account can read, would leave out what only the newer one holds."""
    assert site.operate(ALICE, "cutover", "077")["state"] == "SUCCEEDED"
    newest = json.loads(site.must(BOB, "snapshots", "--json"))[-1]["id"]
    snapshot = site.root / ".rollback/snapshots" / newest
    path = site.people.root("find", str(snapshot / closed), "-type", "f").splitlines()[0]
    closed_to_the_group(site, path)
    try:
        for words in (("rollback", "--yes", "--reason", "t"), ("rehearse",)):
            refused = site.on(BOB, *words)
            said = refused.stdout + refused.stderr
            assert refused.returncode != 0, said
            assert f"cannot be read by {BOB}: {path}" in said
            assert f"roll back as {ALICE} or as root" in said
            assert f"as root: abaco-ops init {site.root} --share {site.group}" in said
        script = site.people.run(BOB, "sh", str(site.root / ".rollback/RETURN.sh"), "--yes", "--reason", "t")
        assert f"snapshot {newest} cannot be read by {BOB}: " in script.stdout + script.stderr
        assert f"Run this as {ALICE} or as root" in script.stdout + script.stderr
        assert site.status(OLGA)["release"] == "v2", "nothing older was restored"
        assert "DAMAGED" not in site.on(BOB, "snapshots", "verify").stdout
        site.must("root", "init", str(site.root), "--share", site.group)
        assert site.operate(BOB, "rollback", "077")["state"] == "SUCCEEDED"
    finally:
        site.people.root("chmod", "660", path)
        if site.status(ALICE)["release"] != "v1":
            site.operate(ALICE, "rollback", "077")


def test_the_doctor_finds_nothing_wrong_with_the_accounts(site: SharedSite) -> None:
    for account, line in ((ALICE, "ok    group"), (OLGA, "ok    account        olga has no right to write")):
        told = site.on(account, "doctor").stdout
        assert line in told
        assert "FAIL" not in told


def test_what_is_not_the_groups_is_found_and_mended_by_the_command_that_the_doctor_gives(site: SharedSite) -> None:
    odd = site.root / "logs/odd"
    site.people.root("install", "-m", "600", "-o", "root", "-g", "root", "/dev/null", str(odd))
    told = site.on(BOB, "doctor")
    assert told.returncode == 1
    assert f"FAIL  group          not all files are abaco-ops's to write: {odd} is 0600, group root" in told.stdout
    found = re.search(r"as root: abaco-ops (.*)", told.stdout)
    assert found
    site.must("root", *found[1].split())
    assert site.not_the_groups() == []
    odd.unlink()


def test_an_observer_cannot_write_and_is_told_why(site: SharedSite) -> None:
    before = site.people.root("find", str(site.root / "config"), str(site.root / "logs"), "-name", "*.yml")
    for words in (
        ("note", "hello"),
        ("ack", "LAT", "--reason", "x"),
        ("cutover", "--yes", "--reason", "x"),
        ("rollback", "--yes", "--reason", "x"),
        ("validate",),
        ("service", "stop", "v1"),
        ("monitor", "--restart"),
    ):
        refused = site.on(OLGA, *words)
        assert refused.returncode == 2, (words, refused.stdout, refused.stderr)
        assert "olga has no right to write in" in refused.stderr
        assert "Traceback" not in refused.stderr
    assert site.files_of(OLGA) == []
    assert site.people.root("find", str(site.root / "config"), str(site.root / "logs"), "-name", "*.yml") == before


def test_an_account_without_any_right_is_told_so(site: SharedSite) -> None:
    told = site.on("nobody", "status")
    assert told.returncode == 2
    assert "cannot be looked into by nobody" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize("words", [(), ("wall",)])
def test_an_observers_console_is_read_only_and_says_why(site: SharedSite, words: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "tui.main", "--root", str(site.root), *words]
    enter = site.people.inside(OLGA, "022", ["env", "TERM=xterm-256color", *command])
    wanted = [b"READ-ONLY"] if words else [b"READ-ONLY", b"olga has no right to write"]
    shown = _shown(enter, wanted)
    assert all(each in shown for each in wanted), shown[-3000:]
    assert b"Traceback" not in shown
    assert site.files_of(OLGA) == []


def test_an_observer_leaves_no_file_where_no_monitor_runs(site: SharedSite) -> None:
    """SQLite's log and map would be the reader's, and bar the monitor of another account."""
    site.must(SERVICE, "monitor", "--stop")
    for looker in (OLGA, BOB):
        assert site.status(looker)["release"] == "v1"
        assert not list((site.root / "logs").glob("samples.db-*")), looker
    words = [sys.executable, "-m", "engine.monitoring", "--root", str(site.root)]
    started = site.people.inside(ALICE, "077", words)
    monitor = subprocess.Popen(started, stdin=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 30
        while not list((site.root / "logs").glob("samples.db-shm")):
            assert monitor.poll() is None
            assert time.monotonic() < until
            time.sleep(0.02)
        assert site.not_the_groups() == []
    finally:
        monitor.send_signal(signal.SIGTERM)
        monitor.wait(20)


def test_a_service_whose_supervisor_and_process_were_killed_is_not_said_to_be_gone_by_another_account(
    site: SharedSite,
) -> None:
    """Something that it forked away may be left, and only its own account, or root, can see that."""
    site.must(SERVICE, "service", "stop", "v1")
    site.must(ALICE, "service", "start", "v1")
    state = site.root / ".rollback/services/abaco-pipeline-v1/state.json"
    pids = re.findall(r'"pid":(\d+)', state.read_text())
    assert len(pids) == 2
    site.people.root("kill", "-9", *pids)
    stopped = site.on(BOB, "service", "stop", "v1")
    assert stopped.returncode != 0
    assert "alice started it, and only that account, or root, can see" in stopped.stdout + stopped.stderr
    site.must(ALICE, "service", "stop", "v1")
    site.must(BOB, "service", "start", "v1")


def _shown(command: list[str], wanted: list[bytes]) -> bytes:
    """What a program drew until all of it was there, or for 30 s."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execvp(command[0], command)
    shown, until = b"", time.monotonic() + 30
    try:
        while time.monotonic() < until and not all(each in shown for each in wanted):
            if select.select([terminal], [], [], 0.1)[0]:
                try:
                    shown += os.read(terminal, 65536)
                except OSError:
                    break
    finally:
        os.close(terminal)
        until = time.monotonic() + 10
        while os.waitpid(pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", shown)
