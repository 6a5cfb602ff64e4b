"""A copy of a deployment has the original's journals, and neither takes its workers for its own nor ends them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.clock import SystemClock
from engine.config import Deployment, load_deployment
from engine.operations.force import at_work, end_commands
from engine.operations.journal import Journal, list_operations, records_of, worker_of
from engine.records import make_directory
from engine.services.identity import end_process, identity_of, is_alive
from engine.services.protocol import Identity

NAME = "0001-cutover"


@pytest.fixture
def worker() -> Iterator[Identity]:
    """A process that stands for a worker of the original, or for its command."""
    process = subprocess.Popen(["sleep", "600"], start_new_session=True)
    found = identity_of(process.pid)
    assert found is not None
    yield found
    process.kill()
    process.wait()


@pytest.fixture
def copy(deployment: Deployment, worker: Identity, tmp_path: Path) -> Deployment:
    """Made while a cutover of the original was at work."""
    directory = deployment.paths.operation(NAME)
    make_directory(directory)
    journal = Journal(directory, SystemClock())
    names = {"operation_kind": "cutover", "release_from": "v1", "release_to": "v2", "actor": "tester"}
    who = {"pid": worker.pid, "start_time": worker.start_time, "boot_id": worker.boot_id}
    journal.write("planned", **names, steps=[])
    journal.write("worker", **who, written_in=str(directory))
    journal.write("accepted")
    journal.write("child", **who, written_in=str(directory))
    shutil.copytree(deployment.root, tmp_path / "copy", symlinks=True)
    return load_deployment(tmp_path / "copy")


def test_what_the_original_is_doing_is_interrupted_in_the_copy(
    deployment: Deployment, copy: Deployment, worker: Identity
) -> None:
    assert [item.id for item in at_work(deployment)] == [NAME]
    assert at_work(copy) == []
    assert [item.state for item in list_operations(copy.paths.operations)] == ["INTERRUPTED"]


def test_a_copy_ends_neither_the_worker_nor_its_commands(copy: Deployment, worker: Identity) -> None:
    named = worker_of(records_of(copy.paths.operation(NAME)))
    assert named is not None and end_process(named, group=True), "it is none of this boot's"
    assert end_commands(copy, NAME) == []
    assert is_alive(worker)


def test_a_worker_that_goes_on_in_the_copy_is_known_there(copy: Deployment) -> None:
    directory, me = copy.paths.operation(NAME), identity_of(os.getpid())
    assert me is not None
    who = {"pid": me.pid, "start_time": me.start_time, "boot_id": me.boot_id}
    Journal(directory, SystemClock()).write("worker", **who, written_in=str(directory))
    assert worker_of(records_of(directory)) == me
    assert [item.id for item in at_work(copy)] == [NAME]


def test_in_a_deployment_that_was_moved_its_worker_is_known(deployment: Deployment, copy: Deployment) -> None:
    shutil.rmtree(deployment.root)
    assert [item.id for item in at_work(copy)] == [NAME]
