"""A newer abaco-ops is installed below a monitor that systemd keeps running, and begins to write."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from a_systemd import REPOSITORY, Machine
from two_backends import OWNER, UnderSystemd, await_that

from engine.records.form import VERSION

MONITOR = "abaco-ops-monitor.service"


@pytest.fixture
def place(new_machine: Machine) -> Iterator[UnderSystemd]:
    made = UnderSystemd(new_machine)
    made.install()
    new_machine.up()
    made.make()
    yield made


def process(place: UnderSystemd) -> int:
    return int(place.machine.must("systemctl", "show", "--value", "-p", "MainPID", MONITOR))


def upgrade(place: UnderSystemd) -> None:
    """As a package does it: another file in the old one's place, of a version whose records are newer."""
    newer = place.machine.shared / "newer"
    for room in ("engine", "tui"):
        shutil.copytree(REPOSITORY / room, newer / room, ignore=shutil.ignore_patterns("__pycache__"))
    form = newer / "engine/records/form.py"
    form.write_text(form.read_text().replace(f"VERSION = {VERSION}", f"VERSION = {VERSION + 1}"))
    command = f'#!/bin/sh\nexport PYTHONPATH=/srv/newer\nexec {sys.executable} -P -m tui.main "$@"\n'
    (newer / "abaco-ops").write_text(command)
    place.machine.must("install", "-m", "755", "/srv/newer/abaco-ops", "/usr/bin/abaco-ops")


def seen_by_the_new_one(place: UnderSystemd) -> dict[str, Any]:
    told = place.machine.must("/usr/bin/abaco-ops", "--root", str(place.inside), "status", "--json", user=OWNER)
    return json.loads(told)  # type: ignore[no-any-return]


def test_systemd_starts_the_installed_monitor_when_a_newer_version_has_begun_to_write(place: UnderSystemd) -> None:
    old = await_that(lambda: process(place))
    await_that(lambda: place.look("status")["monitor"]["running"])
    upgrade(place)
    noted = place.machine.run("/usr/bin/abaco-ops", "--root", str(place.inside), "note", "upgraded", user=OWNER)
    assert noted.returncode == 0, noted.stderr
    await_that(lambda: process(place) not in (0, old))
    await_that(lambda: seen_by_the_new_one(place)["monitor"]["running"])
    assert seen_by_the_new_one(place)["newer"] == "", "the version that looks is the one that watches"
    said = place.machine.must("journalctl", "-u", MONITOR, "-o", "cat", "--no-pager")
    assert f"its records are of version {VERSION + 1}" in said and "this monitor writes nothing more" in said
