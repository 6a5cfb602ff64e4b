"""A copy of a deployment names the monitor of the original, and does not end it."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from engine.config import Deployment, load_deployment
from engine.monitoring.holder import ROOM, holder_file, read_holder
from engine.monitoring.launch import ensure_monitor, monitor_pid, monitor_running, restart_monitor, stop_monitor


def until(met: Callable[[], object], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def original(deployment: Deployment) -> Iterator[Deployment]:
    ensure_monitor(deployment)
    until(lambda: monitor_pid(deployment))
    yield deployment
    stop_monitor(deployment)
    assert not monitor_running(deployment)


def unlabelled(deployment: Deployment) -> None:
    """As an earlier version wrote it, which does not say of which deployment."""
    path = holder_file(deployment)
    holder = msgspec.json.decode(path.read_bytes())
    holder.pop("root", None)
    path.write_bytes(msgspec.json.encode(holder).ljust(ROOM))


@pytest.fixture(params=["by this version", "by an earlier version"])
def copy(request: pytest.FixtureRequest, original: Deployment, tmp_path: Path) -> Iterator[Deployment]:
    if request.param == "by an earlier version":
        unlabelled(original)
    # a file that the monitor removes meanwhile is missed, and said
    subprocess.run(["cp", "-a", str(original.root), str(tmp_path / "copy")], capture_output=True, check=False)
    made = load_deployment(tmp_path / "copy")
    assert holder_file(made).read_bytes() == holder_file(original).read_bytes()
    yield made
    stop_monitor(made)
    assert not monitor_running(made)


def test_stopped_in_a_copy_the_monitor_of_the_original_goes_on(original: Deployment, copy: Deployment) -> None:
    pid = monitor_pid(original)
    assert monitor_pid(copy) is None
    assert stop_monitor(copy) is False
    assert pid is not None
    assert monitor_pid(original) == pid


def test_restarted_in_a_copy_each_has_its_own(original: Deployment, copy: Deployment) -> None:
    pid = monitor_pid(original)
    restart_monitor(copy)
    until(lambda: (holder := read_holder(copy)) is not None and holder.root == str(copy.root))
    until(lambda: monitor_pid(copy))
    assert monitor_pid(copy) != pid
    assert stop_monitor(copy) is True
    assert monitor_pid(original) == pid


def test_the_monitor_of_an_earlier_version_is_stopped_where_it_runs(original: Deployment) -> None:
    unlabelled(original)
    assert monitor_pid(original)
    assert stop_monitor(original) is True
    assert not monitor_running(original)


def test_the_monitor_of_a_deployment_that_was_moved_is_stopped_there(original: Deployment, tmp_path: Path) -> None:
    original.root.rename(tmp_path / "elsewhere")
    moved = load_deployment(tmp_path / "elsewhere")
    original.paths.logs.mkdir(parents=True, exist_ok=True)  # what runs on makes directories of the old name anew
    assert monitor_pid(moved)
    assert stop_monitor(moved) is True
    assert not monitor_running(moved)
