"""Which operation is meant where no ID is given, and what is said of numbers and of people at the end."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from bench_at_work import work_on
from in_this_process import here

from engine.clock import SystemClock
from engine.config import Deployment
from engine.errors import Refused
from engine.operations.incident import people_to_tell
from engine.operations.journal import Journal
from engine.operations.recorded import recorded
from engine.operations.steering import unfinished
from engine.records import make_directory
from engine.records.counted import counted
from engine.services.identity import identity_of


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that stands for somebody's worker."""
    process = subprocess.Popen(["sleep", "60"])
    yield process
    process.kill()
    process.wait()


def operation(deployment: Deployment, name: str, *, pid: int | None = None) -> Path:
    """One that was accepted, and whose worker is ``pid``; without one it has stopped half-way."""
    directory = deployment.paths.operation(name)
    make_directory(directory)
    journal = Journal(directory, SystemClock())
    journal.write("planned", operation_kind=name.partition("-")[2], steps=[])
    journal.write("accepted")
    worker = identity_of(pid) if pid else None
    start, boot = (worker.start_time, worker.boot_id) if worker else (1, "an earlier boot")
    journal.write("worker", pid=pid or 7, start_time=start, boot_id=boot)
    return directory


def test_without_an_id_the_only_unfinished_one_is_taken_and_said(deployment: Deployment) -> None:
    operation(deployment, "0001-cutover")
    said = here("--root", str(deployment.root), "resolve", "--reason", "mended")
    assert "resolve: 0001-cutover, the only one that is unfinished" in said.stderr


def test_the_one_that_runs_comes_before_those_that_stopped(
    deployment: Deployment, sleeper: subprocess.Popen[bytes]
) -> None:
    operation(deployment, "0001-cutover")
    operation(deployment, "0002-rollback", pid=sleeper.pid)
    assert unfinished(deployment, None, "abort").id == "0002-rollback"
    assert unfinished(deployment, "1", "abort").id == "0001-cutover", "a name is a name"


def test_of_several_a_person_has_to_choose(deployment: Deployment) -> None:
    operation(deployment, "0001-cutover")
    operation(deployment, "0002-rollback")
    with pytest.raises(Refused, match="2 operations are unfinished: 0001-cutover, 0002-rollback"):
        unfinished(deployment, None, "resume")


def test_where_nothing_is_unfinished_that_is_said(deployment: Deployment, clock) -> None:  # type: ignore[no-untyped-def]
    work_on(deployment, clock).record("ended", state="SUCCEEDED", failure="")
    with pytest.raises(Refused, match="nothing is unfinished: nothing to abort"):
        unfinished(deployment, None, "abort")


def test_a_rollback_tells_those_whom_the_monitor_tells_of_it(deployment: Deployment) -> None:
    named = deployment.monitoring.escalation.rolled_back
    assert named and people_to_tell(deployment)[0] == named
    section = msgspec.structs.replace(deployment.monitoring.escalation, rolled_back=[])
    bare = msgspec.structs.replace(deployment.monitoring, escalation=section)
    row = next(row.told for row in bare.matrix if row.verdict == "ROLL BACK")
    without = Deployment(**{**_fields(deployment), "monitoring": bare})
    assert people_to_tell(without)[0] == list(row) != named


def _fields(deployment: Deployment) -> dict[str, object]:
    import dataclasses

    return {field.name: getattr(deployment, field.name) for field in dataclasses.fields(deployment)}


def test_one_is_told_as_one(deployment: Deployment) -> None:
    assert [counted(1, "run"), counted(2, "run"), counted(0, "event")] == ["1 run", "2 runs", "0 events"]
    deployment.paths.runs.parent.mkdir(parents=True, exist_ok=True)
    deployment.paths.runs.write_text("{\n{}\n")
    assert recorded(deployment, "v2").problem == "1 damaged line in runs.jsonl passed over"
