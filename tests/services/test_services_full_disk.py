"""A full disk stops neither a stop nor the start of a release that ran here before."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from service_at_work import Fake

from engine.errors import OpsError
from engine.services.identity import is_alive


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "none", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs root and the right to mount")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place: Path) -> None:
    with (place / "filler").open("wb", buffering=0) as stream, pytest.raises(OSError, match="No space"):
        while True:
            stream.write(b"x" * 4096)


def test_a_service_is_stopped_and_started_again_on_a_full_disk(small_disk: Path) -> None:
    one = Fake(small_disk / "root", "ok")
    main = one.service.start().identity
    one.ready()
    fill(small_disk)
    assert one.service.stop().stopped
    assert not is_alive(main)
    assert one.service.status().state == "STOPPED"
    again = one.service.start()
    assert (again.state, again.supervised) == ("RUNNING", True)
    one.kill_supervisor()
    assert one.service.stop().stopped
    assert one.everyone() == []


def test_a_first_start_on_a_full_disk_is_refused_in_words(small_disk: Path) -> None:
    one = Fake(small_disk / "root", "ok")
    fill(small_disk)
    with pytest.raises(OpsError, match="cannot be started"):
        one.service.start()
    assert one.service.stop().stopped is False or one.everyone() == []
    assert one.everyone() == []
