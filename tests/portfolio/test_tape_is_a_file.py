"""What stands in a tape's place and is no file is refused at once: a pipe lets its reader wait, a device never ends."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.config import Deployment
from engine.doctor.tapes import examine_tape as examined_by_doctor
from engine.drills.tape import put_back
from engine.pipeline.figures import TapeUnreadable as PipelineUnreadable
from engine.pipeline.tape_file import open_tape as open_by_pipeline
from engine.portfolio.compute import compute_tape
from engine.portfolio.examined import examine_tape
from engine.portfolio.plan import plan_of
from engine.portfolio.streamed import compute_streamed
from engine.portfolio.tape_schema import schema_of
from engine.portfolio.unreadable import TapeUnreadable
from engine.records.regular import NotRegular, open_regular
from engine.snapshots.manifest import sha256_of
from engine.validation.run import run_validation
from tests.in_this_process import here

KINDS = {"pipe": "a named pipe", "socket": "a socket", "device": "a device"}


@pytest.fixture(autouse=True)
def at_once() -> Iterator[None]:
    """Who waits all the same is told to end."""

    def waited(*_: object) -> None:
        raise TimeoutError("it waited")

    before = signal.signal(signal.SIGALRM, waited)
    signal.alarm(30)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(params=sorted(KINDS))
def special(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, str]:
    """Something that is no file, and what it is."""
    kind = request.param
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(path))
    else:
        path.symlink_to("/dev/zero")
    return path, KINDS[kind]


def test_no_reader_waits_for_what_is_no_file(deployment: Deployment, special: tuple[Path, str]) -> None:
    path, kind = special
    readers = (
        lambda: compute_tape(path, deployment.kpis),
        lambda: compute_streamed(path, deployment.kpis),
        lambda: examine_tape(path, plan_of(deployment.kpis)),
        lambda: schema_of(path, deployment.kpis.tape),
    )
    for read in readers:
        with pytest.raises(TapeUnreadable, match=f"{path} is {kind}, no regular file") as refused:
            read()
        assert "give a CSV or Parquet file" in refused.value.fix


def test_a_sample_pipeline_does_not_wait_for_it_either(special: tuple[Path, str]) -> None:
    path, kind = special
    with pytest.raises(PipelineUnreadable, match=f"it is {kind}, no regular file"), open_by_pipeline(path):
        pass


def test_a_pipe_that_takes_the_files_place_before_it_is_opened_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipe, file = tmp_path / "pipe", tmp_path / "file"
    os.mkfifo(pipe)
    file.write_text("x")
    status = file.stat()
    monkeypatch.setattr(type(pipe), "stat", lambda *_, **__: status)
    with pytest.raises(NotRegular, match="a named pipe"):
        open_regular(pipe)


def test_a_pipe_in_a_directory_of_parquet_files_is_named(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "tape" / "day=1").mkdir(parents=True)
    os.mkfifo(tmp_path / "tape" / "day=1" / "x.parquet")
    for compute in (compute_tape, compute_streamed):
        with pytest.raises(TapeUnreadable, match=r"holds day=1/x\.parquet, which is a named pipe"):
            compute(tmp_path / "tape", deployment.kpis)


def test_a_file_of_the_kernel_that_would_let_its_reader_wait_is_empty(deployment: Deployment) -> None:
    for compute in (compute_tape, compute_streamed):
        with pytest.raises(TapeUnreadable, match="is empty"):
            compute(Path("/proc/kmsg"), deployment.kpis)


def test_doctor_and_validation_name_a_pipe_in_place_of_the_live_tape(deployment: Deployment) -> None:
    deployment.tape.parent.mkdir(parents=True)
    os.mkfifo(deployment.tape)
    (found,) = examined_by_doctor(deployment)
    assert found.status == "FAIL" and "is a named pipe, no regular file" in found.what
    report = run_validation(deployment, wait=lambda _: None)
    assert report.status == "FAIL"
    assert any("is a named pipe, no regular file" in issue for issue in report.checks["data_integrity"].issues)


def test_the_plan_of_a_cutover_names_a_pipe_in_place_of_the_live_tape(deployment: Deployment) -> None:
    deployment.tape.parent.mkdir(parents=True)
    os.mkfifo(deployment.tape)
    done = here("cutover", "--dry-run", "--root", str(deployment.root))
    assert "data/raw/loan_tape.csv is a named pipe, no regular file" in done.stdout
    assert done.returncode == 2


def test_a_hash_of_a_pipe_is_refused_and_a_drill_leaves_it_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="is no regular file"):
        sha256_of(tmp_path / "pipe")
    assert "another tape stands there now" in put_back(tmp_path, tmp_path / "pipe", "a" * 64, "b" * 64).says


def test_the_command_says_what_a_device_is_and_ends(deployment: Deployment) -> None:
    command = "import sys; from engine.cli.frame import main; sys.exit(main(sys.argv[1:], lambda *_: 99))"
    done = subprocess.run(
        [sys.executable, "-c", command, "kpi", "/dev/zero", "--root", str(deployment.root)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "abaco-ops: /dev/zero is a device, no regular file")
