"""``KillUserProcesses=yes``: logind kills all of a login that ends. An operation of a unit is no part of any login."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from a_systemd import Machine
from over_ssh import Line, install_sshd, lacking, said
from two_backends import OPERATOR, OWNER, Place, UnderSystemd, await_that

from engine.config.templates import write_config

HELD = ["/bin/sh", "-c", "while [ ! -e /srv/go ]; do sleep 0.05; done"]
"""A command of a release that waits until the test lets it go on."""


@pytest.fixture(scope="module")
def place(new_machine: Machine) -> Iterator[UnderSystemd]:
    if reason := lacking():
        pytest.skip(reason)
    made = UnderSystemd(new_machine)
    made.install()
    install_sshd(new_machine, "KillUserProcesses=yes")
    people = f'u {OPERATOR} - "" /srv/home /bin/sh\nm {OPERATOR} {OWNER}\nm {OPERATOR} systemd-journal\n'
    new_machine.write("/etc/sysusers.d/people.conf", people)
    new_machine.up()
    made.make()
    yield made


def held(place: UnderSystemd, *, on: bool) -> None:
    go: Path = place.machine.shared / "go"
    go.unlink(missing_ok=True) if on else go.touch()


def at(place: Place, kind: str, step: str) -> str:
    """Wait until an operation of this kind is in this step; its id."""

    def begun() -> str:
        for journal in sorted(place.root.glob(f".rollback/operations/*-{kind}/journal.jsonl")):
            lines = journal.read_text().splitlines()
            if any('"kind":"intent"' in line and f'"step":"{step}"' in line for line in lines):
                return journal.parent.name
        return ""

    return str(await_that(begun))


def logged_out(place: UnderSystemd) -> bool:
    listed = place.machine.must("loginctl", "--no-pager", "--no-legend", "list-sessions")
    return not listed.strip() and place.machine.run("pgrep", "-u", OPERATOR, "-f", "abaco").returncode == 1


def test_operations_of_units_outlive_the_login_in_which_they_were_asked_for(place: UnderSystemd) -> None:
    """The client dies in the middle of the cutover, the daemon's process in the middle of the way back."""
    root, metrics = place.inside, place.metrics()
    place.program("v2", "test", HELD)
    assert "log-out" not in said(place.machine, OPERATOR, f"abaco-ops --root {root} doctor")
    through(place, "cutover", "test_new", Line.battery_empty)
    place.assert_on("v2")
    place.program("v1", "verify", HELD)
    through(place, "rollback", "verify_old", Line.server_end_dies)
    place.assert_back(metrics)
    assert "noted" in said(place.machine, OPERATOR, f"abaco-ops --root {root} note 'seen over ssh'")


def through(place: UnderSystemd, kind: str, step: str, lost: Callable[[Line], None]) -> None:
    """Ask for it over SSH, lose the line in this step, and see it come to its end with nobody logged in."""
    held(place, on=True)
    line = Line(place.machine, OPERATOR, f"abaco-ops --root {place.inside} {kind} --yes --reason t")
    try:
        name = at(place, kind, step)
        lost(line)
        await_that(lambda: logged_out(place))
        assert place.history(name)["state"] == "RUNNING"
    finally:
        line.close()
        held(place, on=False)
    await_that(lambda: place.history(name)["state"] != "RUNNING")
    assert place.history(name)["state"] == "SUCCEEDED", place.history(name)


def test_an_operation_of_ones_own_ends_with_the_login_and_that_is_said_beforehand(place: UnderSystemd) -> None:
    root = place.machine.shared / "own"
    own = Place(root)
    write_config(root, demo=True)
    own.program("v2", "test", ["/bin/sleep", "8"])
    place.machine.must("chown", "-R", OPERATOR, "/srv/own")
    on = ["abaco-ops", "--root", "/srv/own"]
    place.machine.must("abaco-ops", "demo", "/srv/own", "--no-console", user=OPERATOR)  # outside of any login
    try:
        why = "operations, and the services and the monitor begun here, end when you log out or the line drops"
        for command in ("doctor", "cutover --dry-run"):
            assert why in said(place.machine, OPERATOR, f"abaco-ops --root /srv/own {command}")
        line = Line(place.machine, OPERATOR, "abaco-ops --root /srv/own cutover --yes --reason t")
        try:
            name = at(own, "cutover", "test_new")
            line.battery_empty()
        finally:
            line.close()
        seen = [*on, "history", name, "--json"]
        await_that(lambda: json.loads(place.machine.must(*seen, user=OPERATOR))["state"] == "INTERRUPTED")
        status = json.loads(place.machine.must(*on, "status", "--json", user=OPERATOR))
        assert status["release"] == "v1"
        aborted = place.machine.run(*on, "abort", name, user=OPERATOR)
        assert json.loads(place.machine.must(*seen, user=OPERATOR))["state"] == "ABORTED", aborted.stderr
    finally:
        place.machine.must("abaco-ops", "demo", "/srv/own", "--stop", user=OPERATOR)
